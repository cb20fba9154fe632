/** Route rules: the first that fits, its target, and what else happens to the request. */
import { assert, assertEquals } from "@test/assert";
import type { RouteRule } from "../../../../lib/core/traffic.ts";
import { PolicyError } from "../../../../lib/data/routing/policy_error.ts";
import { compileRoutes } from "../../../../lib/data/routing/router.ts";
import { describeSubset } from "../../../../lib/data/routing/subset.ts";
import { seeded } from "../../../support/seeded.ts";
import { factsOf, noRandom } from "./facts_support.ts";

const versions = (...weights: readonly number[]) =>
  weights.map((weight, index) => ({ subset: { version: `${index + 1}.0` }, weight }));

const rules: readonly RouteRule[] = [
  { name: "put", match: { methods: ["PUT"] }, targets: versions(1) },
  { name: "ann", match: { headers: [{ name: "x-user", value: { exact: "ann" } }] }, targets: [] },
  { name: "rest", targets: [{ service: "other", weight: 1 }], timeoutMs: 300 },
  { name: "never reached", targets: [] },
];

Deno.test("router, no rules are no router", () => {
  assertEquals(compileRoutes([]), undefined);
});

const decisions: readonly (readonly [
  request: Parameters<typeof factsOf>[0],
  rule: string,
  target: string | undefined,
])[] = [
  [{ method: "PUT", headers: { "x-user": "ann" } }, "put", "version=1.0"],
  [{ headers: { "x-user": "ann" } }, "ann", undefined],
  [{}, "rest", "other all"],
];

for (const [request, rule, target] of decisions) {
  Deno.test(`router, ${JSON.stringify(request)} falls under the rule ${rule}`, () => {
    const decision = compileRoutes(rules)!.decide(factsOf(request), noRandom);
    assertEquals(decision?.route.name, rule);
    assertEquals(decision?.target?.label, target);
  });
}

Deno.test("router, a request that fits no rule gets no decision", () => {
  assertEquals(compileRoutes([rules[0]!])!.decide(factsOf(), noRandom), undefined);
});

Deno.test("router, hands out what the rule says", () => {
  const decision = compileRoutes([{
    name: "all",
    targets: [],
    timeoutMs: 500,
    retry: { maxAttempts: 4 },
    path: { prefix: { from: "/v1", to: "/v2" } },
    requestHeaders: { set: { "x-lane": "blue" } },
    responseHeaders: { remove: ["Server"] },
    redirect: { status: 307, location: "https://new.example$path" },
    rateLimits: [{ name: "slow", perSecond: 1, burst: 1 }],
  }])!.decide(factsOf(), noRandom);
  const route = decision!.route;
  assertEquals(route.timeoutMs, 500);
  assertEquals(route.retry, { maxAttempts: 4 });
  assertEquals(route.path?.("/v1/a?b"), "/v2/a?b");
  assertEquals(new TextDecoder().decode(route.requestHeaders?.lines), "x-lane: blue\r\n");
  assertEquals([...route.responseHeaders!.dropNames], ["server"]);
  assertEquals(route.redirect?.location("/a?b"), "https://new.example/a?b");
  assertEquals(route.rateLimits.map(({ name }) => name), ["slow"]);
});

Deno.test("router, gives each target its weight exactly and none to those without", () => {
  const random = seeded(41);
  const router = compileRoutes([{ name: "canary", targets: versions(85, 0, 15) }])!;
  const times = new Map<string, number>();
  for (let turn = 0; turn < 10_000; turn++) {
    const label = router.decide(factsOf(), random)!.target!.label;
    times.set(label, (times.get(label) ?? 0) + 1);
  }
  assertEquals(times, new Map([["version=1.0", 8500], ["version=3.0", 1500]]));
});

Deno.test("router, two rules take turns each for itself", () => {
  const router = compileRoutes([
    { name: "put", match: { methods: ["PUT"] }, targets: versions(1, 1) },
    { name: "rest", targets: versions(1, 1) },
  ])!;
  const labels = ["PUT", "GET", "PUT", "GET"].map((method) =>
    router.decide(factsOf({ method }), () => 0)!.target!.label
  );
  assertEquals(labels, ["version=1.0", "version=1.0", "version=2.0", "version=2.0"]);
});

const sticky: RouteRule = {
  name: "canary",
  targets: versions(80, 20),
  sticky: { kind: "header", name: "X-User" },
};

Deno.test("router, keeps a user on one side, in every thread", () => {
  const one = compileRoutes([sticky])!, other = compileRoutes([sticky])!;
  let canary = 0;
  for (let user = 0; user < 5000; user++) {
    const facts = factsOf({ headers: { "x-user": `${user}` } });
    const target = one.decide(facts, noRandom)!.target!;
    assertEquals(one.decide(facts, noRandom)!.target, target);
    assertEquals(other.decide(facts, noRandom)!.target!.label, target.label);
    if (target.label === "version=2.0") canary++;
  }
  assert(Math.abs(canary / 5000 - 0.2) < 0.02, `${canary}`);
});

Deno.test("router, users chosen by a sticky share still spread over sticky targets", () => {
  const router = compileRoutes([{
    ...sticky,
    match: { share: 0.1, sticky: { kind: "header", name: "x-user" } },
    targets: versions(1, 1),
  }])!;
  let first = 0, all = 0;
  for (let user = 0; user < 20_000; user++) {
    const decision = router.decide(factsOf({ headers: { "x-user": `${user}` } }), noRandom);
    if (!decision) continue;
    all++;
    if (decision.target!.label === "version=1.0") first++;
  }
  assert(Math.abs(all / 20_000 - 0.1) < 0.01, `${all}`);
  assert(Math.abs(first / all - 0.5) < 0.05, `${first} of ${all}`);
});

Deno.test("router, requests without the sticky key take turns", () => {
  const router = compileRoutes([sticky])!;
  let canary = 0;
  for (let turn = 0; turn < 100; turn++) {
    if (router.decide(factsOf(), () => 0)!.target!.label === "version=2.0") canary++;
  }
  assertEquals(canary, 20);
});

Deno.test("router, a look says what the next request will get and takes no turn", () => {
  const random = seeded(42);
  const router = compileRoutes([{ name: "canary", targets: versions(3, 1, 1) }])!;
  router.decide(factsOf(), random);
  for (let turn = 0; turn < 50; turn++) {
    const looked = router.look(factsOf(), random);
    assertEquals(router.look(factsOf(), random), looked);
    assertEquals(router.decide(factsOf(), random), looked);
  }
});

Deno.test("router, a trace names the rules asked and the one that fits", () => {
  const steps = compileRoutes(rules)!.trace(factsOf(), noRandom);
  assertEquals(steps.map(({ route, fits }) => [route.name, fits]), [
    ["put", false],
    ["ann", false],
    ["rest", true],
  ]);
});

Deno.test("router, copies and faults come to their shares of requests, each for itself", () => {
  const random = seeded(43);
  const router = compileRoutes([{
    name: "trial",
    targets: versions(1),
    mirror: { subset: { version: "9.0" }, share: 0.2 },
    fault: { delay: { ms: 50, share: 0.1 }, abort: { status: 503, share: 0.3 } },
  }])!;
  const seen = { mirror: 0, delay: 0, abort: 0, both: 0, plain: 0 };
  for (let turn = 0; turn < 20_000; turn++) {
    const { target, mirror, fault } = router.decide(factsOf(), random)!;
    assertEquals(target?.label, "version=1.0");
    if (mirror) {
      assertEquals(mirror.label, "version=9.0");
      seen.mirror++;
    }
    if (fault?.delayMs === 50) seen.delay++;
    if (fault?.abortStatus === 503) seen.abort++;
    if (fault?.delayMs === 50 && fault.abortStatus === 503) seen.both++;
    if (!mirror && !fault) seen.plain++;
  }
  const near = (count: number, share: number) =>
    assert(Math.abs(count / 20_000 - share) < 0.012, JSON.stringify(seen));
  near(seen.mirror, 0.2);
  near(seen.delay, 0.1);
  near(seen.abort, 0.3);
  near(seen.both, 0.03);
  near(seen.plain, 0.8 * 0.9 * 0.7);
});

Deno.test("router, a rule to which nothing happens hands out the same decision again", () => {
  const router = compileRoutes([{ name: "plain", targets: versions(1) }])!;
  assert(router.decide(factsOf(), noRandom) === router.decide(factsOf(), noRandom));
});

Deno.test("router, numbers all targets, mirrors too, so that something can be kept for each", () => {
  const { targets } = compileRoutes([
    { name: "a", targets: versions(1, 0, 1), mirror: { service: "shadow", share: 1 } },
    { name: "b", targets: versions(1) },
  ])!;
  assertEquals(targets.map(({ index, label }) => [index, label]), [
    [0, "version=1.0"],
    [1, "version=3.0"],
    [2, "shadow all"],
    [3, "version=1.0"],
  ]);
});

const wrong: readonly (readonly [rule: Partial<RouteRule>, message: RegExp])[] = [
  [{ targets: versions(0, 0) }, /all targets have the weight 0/],
  [{ targets: versions(-1, 2) }, /a target has the weight -1/],
  [{ targets: versions(NaN) }, /a target has the weight NaN/],
  [{ match: { path: { regex: "(" } } }, /match: path: the regular expression "\("/],
  [{ mirror: { share: 2 } }, /share of the mirror is 2/],
  [{ fault: { abort: { status: 700, share: 1 } } }, /fault: the status of aborts is 700/],
  [{ path: { regex: { pattern: "a", to: "$1" } } }, /path rewrite: regex: to names \$1/],
  [{ requestHeaders: { set: { Host: "x" } } }, /request headers: the field Host/],
  [{ responseHeaders: { set: { "x-a": "a\nb" } } }, /response headers: .*0x0a/],
  [{ redirect: { status: 200, location: "/" } }, /redirect: the status is 200/],
];

for (const [rule, message] of wrong) {
  Deno.test(`router, refuses ${JSON.stringify(rule)} and names the rule`, () => {
    assert.throws(() => compileRoutes([{ name: "bad", targets: [], ...rule }]), (error) => {
      assert(error instanceof PolicyError);
      assert(error.message.startsWith('route "bad": '), error.message);
      assert.match(error.message, message);
      return true;
    });
  });
}

const subsets = [
  [undefined, "all"],
  [{}, "all"],
  [{ zone: "a", version: "1.0" }, "version=1.0, zone=a"],
] as const;

for (const [tags, text] of subsets) {
  Deno.test(`subset, ${JSON.stringify(tags)} reads ${text}`, () => {
    assertEquals(describeSubset(tags), text);
  });
}

Deno.test("router, the share of a target without anybody goes to the others by their weights", () => {
  const random = seeded(43);
  const router = compileRoutes([{ name: "canary", targets: versions(50, 40, 10) }])!;
  const times = new Map<string, number>();
  for (let turn = 0; turn < 10_000; turn++) {
    const decision = router.decide(factsOf(), random)!;
    const target = decision.target!.label !== "version=1.0"
      ? decision.target!
      : router.instead(decision, factsOf(), { empty: [true, false, false], moves: true, random })!;
    times.set(target.label, (times.get(target.label) ?? 0) + 1);
  }
  assertEquals(times, new Map([["version=2.0", 8000], ["version=3.0", 2000]]));
});

Deno.test("router, a user whose side has nobody gets another one, always the same", () => {
  const router = compileRoutes([{ ...sticky, targets: versions(60, 20, 20) }])!;
  const options = { empty: [true, false, false], moves: true, random: noRandom };
  const sides = new Set<string>();
  for (let user = 0; user < 200; user++) {
    const facts = factsOf({ headers: { "x-user": `${user}` } });
    const decision = router.decide(facts, noRandom)!;
    if (decision.target!.label !== "version=1.0") continue;
    const label = router.instead(decision, facts, options)!.label;
    assertEquals(router.instead(decision, facts, options)!.label, label);
    sides.add(label);
  }
  assertEquals([...sides].sort(), ["version=2.0", "version=3.0"]);
});

Deno.test("router, where no target has anybody there is none instead", () => {
  const router = compileRoutes([{ name: "canary", targets: versions(1, 1) }])!;
  const decision = router.decide(factsOf(), () => 0)!;
  const options = { empty: [true, true], moves: true, random: () => 0 };
  assertEquals(router.instead(decision, factsOf(), options), undefined);
});
