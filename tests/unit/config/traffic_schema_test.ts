import { assertEquals } from "@test/assert";
import type { RequestMatch, RouteRule, TrafficKey } from "../../../lib/core/traffic.ts";
import { loadGood } from "./support.ts";

const keys: readonly (readonly [string, TrafficKey])[] = [
  ["header:X-User", { kind: "header", name: "X-User" }],
  ["cookie:sid", { kind: "cookie", name: "sid" }],
  ["source", { kind: "source" }],
  ["caller", { kind: "caller" }],
];

for (const [text, key] of keys) {
  Deno.test(`the traffic key ${text} is read wherever a key can stand`, async () => {
    const config = await loadGood({
      file: [
        `balance: {hash_on: "${text}"}`,
        `rate_limits: [{name: a, per_second: 1, per: "${text}"}]`,
        `routes: [{name: a, match: {percent: 1, sticky: "${text}"}, to: [{}, {}], sticky: "${text}"}]`,
      ].join("\n"),
    });
    const [route] = config.routes;
    assertEquals(
      [config.balance.hashOn, config.rateLimits[0]?.per, route?.match?.sticky, route?.sticky],
      [key, key, key, key],
    );
  });
}

const matches: readonly (readonly [yaml: string, match: RequestMatch])[] = [
  ["{}", {}],
  ["{methods: [GET, PURGE]}", { methods: ["GET", "PURGE"] }],
  ["{path: /a}", { path: { exact: "/a" } }],
  ["{path: {prefix: /a}}", { path: { prefix: "/a" } }],
  ["{path: {regex: 'a+$', not: /ba}}", { path: { regex: "a+$", not: "/ba" } }],
  ["{path: {suffix: .js, ignore_case: true}}", { path: { suffix: ".js", ignoreCase: true } }],
  ["{headers: {X-User: jason, y: {contains: a}}}", {
    headers: [{ name: "X-User", value: { exact: "jason" } }, {
      name: "y",
      value: { contains: "a" },
    }],
  }],
  ["{headers: {n: {less: -1, at_most: 2, greater: 3, at_least: 4}}}", {
    headers: [{ name: "n", value: { less: -1, atMost: 2, greater: 3, atLeast: 4 } }],
  }],
  ["{cookies: {a: {present: false}}, queries: {'q[]': ''}}", {
    cookies: [{ name: "a", value: { present: false } }],
    queries: [{ name: "q[]", value: { exact: "" } }],
  }],
  ["{callers: [web, a.b]}", { callers: ["web", "a.b"] }],
  ["{percent: 0.5}", { share: 0.005 }],
  ["{callers: [web], any: [{methods: [GET]}, {percent: 10, sticky: source}]}", {
    callers: ["web"],
    any: [{ methods: ["GET"] }, { share: 0.1, sticky: { kind: "source" } }],
  }],
];

for (const [yaml, match] of matches) {
  Deno.test(`the match ${yaml} is read`, async () => {
    const { routes } = await loadGood({ file: `routes: [{name: a, match: ${yaml}}]` });
    assertEquals(routes[0]?.match, match);
  });
}

const routes: readonly (readonly [yaml: string, rest: Partial<RouteRule>])[] = [
  ["", {}],
  ["to: [{weight: 90, version: '1.0'}, {weight: 10, version: '2', tags: {env: x}}]", {
    targets: [
      { weight: 90, subset: { version: "1.0" } },
      { weight: 10, subset: { env: "x", version: "2" } },
    ],
  }],
  ["to: [{service: Other, weight: 0.5}, {}]", {
    targets: [{ service: "Other", weight: 0.5 }, { weight: 1 }],
  }],
  ["timeout: 5s", { timeoutMs: 5000 }],
  ["retry: {max_attempts: 2, budget_percent: 7, per_try: 1s, statuses: []}", {
    retry: { maxAttempts: 2, budgetRatio: 0.07, perTryMs: 1000, statuses: [] },
  }],
  ["fault: {delay: 2s, delay_percent: 10}", { fault: { delay: { ms: 2000, share: 0.1 } } }],
  ["fault: {abort_percent: 100}", { fault: { abort: { status: 503, share: 1 } } }],
  ["mirror: {version: '2'}", { mirror: { subset: { version: "2" }, share: 1 } }],
  ["mirror: {service: B, percent: 5}", { mirror: { service: "B", share: 0.05 } }],
  ["rewrite: {prefix: {from: /v1, to: /}}", { path: { prefix: { from: "/v1", to: "/" } } }],
  ["rewrite: {regex: {pattern: '^/(a)', to: '/b$1$$'}}", {
    path: { regex: { pattern: "^/(a)", to: "/b$1$$" } },
  }],
  ["request_headers: {set: {X-A: b}, add: {X-C: ''}, remove: [X-E]}", {
    requestHeaders: { set: { "X-A": "b" }, add: { "X-C": "" }, remove: ["X-E"] },
  }],
  ["response_headers: {remove: [Server]}", { responseHeaders: { remove: ["Server"] } }],
  ["redirect: {status: 308, location: 'https://a.example$path'}", {
    redirect: { status: 308, location: "https://a.example$path" },
  }],
  ["rate_limits: [{name: r, per_second: 2.5}]", {
    rateLimits: [{ name: "r", perSecond: 2.5, burst: 3 }],
  }],
];

for (const [yaml, rest] of routes) {
  Deno.test(`the route with ${yaml || "nothing but a name"} is read`, async () => {
    const { routes } = await loadGood({ file: `routes:\n  - name: r\n    ${yaml}` });
    assertEquals(routes, [{ name: "r", targets: [], ...rest }]);
  });
}

const bursts: readonly (readonly [yaml: string, burst: number])[] = [
  ["per_second: 10", 10],
  ["per_second: 2.1", 3],
  ["per_second: 0.01", 1],
  ["per_second: 10, burst: 1", 1],
];

for (const [yaml, burst] of bursts) {
  Deno.test(`a rate limit of ${yaml} lets ${burst} through at once`, async () => {
    const { rateLimits } = await loadGood({ file: `rate_limits: [{name: a, ${yaml}}]` });
    assertEquals(rateLimits[0]?.burst, burst);
  });
}

Deno.test("what is said of a service holds only the keys that are said", async () => {
  const { services } = await loadGood({
    file: [
      "services:",
      "  Cart: {retry: {max_attempts: 1}, timeouts: {response: 5s}, balance: {kind: sticky}}",
      "  my.shop: {outlier: {window: 5s}, breaker: {enabled: true}, fault: {abort_percent: 1}}",
      "  Empty:",
      "  Nothing: {}",
      "  Lists: {routes: [], rate_limits: [], concurrency: {queue: 5}}",
    ].join("\n"),
  });
  assertEquals(services, {
    Cart: {
      retry: { maxAttempts: 1 },
      timeouts: { responseMs: 5000 },
      balance: { kind: "sticky" },
    },
    "my.shop": {
      outlier: { windowMs: 5000 },
      breaker: { enabled: true },
      fault: { abortPercent: 1 },
    },
    Nothing: {},
    Lists: { routes: [], rateLimits: [], concurrency: { queue: 5 } },
  });
});

Deno.test("egress rules are read with and without ports", async () => {
  const { egressRules } = await loadGood({
    file: "egress_rules:\n" +
      "  - {hosts: [api.example.com, '*.internal', '*', 10.0.0.1, '::1'], action: deny}\n" +
      "  - {hosts: [a_b.example], ports: [80, '443'], action: allow}",
  });
  assertEquals(egressRules, [
    {
      hosts: ["api.example.com", "*.internal", "*", "10.0.0.1", "::1"],
      ports: [],
      action: "deny",
    },
    { hosts: ["a_b.example"], ports: [80, 443], action: "allow" },
  ]);
});
