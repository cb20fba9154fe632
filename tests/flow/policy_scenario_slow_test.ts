/** Instances that are slow, and one that does not even take connections. */
import { assert, assertEquals } from "@test/assert";
import type { BalancerKind } from "../../lib/core/traffic.ts";
import { endpointBase, endpointSlot } from "../../lib/plane/counters.ts";
import { blackHole } from "../support/black_hole.ts";
import { Instances } from "../support/instance.ts";
import { latency, OpenLoop, share, statuses } from "../support/load.ts";
import { onBothNets, onOneNet, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

/** Share of the requests that the slow one of three may get, and how slow the slowest tenth may be. */
const expected: readonly { kind: BalancerKind; most: number; p90Ms: number }[] = [
  { kind: "round_robin", most: 0.4, p90Ms: 2500 },
  { kind: "least_request", most: 0.1, p90Ms: 100 },
  { kind: "peak_ewma", most: 0.1, p90Ms: 100 },
];

for (const { kind, most, p90Ms } of expected) {
  const on = kind === "peak_ewma" ? onBothNets : onOneNet;
  on(`scenario 12, an instance 2 s slower than the others under ${kind}`, async (net) => {
    await using instances = await Instances.start("slow", "quick 1", "quick 2");
    instances.all[0]!.delayMs = 2000;
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        calls: { ...policy.calls, balance: { ...policy.calls?.balance, kind } },
      },
      services: { Svc: instances.ports },
    });
    await using load = new OpenLoop(plane.port(), { perSecond: 50, request: { host: "Svc" } });
    await load.at(4000);
    const shots = await load.stop();
    assertEquals(statuses(shots), { 200: shots.length });
    const slowShare = share(shots, ({ body }) => body === "slow");
    const tries = plane.count("Svc", "attempts") / shots.length;
    say(
      `12, ${kind}: share of the slow one ${
        (slowShare * 100).toFixed(1)
      } %, shares ${instances.counts}; p50 ` +
        `${latency(shots, 0.5)} ms, p90 ${latency(shots, 0.9)} ms, p99 ${
          latency(shots, 0.99)
        } ms; tries per request ` +
        tries.toFixed(3),
    );
    assert(slowShare <= most, `${slowShare}`);
    assert(latency(shots, 0.9) <= p90Ms, `p90 is ${latency(shots, 0.9)} ms`);
    assert(tries < 1.2, `${tries} tries per request`);
    await plane.quiet();
  });
}

onOneNet(
  "scenario 12, a limit per try beside a slow instance makes no storm of retries",
  async (net) => {
    await using instances = await Instances.start("slow", "quick 1", "quick 2");
    instances.all[0]!.delayMs = 2000;
    const policy = await productPolicy();
    const { balance, retry } = policy.calls!;
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        calls: {
          ...policy.calls,
          balance: { ...balance, kind: "peak_ewma" },
          retry: { ...retry, perTryMs: 300 },
        },
      },
      services: { Svc: instances.ports },
    });
    await using load = new OpenLoop(plane.port(), { perSecond: 50, request: { host: "Svc" } });
    await load.at(4000);
    const shots = await load.stop();
    const tries = plane.count("Svc", "attempts") / shots.length;
    say(
      `12, per try 300 ms: ${JSON.stringify(statuses(shots))}, p99 ${
        latency(shots, 0.99)
      } ms, tries per request ` +
        tries.toFixed(3),
    );
    assertEquals(statuses(shots), { 200: shots.length });
    assert(tries < 1.2, `${tries} tries per request`);
    assert(latency(shots, 1) < 900, `${latency(shots, 1)}`);
    await plane.quiet();
  },
);

onBothNets(
  "scenario 14, a full accept queue costs one connect timeout, then it is passed over",
  async (net) => {
    const hole = blackHole();
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      await using instances = await Instances.start("one", "two");
      const policy = await productPolicy();
      await using plane = await startPlane({
        net,
        policy,
        services: { Svc: [{ port: hole.port, slot: 0 }, ...instances.ports] },
      });
      await using load = new OpenLoop(plane.port(), {
        perSecond: 50,
        request: (index) => ({
          host: "Svc",
          method: index % 2 === 0 ? "GET" : "POST",
          ...(index % 2 === 0 ? {} : { body: "order" }),
        }),
      });
      await load.at(3000);
      const shots = await load.stop();
      assertEquals(statuses(shots), { 200: shots.length });
      const { connectMs } = plane.policy.timeouts;
      const slow = shots.filter(({ latencyMs }) => latencyMs > connectMs / 2);
      const tries = plane.supervisor.counter(endpointBase(0) + endpointSlot.attempts);
      say(
        `14: ${shots.length} requests of any method, errors 0; ${slow.length} waited for a connection, at most ` +
          `${latency(slow, 1)} ms (limit ${connectMs}); ${tries} tries at it; others p99 ${
            latency(shots.filter((each) => !slow.includes(each)), 0.99)
          } ms`,
      );
      // Those that came within the first timeout.
      assert(slow.length >= 1 && slow.length <= connectMs / 1000 * 50 / 3 + 3, `${slow.length}`);
      assert(latency(slow, 1) < connectMs + 400, `${latency(slow, 1)}`);
      assertEquals(Math.max(...slow.map(({ atMs }) => atMs)) < connectMs + 200, true);
      await plane.quiet();
    } finally {
      hole.close();
    }
  },
);
