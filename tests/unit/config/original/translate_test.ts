import { assert, assertEquals } from "@test/assert";
import type { FlatValue } from "../../../../lib/config/original/sheet.ts";
import { translateOriginal } from "../../../../lib/config/original/translate.ts";
import { mergeLayers } from "../../../../lib/config/merge.ts";
import { loadOverridden } from "../../../../lib/config/load.ts";
import type { Tree } from "../../../../lib/config/paths.ts";

type Keys = Readonly<Record<string, FlatValue>>;

function translate(keys: Keys) {
  return translateOriginal(new Map(Object.entries(keys)), { app: "shop" });
}

const lb = "cse.loadbalance.";
const consumer = "cse.isolation.Consumer.";
const breaker = "cse.circuitBreaker.Consumer.";

/** Keys with what they become, and the keys that are warned of. */
const rows: readonly (readonly [title: string, keys: Keys, settings: Tree, warned: string[]])[] = [
  [
    "round robin",
    { [`${lb}strategy.name`]: "RoundRobin" },
    { balance: { kind: "round_robin" } },
    [],
  ],
  ["random", { [`${lb}strategy.name`]: "Random" }, { balance: { kind: "random" } }, []],
  [
    "stickiness and its numbers",
    {
      [`${lb}strategy.name`]: "SessionStickiness",
      [`${lb}SessionStickinessRule.sessionTimeoutInSeconds`]: 60,
      [`${lb}SessionStickinessRule.successiveFailedTimes`]: "3",
    },
    { balance: { kind: "sticky", sticky_idle: "60s", sticky_failures: 3 } },
    [],
  ],
  [
    "weighted response of one service whose name has dots",
    { [`${lb}my.cart.strategy.name`]: "WeightedResponse" },
    { services: { "my.cart": { balance: { kind: "weighted_response" } } } },
    [],
  ],
  ["an unknown strategy", { [`${lb}strategy.name`]: "Fancy" }, {}, [`${lb}strategy.name`]],
  ["the filter of zones", { [`${lb}serverListFilters`]: "zoneaware" }, {
    balance: { locality: "prefer" },
  }, []],
  [
    "retries that are switched off",
    { [`${lb}retryEnabled`]: false },
    { retry: { max_attempts: 1 } },
    [],
  ],
  [
    "retries that are switched on",
    { [`${lb}retryEnabled`]: "true", [`${lb}retryOnNext`]: 2, [`${lb}retryOnSame`]: 0 },
    { retry: { max_attempts: 3 } },
    [`${lb}retryEnabled`],
  ],
  [
    "retries at the same instance",
    { [`${lb}retryEnabled`]: true, [`${lb}retryOnNext`]: 2, [`${lb}retryOnSame`]: 1 },
    { retry: { max_attempts: 6 } },
    [`${lb}retryOnSame`, `${lb}retryEnabled`],
  ],
  [
    "numbers of retries without the switch",
    { [`${lb}retryOnNext`]: 2 },
    {},
    [`${lb}retryOnNext`],
  ],
  [
    "a growing pause",
    {
      [`${lb}backoff.kind`]: "exponential",
      [`${lb}backoff.minMs`]: 10,
      [`${lb}backoff.maxMs`]: 200,
    },
    { retry: { base_delay: "10ms", max_delay: "200ms" } },
    [],
  ],
  [
    "a constant pause",
    { [`${lb}backoff.kind`]: "constant", [`${lb}backoff.minMs`]: 10, [`${lb}backoff.maxMs`]: 200 },
    { retry: { base_delay: "10ms", max_delay: "10ms" } },
    [],
  ],
  ["no pause", { [`${lb}backoff.kind`]: "zero" }, {
    retry: { base_delay: "0ms", max_delay: "0ms" },
  }, []],
  [
    "a service's section, which inherits nothing",
    {
      [`${lb}strategy.name`]: "Random",
      [`${lb}retryEnabled`]: true,
      [`${lb}retryOnNext`]: 1,
      [`${lb}Cart.SessionStickinessRule.successiveFailedTimes`]: 7,
    },
    {
      balance: { kind: "random" },
      retry: { max_attempts: 2 },
      services: {
        Cart: { balance: { sticky_failures: 7, kind: "round_robin" }, retry: { max_attempts: 1 } },
      },
    },
    [`${lb}retryEnabled`],
  ],
  [
    "times and concurrency",
    {
      [`${consumer}timeoutInMilliseconds`]: 3000,
      [`${consumer}maxConcurrentRequests`]: 9000,
      [`${consumer}Cart.timeoutInMilliseconds`]: "10",
      [`${consumer}Cart.maxConcurrentRequests`]: 7,
    },
    {
      timeouts: { response: "3000ms" },
      concurrency: { limit: 5000 },
      services: { Cart: { timeouts: { response: "10ms" }, concurrency: { limit: 7 } } },
    },
    [],
  ],
  [
    "the provider's side of isolation",
    {
      "cse.isolation.Provider.maxConcurrentRequests": 5,
      "cse.isolation.Provider.Web.maxConcurrentRequests": 5,
      "cse.isolation.Provider.timeoutInMilliseconds": 5,
    },
    { provider: { concurrency: { limit: 5 } } },
    [
      "cse.isolation.Provider.Web.maxConcurrentRequests",
      "cse.isolation.Provider.timeoutInMilliseconds",
    ],
  ],
  [
    "the breaker",
    {
      [`${breaker}enabled`]: true,
      [`${breaker}sleepWindowInMilliseconds`]: 5000,
      [`${breaker}requestVolumeThreshold`]: 10,
      [`${breaker}errorThresholdPercentage`]: 30,
      [`${breaker}Cart.forceOpen`]: true,
      [`${breaker}Pay.forceClosed`]: true,
      [`${breaker}Web.forceOpen`]: false,
      "cse.circuitBreaker.scope": "api",
    },
    {
      breaker: { enabled: true, open: "5000ms", min_requests: 10, error_percent: 30 },
      services: {
        Cart: { breaker: { force: "open" } },
        Pay: { breaker: { force: "closed" } },
        Web: { breaker: { force: "none" } },
      },
    },
    [],
  ],
  [
    "a breaker for each instance, and one on the provider's side",
    { "cse.circuitBreaker.scope": "instance", "cse.circuitBreaker.Provider.enabled": true },
    {},
    ["cse.circuitBreaker.scope", "cse.circuitBreaker.Provider.enabled"],
  ],
  [
    "fallbacks",
    {
      "cse.fallback.Consumer.enabled": true,
      "cse.fallback.Consumer.force": false,
      "cse.fallback.Consumer.Cart.force": true,
      "cse.fallback.Consumer.maxConcurrentRequests": 5,
      "cse.fallbackpolicy.Consumer.policy": "throwexception",
      "cse.fallbackpolicy.Consumer.Cart.policy": "returnnull",
    },
    { services: { Cart: { breaker: { force: "open" } } } },
    [
      "cse.fallback.Consumer.maxConcurrentRequests",
      "cse.fallbackpolicy.Consumer.Cart.policy",
    ],
  ],
  [
    "calls per second to providers",
    {
      "cse.flowcontrol.Consumer.qps.enabled": true,
      "cse.flowcontrol.Consumer.qps.limit.Cart": 100,
      "cse.flowcontrol.Consumer.qps.limit.my.shop": 4,
      "cse.flowcontrol.Consumer.qps.limit.Dead": 0,
      "cse.flowcontrol.Consumer.qps.global.limit": 7,
    },
    {
      services: {
        Cart: { rate_limits: [{ name: "flowcontrol", per_second: 100, burst: 20 }] },
        "my.shop": { rate_limits: [{ name: "flowcontrol", per_second: 4, burst: 10 }] },
        Dead: { fault: { abort_status: 429, abort_percent: 100 } },
      },
    },
    [
      "cse.flowcontrol.Consumer.qps.limit.Dead",
      "cse.flowcontrol.Consumer.qps.global.limit",
    ],
  ],
  [
    "calls per second from callers",
    {
      "cse.flowcontrol.Provider.qps.global.limit": 100,
      "cse.flowcontrol.Provider.qps.limit.Web": 50,
    },
    {
      provider: {
        rate_limits: [
          { name: "flowcontrol global", per_second: 100, burst: 20 },
          {
            name: "flowcontrol Web",
            match: { callers: ["Web"] },
            per_second: 50,
            burst: 10,
          },
        ],
      },
    },
    ["cse.flowcontrol.Provider.qps.limit.Web"],
  ],
  [
    "limits that are switched off",
    {
      "cse.flowcontrol.Provider.qps.enabled": false,
      "cse.flowcontrol.Provider.qps.global.limit": 100,
    },
    {},
    ["cse.flowcontrol.Provider.qps.global.limit"],
  ],
  [
    "answers that count as failures",
    {
      "servicecomb.transport.failure.rest": "http_500, http_502,http_oops",
      "servicecomb.transport.failure.grpc": "x",
    },
    { retry: { statuses: [500, 502] } },
    ["servicecomb.transport.failure.rest", "servicecomb.transport.failure.grpc"],
  ],
  [
    "faults on purpose",
    {
      "servicecomb.handler.chain.Consumer.outgoing": "fault-inject,loadbalance,transport",
      "cse.governance.Consumer._global.policy.fault.protocols.rest.delay.fixedDelay": 5,
      "cse.governance.Consumer._global.policy.fault.protocols.rest.delay.percent": 10,
      "cse.governance.Consumer.cart.policy.fault.protocols.rest.abort.httpStatus": 421,
      "cse.governance.Consumer.cart.policy.fault.protocols.rest.abort.percent": 100,
      "cse.governance.Consumer.cart.policy.fault.protocols.dubbo.abort.percent": 1,
      "cse.governance.Consumer.cart.schemas.a.policy.fault.protocols.rest.abort.percent": 1,
    },
    {
      fault: { delay: "5ms", delay_percent: 10 },
      services: { cart: { fault: { abort_status: 421, abort_percent: 100 } } },
    },
    [
      "cse.governance.Consumer.cart.policy.fault.protocols.dubbo.abort.percent",
      "cse.governance.Consumer.cart.schemas.a.policy.fault.protocols.rest.abort.percent",
    ],
  ],
  [
    "faults in the spelling of the samples, without a chain",
    {
      "servicecomb.governance.Consumer.cart.policy.fault.protocols.rest.abort.percent": 5,
    },
    { services: { cart: { fault: { abort_percent: 5 } } } },
    ["servicecomb.governance.Consumer.cart.policy.fault.protocols.rest.abort.percent"],
  ],
  [
    "what no handler of the chain looks at",
    {
      "servicecomb.handler.chain.Consumer.outgoing": "loadbalance,transport",
      "cse.governance.Consumer._global.policy.fault.protocols.rest.abort.percent": 5,
      "cse.flowcontrol.Consumer.qps.limit.Cart": 100,
      [`${breaker}enabled`]: true,
      [`${consumer}maxConcurrentRequests`]: 10,
      [`${consumer}timeoutInMilliseconds`]: 100,
    },
    { timeouts: { response: "100ms" } },
    [
      `${consumer}maxConcurrentRequests`,
      `${breaker}enabled`,
      "cse.flowcontrol.Consumer.qps.limit.Cart",
      "cse.governance.Consumer._global.policy.fault.protocols.rest.abort.percent",
    ],
  ],
  [
    "route rules",
    {
      "servicecomb.routeRule.cart":
        "- precedence: 2\n  match: {headers: {X-User: {exact: jason}}}\n  route: [{weight: 100, tags: {version: 2.0, app: shop}}]\n" +
        "- precedence: 1\n  route: [{weight: 80, tags: {version: 1.0}}]\n",
    },
    {
      services: {
        cart: {
          routes: [
            {
              name: "precedence 2",
              match: { headers: { "x-user": "jason" } },
              to: [{ weight: 100, version: "2.0" }],
            },
            {
              name: "precedence 1",
              to: [{ weight: 80, version: "1.0" }, { weight: 20, version: "latest" }],
            },
          ],
        },
      },
    },
    [],
  ],
  [
    "a route rule that cannot be said here, beside one that can",
    {
      "servicecomb.routeRule.cart":
        '- precedence: 2\n  match: {headers: {"a b": {exact: x}}}\n  route: [{weight: 100, tags: {version: 2.0}}]\n' +
        "- precedence: 1\n  route: [{weight: 100, tags: {version: 1.0}}]\n",
    },
    {
      services: {
        cart: { routes: [{ name: "precedence 1", to: [{ weight: 100, version: "1.0" }] }] },
      },
    },
    ["servicecomb.routeRule.cart"],
  ],
  [
    "dark launches, which route rules overrule",
    {
      "servicecomb.routeRule.cart": "- route: [{weight: 100, tags: {version: 1.0}}]\n",
      "servicecomb.darklaunch.policy.cart": "{}",
      "servicecomb.darklaunch.policy.pay":
        '{"policyType":"RATE","ruleItems":[{"groupCondition":"version=1.0","policyCondition":"100"}]}',
    },
    {
      services: {
        cart: { routes: [{ name: "precedence 0", to: [{ weight: 100, version: "1.0" }] }] },
        pay: { routes: [{ name: "dark launch", to: [{ weight: 100, version: "1.0" }] }] },
      },
    },
    ["servicecomb.darklaunch.policy.cart"],
  ],
  [
    "limits by mark",
    {
      "servicecomb.handler.chain.Provider.incoming": "traffic-marker,rate-limiter,transport",
      "servicecomb.match.jack":
        "matches:\n- {headers: {user: {exact: jack}, os: {}}, apiPath: {exact: /a}, method: [GET]}\n",
      "servicecomb.rateLimiting.one": "match: jack\nrate: 10\nburst: 1\n",
      "servicecomb.rateLimiting.two": "match: nobody\nrate: 10\n",
      "servicecomb.rateLimiting.three": "rate: 0\n",
    },
    {
      provider: {
        rate_limits: [{
          name: "one",
          match: {
            methods: ["GET"],
            path: "/a",
            headers: { user: "jack", os: { present: true } },
          },
          per_second: 10,
          burst: 1,
        }],
      },
    },
    ["servicecomb.rateLimiting.two", "servicecomb.rateLimiting.three"],
  ],
  [
    "limits by mark without a chain",
    { "servicecomb.rateLimiting.one": "rate: 10\n" },
    { provider: { rate_limits: [{ name: "one", per_second: 10, burst: 2 }] } },
    ["servicecomb.rateLimiting.one"],
  ],
  [
    "limits by mark for calls to others",
    {
      "servicecomb.handler.chain.Consumer.outgoing": "traffic-marker,rate-limiter,transport",
      "servicecomb.rateLimiting.one": "rate: 10\nburst: 2\n",
    },
    { rate_limits: [{ name: "one", per_second: 10, burst: 2 }] },
    [],
  ],
  [
    "keys that are not known, and others than those on traffic",
    {
      [`${lb}nonsense`]: 1,
      [`${breaker}a b.enabled`]: true,
      "cse.flowcontrol.Provider.qps.limit": 5,
      "cse.credentials.account.password": "geheim",
      "servicecomb.registry.address": "http://sc:30100",
    },
    {},
    [`${breaker}a b.enabled`, "cse.flowcontrol.Provider.qps.limit", `${lb}nonsense`],
  ],
  [
    "values that are none",
    {
      [`${lb}retryEnabled`]: "perhaps",
      [`${consumer}timeoutInMilliseconds`]: "soon",
      [`${breaker}errorThresholdPercentage`]: 500,
      [`${breaker}enabled`]: "on",
    },
    {},
    [
      `${lb}retryEnabled`,
      `${consumer}timeoutInMilliseconds`,
      `${breaker}errorThresholdPercentage`,
      `${breaker}enabled`,
    ],
  ],
];

for (const [title, keys, settings, warned] of rows) {
  Deno.test(`the original's keys: ${title}`, () => {
    const translation = translate(keys);
    assertEquals(translation.settings, settings);
    assertEquals(
      translation.warnings.map((warning) => warning.split(": ")[0]!).sort(),
      [...warned].sort(),
      translation.warnings.join("\n"),
    );
  });
}

Deno.test("whatever the original's keys say, what they become is a good configuration", () => {
  for (const [title, keys] of rows) {
    const { settings } = translate(keys);
    const layer = { tree: settings, source: { kind: "original", name: "conf" } } as const;
    const result = loadOverridden(mergeLayers([layer]), {});
    assert.ok(result.ok, `${title}: ${JSON.stringify(result)}`);
  }
});

Deno.test("of two spellings of one key the later program's counts", () => {
  const both = {
    "cse.loadbalance.strategy.name": "Random",
    "servicecomb.loadbalance.strategy.name": "RoundRobin",
  };
  assertEquals(translate(both).settings, { balance: { kind: "random" } });
  const turned = Object.fromEntries(Object.entries(both).reverse());
  assertEquals(translate(turned).settings, { balance: { kind: "random" } });
});
