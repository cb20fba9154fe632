import { assert, assertEquals } from "@test/assert";
import { threadShare, trafficPolicy } from "../../../lib/app/traffic_policy.ts";
import { dataPolicy } from "../../../lib/app/policy.ts";
import { trafficProblems } from "../../../lib/data/routing/check_traffic.ts";
import { defaultServicePolicy } from "../../support/policy.ts";
import { loadGood } from "../config/support.ts";

Deno.test("the traffic policy of no configuration is complete and safe", async () => {
  const policy = trafficPolicy(await loadGood({}));
  const { balance, breaker, outlier, retry, ...others } = defaultServicePolicy;
  const concurrency = { adaptive: false, minLimit: 4, queue: 0, queueMs: 1000 };
  assertEquals(policy, {
    // What is not spelled out here has the value that it has in the tests' own policy.
    fallback: {
      ...others,
      balance: { ...balance, slowStartMs: 30_000, locality: "prefer" },
      outlier: { ...outlier, enabled: true },
      retry: {
        ...retry,
        baseDelayMs: 25,
        maxDelayMs: 250,
        budgetPerSecond: 10,
        statuses: [502, 503],
      },
      responseMs: 30_000,
      breaker,
      concurrency: { limit: 1024, ...concurrency },
    },
    services: {},
    inbound: { concurrency: { limit: 0, ...concurrency }, rateLimits: [] },
    egress: { otherwise: "allow", rules: [] },
  });
});

Deno.test("a service has what is said of it, key by key, and all else from the top", async () => {
  const policy = trafficPolicy(
    await loadGood({
      file: [
        "region: r1",
        "zone: z1",
        "egress: deny",
        "egress_rules: [{hosts: [a], action: allow}]",
        "timeouts: {response: 10s}",
        "retry: {max_attempts: 5, budget_percent: 50}",
        "fault: {abort_percent: 1}",
        "rate_limits: [{name: top, per_second: 1}]",
        "routes: [{name: top}]",
        "balance: {hash_on: caller}",
        "services:",
        "  Cart:",
        "    retry: {hedge: true}",
        "    timeouts: {response: 2s}",
        "    fault: {abort_percent: 0, delay: 1s, delay_percent: 5}",
        "    balance: {kind: consistent_hash}",
        "    routes: []",
        "  Pay: {concurrency: {limit: 7, queue: 3}, breaker: {error_percent: 10}}",
        "provider: {fault: {abort_status: 500, abort_percent: 100}, concurrency: {limit: 9}}",
      ].join("\n"),
    }),
  );
  const { fallback, services: { Cart: cart, Pay: pay }, inbound, egress, region, zone } = policy;
  assert.ok(cart !== undefined && pay !== undefined);
  assertEquals(cart, {
    ...fallback,
    balance: { ...fallback.balance, kind: "consistent_hash" },
    retry: { ...fallback.retry, hedge: true },
    responseMs: 2000,
    fault: { delay: { ms: 1000, share: 0.05 } },
    routes: [],
  });
  assertEquals(pay, {
    ...fallback,
    concurrency: { ...fallback.concurrency, limit: 7, queue: 3 },
    breaker: { ...fallback.breaker, errorShare: 0.1 },
  });
  assertEquals(fallback.fault, { abort: { status: 503, share: 0.01 } });
  assertEquals([fallback.responseMs, fallback.retry.budgetRatio], [10_000, 0.5]);
  assertEquals(fallback.balance.hashOn, { kind: "caller" });
  assertEquals(inbound.fault, { abort: { status: 500, share: 1 } });
  assertEquals(inbound.concurrency.limit, 9);
  assertEquals(egress, {
    otherwise: "deny",
    rules: [{ hosts: ["a"], ports: [], action: "allow" }],
  });
  assertEquals([region, zone], ["r1", "z1"]);
});

Deno.test("threads share retry budgets; rates and limits are whole for each", async () => {
  const whole = trafficPolicy(
    await loadGood({
      file: [
        "retry: {budget_per_second: 9}",
        "concurrency: {limit: 10, min_limit: 1, queue: 1}",
        "rate_limits: [{name: a, per_second: 9, burst: 1}]",
        "routes: [{name: r, rate_limits: [{name: b, per_second: 3}]}, {name: s}]",
        "services: {Cart: {concurrency: {limit: 0}}}",
        "provider: {concurrency: {limit: 1}, rate_limits: [{name: c, per_second: 1}]}",
      ].join("\n"),
    }),
  );
  assertEquals(threadShare(whole, 1), whole);
  const { fallback, inbound, services } = threadShare(whole, 3);
  assertEquals(fallback.retry.budgetPerSecond, 3);
  assertEquals(fallback.concurrency, whole.fallback.concurrency);
  assertEquals(services["Cart"]?.concurrency.limit, 0);
  assertEquals(fallback.rateLimits, whole.fallback.rateLimits);
  assertEquals(fallback.routes, whole.fallback.routes);
  assertEquals(fallback.routes[1], whole.fallback.routes[1]);
  assertEquals(inbound, whole.inbound);
});

Deno.test("what data threads get has the policies, and the paths of health checks", async () => {
  const config = await loadGood({
    file: "check: [tcp, http:/healthz, 'http:81/ready=200']\nthreads: 2\nretry: {max_attempts: 7}",
  });
  const policy = dataPolicy(config, { revision: 3, ownAddresses: [], threads: 2 });
  assertEquals(policy.healthPaths, ["/healthz", "/ready"]);
  assertEquals(policy.traffic.fallback.retry.maxAttempts, 7);
  assertEquals(policy.traffic.fallback.retry.budgetPerSecond, 5);
});

/** Lines of files that are good; the data plane has to be able to use every one. */
const files: readonly string[] = [
  "routes: [{name: a, match: {path: {regex: '^/(a|b)+$'}, headers: {X-A: {not: b, ignore_case: true}}}}]",
  "routes: [{name: a, match: {percent: 0.001, sticky: 'cookie:a', any: [{callers: [b]}, {queries: {'q[]': x}}]}}]",
  "routes: [{name: a, to: [{weight: 0}, {weight: 0.5, tags: {'a b': ''}}], sticky: 'header:X-A'}]",
  "routes: [{name: a, rewrite: {regex: {pattern: '(a)(b)', to: '$2$1$12$$$&'}}}]",
  "routes: [{name: a, rewrite: {prefix: {from: /, to: /v1/}}}]",
  "routes: [{name: a, redirect: {status: 302, location: $path}}]",
  "routes: [{name: a, redirect: {status: 302, location: 'https://a.example/#$path'}}]",
  'routes: [{name: a, request_headers: {set: {X-A: "tab\\there, \\u00e9"}, remove: [Cookie, Te-A]}}]',
  "routes: [{name: a, fault: {delay: 1ms, delay_percent: 0.01, abort_status: 599, abort_percent: 100}}]",
  "rate_limits: [{name: a, per_second: 0.001, match: {cookies: {a: {present: false}}}}]",
  "egress_rules: [{hosts: ['*', '*.a_b.example', '[::1]', '::ffff:10.0.0.1', 127.0.0.1], ports: [1], action: deny}]",
  "provider: {fault: {abort_status: 200, abort_percent: 1}, rate_limits: [{name: a, per_second: 1}]}",
];

for (const file of files) {
  Deno.test(`the data plane can use what the schema accepts: ${file}`, async () => {
    assertEquals(trafficProblems(trafficPolicy(await loadGood({ file }))), []);
  });
}
