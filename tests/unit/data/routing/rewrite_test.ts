/** Rewritten paths and redirects: what they become, and that nothing can break out of them. */
import { assert, assertEquals } from "@test/assert";
import type { PathRewrite } from "../../../../lib/core/traffic.ts";
import {
  compilePathRewrite,
  compileRedirect,
  redirectLocation,
} from "../../../../lib/data/routing/rewrite.ts";
import { seeded } from "../../../support/seeded.ts";

const prefixes: readonly (readonly [from: string, to: string, target: string, result: string])[] = [
  ["/v1", "/v2", "/v1/items", "/v2/items"],
  ["/v1", "/v2", "/v1", "/v2"],
  ["/v1", "/v2", "/v1?a=1", "/v2?a=1"],
  ["/v1", "/v2", "/v10/items", "/v10/items"],
  ["/v1", "/v2", "/V1/items", "/V1/items"],
  ["/v1", "/v2", "/x/v1", "/x/v1"],
  ["/v1", "/v2/", "/v1/items", "/v2/items"],
  ["/v1/", "/v2/", "/v1/items", "/v2/items"],
  ["/v1/", "/v2/", "/v1", "/v1"],
  ["/v1/", "/v2", "/v1/", "/v2/"],
  ["/v1", "/", "/v1/items", "/items"],
  ["/v1", "", "/v1/items", "/items"],
  ["/v1", "", "/v1", "/"],
  ["/v1", "", "/v1?", "/?"],
  ["/v1", "/", "/v1?a", "/?a"],
  ["/", "/api", "/items?x=%20", "/api/items?x=%20"],
  ["/", "/api", "/", "/api/"],
  ["/", "/api", "?a=1", "/api/?a=1"],
  ["/", "/api", "", "/api/"],
  ["/v1", "/v2", "*", "*"],
  ["/v1", "v2", "/v1/a", "/v2/a"],
  ["/a", "/b", "/a/%2F/..//c;d", "/b/%2F/..//c;d"],
  ["/a", "/é x", "/a/1", "/%C3%A9%20x/1"],
];

for (const [from, to, target, result] of prefixes) {
  Deno.test(`path rewrite, prefix ${from} to ${JSON.stringify(to)} of ${target} is ${result}`, () => {
    assertEquals(compilePathRewrite({ prefix: { from, to } })(target), result);
  });
}

const regexes: readonly (readonly [pattern: string, to: string, target: string, result: string])[] =
  [
    ["^/users/([^/]+)/(.*)$", "/$2/of/$1", "/users/7/cart?x=1", "/cart/of/7?x=1"],
    ["o", "0", "/foo", "/f0o"],
    ["^/a(b)?", "/x$1y", "/ac", "/xyc"],
    ["b", "$$", "/abc", "/a$c"],
    ["b", "[$&$0]", "/abc", "/a[bb]c"],
    ["(b)", "$12", "/abc", "/ab2c"],
    ["b", "$", "/abc", "/a$c"],
    ["none", "x", "/abc?q", "/abc?q"],
    ["^/.*$", "", "/abc", "/"],
    ["^/", "", "/abc", "/abc"],
    ["^/old$", "/new?from=old", "/old?a=1", "/new?from=old&a=1"],
    ["^/old$", "/new?from=old", "/old", "/new?from=old"],
    ["a", "b c\t", "/a", "/b%20c%09"],
    ["a", "\r\nX: y", "/a", "/%0D%0AX:%20y"],
  ];

for (const [pattern, to, target, result] of regexes) {
  Deno.test(`path rewrite, ${pattern} to ${JSON.stringify(to)} of ${target} is ${result}`, () => {
    assertEquals(compilePathRewrite({ regex: { pattern, to } })(target), result);
  });
}

Deno.test("path rewrite, the prefix comes before the regular expression", () => {
  const rewrite = compilePathRewrite({
    prefix: { from: "/v1", to: "/v2" },
    regex: { pattern: "v2", to: "v3" },
  });
  assertEquals(rewrite("/v1/a"), "/v3/a");
});

Deno.test("path rewrite, whatever the caller sends, the result is a path that stays in its line", () => {
  const random = seeded(51);
  const chars = [..."/ab?#%\\ \t\r\n\0\x7fé\u2028😀\ud800$1"];
  const rewrites = [
    { prefix: { from: "/", to: "/api" } },
    { prefix: { from: "/a", to: "" } },
    { regex: { pattern: "^/(.*)$", to: "$1" } },
    { regex: { pattern: "b", to: "é \n#?".replace("#", "") } },
  ].map((rewrite: PathRewrite) => compilePathRewrite(rewrite));
  for (let round = 0; round < 5000; round++) {
    const target = `/${Array.from({ length: random.below(12) }, () => random.of(chars)).join("")}`;
    for (const rewrite of rewrites) {
      assert(/^\/[\x21-\x22\x24-\x7e]*$/.test(rewrite(target)), JSON.stringify(target));
    }
    for (const template of ["$path", "https://h$path", "/to$path#top"]) {
      const location = redirectLocation(template, target);
      assert(/^[\x21-\x7e]+$/.test(location), JSON.stringify(target));
      if (template === "$path") assert(/^\/(?![/\\])/.test(location), location);
    }
  }
});

const wrong: readonly (readonly [rewrite: PathRewrite, message: RegExp])[] = [
  [{ prefix: { from: "v1", to: "/" } }, /prefix: from is "v1"; begin with \//],
  [{ prefix: { from: "/", to: "/a?b" } }, /neither a query nor a fragment/],
  [{ regex: { pattern: "(", to: "" } }, /regex: the regular expression "\("/],
  [{ regex: { pattern: "a", to: "$1" } }, /to names \$1, but the pattern has 0 groups/],
  [{ regex: { pattern: "a", to: "b#c" } }, /no fragment; write %23/],
];

for (const [rewrite, message] of wrong) {
  Deno.test(`path rewrite, refuses ${JSON.stringify(rewrite)}`, () => {
    assert.throws(() => compilePathRewrite(rewrite), message);
  });
}

const redirects: readonly (readonly [template: string, target: string, location: string])[] = [
  ["https://new.example/", "/a", "https://new.example/"],
  ["https://new.example$path", "/a?b=1", "https://new.example/a?b=1"],
  ["https://new.example$path", "", "https://new.example/"],
  ["https://new.example$path", "?b=1", "https://new.example/?b=1"],
  ["/login?to=$path", "/a", "/login?to=/a"],
  ["$path", "//evil.example/x", "/evil.example/x"],
  ["$path", "/\\evil.example", "/evil.example"],
  ["https://é.example/$$path", "/$&", "https://%C3%A9.example/$/$&"],
  ["/a#b", "/x", "/a#b"],
];

for (const [template, target, location] of redirects) {
  Deno.test(`redirect, ${template} for ${JSON.stringify(target)} is ${location}`, () => {
    assertEquals(compileRedirect({ status: 302, location: template }).location(target), location);
  });
}

const badRedirects: readonly (readonly [status: number, location: string, message: RegExp])[] = [
  [200, "/", /the status is 200; write 301/],
  [304, "/", /the status is 304/],
  [302, "", /is empty or has a blank/],
  [302, "/a b", /is empty or has a blank/],
  [302, "/a\r\nSet-Cookie:x", /is empty or has a blank/],
  [302, "/$path", /would name a host/],
];

for (const [status, location, message] of badRedirects) {
  Deno.test(`redirect, refuses ${status} to ${JSON.stringify(location)}`, () => {
    assert.throws(() => compileRedirect({ status, location }), message);
  });
}
