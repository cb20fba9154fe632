/** What a cluster costs each call: pick an endpoint, begin, note the answer, end. */
import { type BalancePolicy } from "../../lib/core/traffic.ts";
import { Cluster } from "../../lib/data/cluster/cluster.ts";
import type { Poolable } from "../../lib/data/net/pool.ts";
import { blockBase, counterBytes } from "../../lib/plane/counters.ts";
import { changedService, defaultServicePolicy } from "../support/policy.ts";

const kinds: readonly BalancePolicy["kind"][] = ["round_robin", "least_request", "peak_ewma"];

for (const count of [3, 5_000]) {
  for (const kind of kinds) {
    let nowMs = 1000;
    const cluster = new Cluster<Poolable>({
      service: "Cart",
      block: 3,
      endpoints: Array.from({ length: count }, (_, index) => ({
        host: `10.0.${index >> 8}.${index & 255}`,
        port: 8080,
        instanceId: `i${index}`,
        version: "1.0.0",
        mesher: false,
        ...(index < 16_000 ? { slot: index } : {}),
      })),
      unusable: [],
    }, {
      gauge: { idle: 0 },
      policy: changedService(defaultServicePolicy, { balance: { kind } }),
      place: {},
      random: Math.random,
      clock: { now: () => nowMs, sleep: () => new Promise<void>(() => {}) },
      counters: new Float64Array(counterBytes / 8),
      base: blockBase(3),
      inOrder: false,
    });
    const request = { nowMs, random: Math.random, hash: -1, stickyId: "" };
    const answer = { ticket: 0, status: 200, elapsedMs: 2.5, retryAfterMs: 0, nowMs };
    const call = () => {
      nowMs += 0.05;
      request.nowMs = answer.nowMs = nowMs;
      const endpoint = cluster.all.pick(request, undefined)!;
      answer.ticket = cluster.begin(endpoint, nowMs);
      cluster.answered(endpoint, answer);
      endpoint.end();
    };
    for (let index = 0; index < 100_000; index++) call();
    Deno.bench(kind, { group: `${count} endpoints` }, () => {
      for (let index = 0; index < 100; index++) call();
    });
  }
}
