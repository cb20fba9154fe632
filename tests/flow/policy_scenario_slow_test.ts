/** Instances that are slow, and one that does not even take connections. */
import { assert, assertEquals } from "@test/assert";
import type { BalancerKind } from "../../lib/core/traffic.ts";
import { endpointBase, endpointSlot, endpointStates } from "../../lib/plane/counters.ts";
import { blackHole } from "../support/black_hole.ts";
import { Instances } from "../support/instance.ts";
import { latency, OpenLoop, share, statuses } from "../support/load.ts";
import { allEnded, onBothNetsAtOnce, onOneNet, type Plane, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

const perSecond = 50;
/** How long the slow one takes for each, and for how long there is load. Units: milliseconds. */
const slowMs = 2000, loadMs = 2500;

/** Share of the requests that the slow one of three may get. */
const expected: readonly { kind: BalancerKind; most: number }[] = [
  { kind: "round_robin", most: 0.4 },
  { kind: "least_request", most: 0.1 },
  { kind: "peak_ewma", most: 0.1 },
];
/** How long the slowest tenth of the others may take. Units: milliseconds. */
const othersP90Ms = 100;

/** Requests to a service all of whose instances are quick: how long they take is what the machine holds up. */
async function besideOf(plane: Plane, ports: readonly number[]): Promise<OpenLoop> {
  await plane.publish("Quick", ports);
  return new OpenLoop(plane.port(), { perSecond, request: { host: "Quick" } });
}

onBothNetsAtOnce(
  `scenario 12, an instance 2 s slower than the others under ${
    expected.map(({ kind }) => kind).join(", ")
  }`,
  async (net) => {
    await using instances = await Instances.start("slow", "quick 1", "quick 2");
    instances.all[0]!.delayMs = slowMs;
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        services: Object.fromEntries(
          expected.map(({ kind }) => [kind, { balance: { ...policy.calls?.balance, kind } }]),
        ),
      },
      services: Object.fromEntries(expected.map(({ kind }) => [kind, instances.ports])),
    });
    await using beside = await besideOf(plane, instances.ports.slice(1));
    await allEnded(expected.map(async ({ kind, most }) => {
      await using load = new OpenLoop(plane.port(), { perSecond, request: { host: kind } });
      await load.at(loadMs);
      const shots = await load.stop();
      const lagMs = beside.slowestMs(load.startMs);
      assertEquals(statuses(shots), { 200: shots.length });
      const slowShare = share(shots, ({ body }) => body === "slow");
      const othersMs = latency(shots.filter(({ body }) => body !== "slow"), 0.9);
      const tries = plane.count(kind, "attempts") / shots.length;
      say(
        `12, ${kind}, ${net}: share of the slow one ${(slowShare * 100).toFixed(1)} %; p50 ${
          latency(shots, 0.5)
        } ms, p90 ${latency(shots, 0.9)} ms, p99 ${
          latency(shots, 0.99)
        } ms, held up by the machine ${Math.round(lagMs)} ms; tries per request ${
          tries.toFixed(3)
        }`,
      );
      // Of those that were held up and then came at once each endpoint has its part.
      const atOnce = lagMs / 1000 * perSecond / 3 / shots.length;
      assert(slowShare <= most + atOnce, `${kind}: ${slowShare}, not ${most} and ${atOnce}`);
      assert(othersMs <= othersP90Ms + lagMs, `${kind}: p90 of the others is ${othersMs} ms`);
      assert(tries < 1.2, `${kind}: ${tries} tries per request`);
    }));
    await beside.stop();
    await plane.quiet();
  },
);

onOneNet(
  "scenario 12, a limit per try beside a slow instance makes no storm of retries",
  async (net) => {
    // Well below what the slow one takes, and above what a machine stalls.
    const perTryMs = 700;
    await using instances = await Instances.start("slow", "quick 1", "quick 2");
    instances.all[0]!.delayMs = slowMs;
    const policy = await productPolicy();
    const { balance, retry } = policy.calls!;
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        calls: {
          ...policy.calls,
          balance: { ...balance, kind: "peak_ewma" },
          retry: { ...retry, perTryMs },
        },
      },
      services: { Svc: instances.ports },
    });
    await using beside = await besideOf(plane, instances.ports.slice(1));
    await using load = new OpenLoop(plane.port(), { perSecond, request: { host: "Svc" } });
    await load.at(loadMs);
    const shots = await load.stop();
    const lagMs = beside.slowestMs(load.startMs);
    await beside.stop();
    const tries = plane.count("Svc", "attempts") / shots.length;
    say(
      `12, per try ${perTryMs} ms: ${JSON.stringify(statuses(shots))}, p99 ${
        latency(shots, 0.99)
      } ms, held up by the machine ${Math.round(lagMs)} ms, tries per request ${tries.toFixed(3)}`,
    );
    assertEquals(statuses(shots), { 200: shots.length });
    assert(tries < 1.2, `${tries} tries per request`);
    // A try that takes a while may be held up at its beginning and at its end.
    assert(latency(shots, 1) < perTryMs + 600 + 2 * lagMs, `${latency(shots, 1)}`);
    await plane.quiet();
  },
);

onBothNetsAtOnce(
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
      await using beside = await besideOf(plane, instances.ports);
      const at = (name: keyof typeof endpointSlot) =>
        plane.supervisor.counter(endpointBase(0) + endpointSlot[name]);
      await using load = new OpenLoop(plane.port(), {
        perSecond,
        request: (index) => ({
          host: "Svc",
          method: index % 2 === 0 ? "GET" : "POST",
          ...(index % 2 === 0 ? {} : { body: "order" }),
        }),
      });
      await plane.until(
        () => at("state") === endpointStates.indexOf("unreachable"),
        "the end of the first try at it",
      );
      const tries = at("attempts");
      const foundMs = load.elapsedMs;
      await load.at(foundMs + 700);
      const shots = await load.stop();
      const lagMs = beside.slowestMs(load.startMs);
      await beside.stop();
      assertEquals(statuses(shots), { 200: shots.length });
      const { connectMs } = plane.policy.timeouts;
      const slow = shots.filter(({ latencyMs }) => latencyMs > connectMs / 2);
      say(
        `14, ${net}: ${shots.length} requests of any method, errors 0; passed over after ${
          Math.round(foundMs)
        } ms; ${slow.length} waited for a connection, at most ${
          latency(slow, 1)
        } ms (limit ${connectMs}), held up by the machine ${
          Math.round(lagMs)
        } ms; ${tries} tries at it`,
      );
      // One in three of those that came before it was found out, and none after.
      const atOnce = lagMs / 1000 * perSecond;
      assert(tries >= 1 && tries <= foundMs / 1000 * perSecond / 3 + 3 + atOnce, `${tries} tries`);
      assertEquals(at("attempts"), tries, "it was tried again");
      // What takes a while may be held up at its beginning and at its end.
      const mostMs = connectMs + 400 + 2 * lagMs;
      assert(foundMs < mostMs && latency(shots, 1) < mostMs, `${foundMs} ${latency(shots, 1)}`);
      await plane.quiet();
    } finally {
      hole.close();
    }
  },
);
