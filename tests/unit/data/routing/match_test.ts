/** Conditions of rules: every member, all together, and the share of requests. */
import { assert, assertEquals } from "@test/assert";
import type { RequestMatch } from "../../../../lib/core/traffic.ts";
import { compileMatch } from "../../../../lib/data/routing/match.ts";
import { PolicyError } from "../../../../lib/data/routing/policy_error.ts";
import { seeded } from "../../../support/seeded.ts";
import { factsOf, type FactsOptions, noRandom } from "./facts_support.ts";

const table: readonly (readonly [match: RequestMatch, request: FactsOptions, fits: boolean])[] = [
  [{}, {}, true],
  [{ methods: [] }, { method: "PUT" }, true],
  [{ methods: ["GET"] }, { method: "GET" }, true],
  [{ methods: ["get"] }, { method: "GET" }, true],
  [{ methods: ["get"] }, { method: "get" }, true],
  [{ methods: ["GET"] }, { method: "get" }, false],
  [{ methods: ["GET", "HEAD"] }, { method: "HEAD" }, true],
  [{ methods: ["GET", "HEAD"] }, { method: "POST" }, false],
  [{ path: { prefix: "/api/" } }, { target: "/api/x?a=1" }, true],
  [{ path: { exact: "/api" } }, { target: "/api?a=1" }, true],
  [{ path: { prefix: "/api/" } }, { target: "/web" }, false],
  [
    { headers: [{ name: "X-User", value: { exact: "ann" } }] },
    { headers: { "x-user": "ann" } },
    true,
  ],
  [
    { headers: [{ name: "x-user", value: { exact: "ann" } }] },
    { headers: { "X-USER": "ann" } },
    true,
  ],
  [{ headers: [{ name: "x-user", value: { exact: "ann" } }] }, {}, false],
  [{ headers: [{ name: "x-user", value: { present: false } }] }, {}, true],
  [{ cookies: [{ name: "u", value: { exact: "1" } }] }, { headers: { Cookie: "a=2; u=1" } }, true],
  [{ cookies: [{ name: "u", value: { exact: "1" } }] }, { headers: { Cookie: "u=2" } }, false],
  [{ queries: [{ name: "v", value: { atLeast: 2 } }] }, { target: "/?v=3" }, true],
  [{ queries: [{ name: "v", value: { atLeast: 2 } }] }, { target: "/?v=1" }, false],
  [{ queries: [{ name: "q", value: { exact: "a b" } }] }, { target: "/?q=a%20b" }, true],
  [{ callers: ["web"] }, { caller: "web" }, true],
  [{ callers: ["web"] }, { caller: "Web" }, false],
  [{ callers: ["a", "b"] }, { caller: "b" }, true],
  [{ callers: ["a"] }, { caller: "" }, false],
  [{ any: [] }, {}, true],
  [{ any: [{ methods: ["PUT"] }, { callers: ["web"] }] }, {}, true],
  [{ any: [{ methods: ["PUT"] }, { callers: ["shop"] }] }, {}, false],
  [{ methods: ["PUT"], any: [{ callers: ["web"] }] }, {}, false],
  [{ share: 0 }, {}, false],
  [{ share: 1 }, {}, true],
  [
    {
      methods: ["GET"],
      path: { prefix: "/a" },
      callers: ["web"],
      any: [{ path: { suffix: "z" } }],
    },
    { target: "/a/z" },
    true,
  ],
  [
    {
      methods: ["GET"],
      path: { prefix: "/a" },
      callers: ["web"],
      any: [{ path: { suffix: "z" } }],
    },
    { target: "/a/y" },
    false,
  ],
];

for (const [match, request, fits] of table) {
  Deno.test(`match, ${JSON.stringify(match)} and ${JSON.stringify(request)}: ${fits}`, () => {
    assertEquals(compileMatch(match)(factsOf(request), noRandom), fits);
  });
}

const wrong: readonly (readonly [match: RequestMatch, message: RegExp])[] = [
  [{ path: { regex: "(" } }, /^path: the regular expression "\(" cannot be used/],
  [{ headers: [{ name: "x-a", value: { regex: "a**" } }] }, /^header x-a: .*"a\*\*"/],
  [{ any: [{}, { queries: [{ name: "q", value: { regex: "[" } }] }] }, /^any 2: query parameter q/],
  [{ share: 1.5 }, /share is 1\.5; a share is a number from 0 to 1/],
  [{ share: NaN }, /share is NaN/],
];

for (const [match, message] of wrong) {
  Deno.test(`match, refuses ${JSON.stringify(match)} and says what is wrong`, () => {
    assert.throws(() => compileMatch(match), (error) => {
      assert(error instanceof PolicyError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("match, draws lots only for requests that fit everything else", () => {
  const fits = compileMatch({ share: 0.5, methods: ["PUT"] });
  assertEquals(fits(factsOf(), noRandom), false);
});

Deno.test("match, a share without a key is the share of requests", () => {
  const random = seeded(3);
  const fits = compileMatch({ share: 0.1 });
  let hits = 0;
  for (let round = 0; round < 20_000; round++) if (fits(factsOf(), random)) hits++;
  assert(Math.abs(hits / 20_000 - 0.1) < 0.01, `${hits}`);
});

function chosen(match: RequestMatch, salt: string): Set<number> {
  const fits = compileMatch(match, salt);
  const users = new Set<number>();
  for (let user = 0; user < 20_000; user++) {
    if (fits(factsOf({ headers: { "x-user": `user-${user}` } }), noRandom)) users.add(user);
  }
  return users;
}

const byUser = { kind: "header", name: "X-User" } as const;

Deno.test("match, a sticky share chooses the same users again, and about that share of them", () => {
  for (const share of [0.01, 0.1, 0.5, 0.9]) {
    const users = chosen({ share, sticky: byUser }, "canary");
    assertEquals(chosen({ share, sticky: byUser }, "canary"), users);
    assert(Math.abs(users.size / 20_000 - share) < 0.01, `${share}: ${users.size}`);
  }
});

Deno.test("match, a greater sticky share keeps all whom the smaller one has chosen", () => {
  const few = chosen({ share: 0.1, sticky: byUser }, "canary");
  const more = chosen({ share: 0.2, sticky: byUser }, "canary");
  assert(few.size < more.size);
  for (const user of few) assert(more.has(user), `user ${user} was sent back`);
});

Deno.test("match, sticky shares of rules with different names choose independently", () => {
  const names = ["canary", "canarz", "b", ""];
  for (const one of names) {
    for (const other of names) {
      if (one === other) continue;
      const ones = chosen({ share: 0.5, sticky: byUser }, one);
      const others = chosen({ share: 0.5, sticky: byUser }, other);
      const both = [...ones].filter((user) => others.has(user)).length;
      assert(Math.abs(both / 20_000 - 0.25) < 0.02, `${one} and ${other}: ${both}`);
    }
  }
});

Deno.test("match, requests without the sticky key draw lots", () => {
  const random = seeded(8);
  const fits = compileMatch({ share: 0.3, sticky: byUser }, "canary");
  let hits = 0;
  for (let round = 0; round < 10_000; round++) if (fits(factsOf(), random)) hits++;
  assert(Math.abs(hits / 10_000 - 0.3) < 0.02, `${hits}`);
});
