/** What is counted of every request without anybody watching: its time, the sidecar's own share, its endpoint. */
import { assert, assertEquals } from "@test/assert";
import {
  blockBase,
  ejectReasons,
  endpointBase,
  endpointSlot,
  endpointStates,
  latencyBounds,
  ownBounds,
  slot,
} from "../../lib/plane/counters.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instance, Instances } from "../support/instance.ts";
import { watch } from "../support/observe.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head } from "../support/raw.ts";

type HistogramName = "latency" | "firstByte" | "own";

/** A histogram of the service Svc. Units: seconds. */
function histogramOf(plane: Plane, name: HistogramName) {
  const read = (at: number) => plane.supervisor.counter(blockBase(plane.block("Svc")) + at);
  const bounds = name === "own" ? ownBounds : latencyBounds;
  const count = read(slot[`${name}Count`]);
  const sum = read(slot[`${name}Sum`]);
  const buckets = bounds.map((_, index) => read(slot[name] + index));
  const inBuckets = buckets.reduce((a, b) => a + b, 0);
  /** How many took no longer than that. Units: seconds. */
  const upTo = (seconds: number) =>
    buckets.reduce((sum, each, index) => bounds[index]! <= seconds ? sum + each : sum, 0);
  return { count, sum, mean: sum / count, inBuckets, upTo };
}

onBothNets(
  "counters, the sidecar's own time of one request in eight, and it is little",
  async (net) => {
    await using app = await Instance.start("hello");
    app.delayMs = 15;
    await using plane = await startPlane({ net, services: { Svc: [app.port] } });
    const client = await plane.client();
    for (let index = 0; index < 40; index++) {
      client.send(head("GET / HTTP/1.1", "Host: Svc"));
      await client.message();
    }
    // The account of a request is closed behind its answer, with its place among the open ones first.
    await plane.until(() => histogramOf(plane, "latency").count === 40, "the end of all");
    const own = histogramOf(plane, "own");
    const firstByte = histogramOf(plane, "firstByte");
    const whole = histogramOf(plane, "latency");
    assertEquals([own.count, firstByte.count, whole.count], [5, 40, 40]);
    // The application's time is none of its own; a stall of the machine may be, for one or the other of them.
    assert(own.mean > 0 && own.upTo(0.01) >= 3, `${own.mean}, ${own.upTo(0.01)} of 5 within 10 ms`);
    assert(firstByte.mean >= 0.0149 && firstByte.mean < 10, `${firstByte.mean}`);
    assert(whole.sum >= firstByte.sum, `${whole.sum} ${firstByte.sum}`);
    // Only what lies beyond the last bound is in no bucket.
    assertEquals([firstByte.inBuckets, whole.inBuckets], [40, 40]);
  },
);

onBothNets(
  "counters, while somebody watches the own time of every request is counted",
  async (net) => {
    await using app = await Instance.start("hello");
    await using plane = await startPlane({ net, services: { Svc: [app.port] } });
    await watch(plane);
    for (let index = 0; index < 10; index++) await ask(plane, "Svc");
    await plane.quiet();
    assertEquals(histogramOf(plane, "own").count, 10);
    await watch(plane, { logShare: 0, taps: [] });
    for (let index = 0; index < 16; index++) await ask(plane, "Svc");
    await plane.quiet();
    assertEquals(histogramOf(plane, "own").count, 12);
  },
);

onBothNets("counters, the time of a slow body is no time to its first byte", async (net) => {
  await using app = await Instance.start("hello");
  await using plane = await startPlane({ net, services: { Svc: [app.port] } });
  const client = await plane.client();
  client.send(head("POST / HTTP/1.1", "Host: Svc", "Content-Length: 4"));
  await plane.until(() => plane.count("Svc", "open") === 1, "the request");
  client.send("body");
  await client.message();
  await plane.until(() => histogramOf(plane, "latency").count === 1, "its end");
  const [firstByte, whole] = [histogramOf(plane, "firstByte"), histogramOf(plane, "latency")];
  assertEquals([firstByte.count, whole.count], [1, 1]);
  assert(firstByte.sum <= whole.sum);
});

onBothNets(
  "counters, a head that nobody understood takes no time from another request's beginning",
  async (net) => {
    await using plane = await startPlane({ net });
    const client = await plane.client();
    const beganMs = performance.now();
    client.send("garbage\r\n\r\n");
    await client.closed();
    client.close();
    await plane.quiet();
    const tookMs = performance.now() - beganMs;
    const at = blockBase(0);
    assertEquals(plane.supervisor.counter(at + slot.latencyCount), 1);
    // Counted from anything that was before, such as the thread's start, it would be longer than what passed here.
    const ms = plane.supervisor.counter(at + slot.latencySum) * 1000;
    assert(ms <= tookMs + 2, `${ms} ms of ${tookMs}`);
  },
);

/** The slots of one endpoint, with words for what stands for words. */
function endpointOf(plane: Plane, index: number) {
  const read = (name: keyof typeof endpointSlot) =>
    plane.supervisor.counter(endpointBase(index) + endpointSlot[name]);
  return {
    attempts: read("attempts"),
    failures: read("failures"),
    open: read("open"),
    ejections: read("ejections"),
    latencyMs: read("latencyMs"),
    untilMs: read("untilMs"),
    state: endpointStates[read("state")],
    reason: ejectReasons[read("reason")],
  };
}

onBothNets("counters, each endpoint has its attempts, failures, state and reason", async (net) => {
  await using apps = await Instances.start("well", "bad");
  apps.all[0]!.delayMs = 5;
  apps.all[1]!.status = "502 Bad";
  const dead = deadPort();
  await using plane = await startPlane({
    net,
    services: {
      Svc: [...apps.ports, dead].map((port, index) => ({ port, slot: 40 + index })),
    },
    policy: {
      retry: { maxAttempts: 2 },
      calls: {
        outlier: { enabled: true, consecutiveFailures: 2, baseEjectMs: 30_000, panicShare: 0 },
      },
    },
  });
  for (let call = 0; call < 9; call++) await ask(plane, "Svc");
  await plane.quiet();
  const all = [40, 41, 42].map((index) => endpointOf(plane, index));
  const [well, bad, gone] = all;
  assertEquals(
    all.map(({ attempts, failures, open, ejections, state, reason }) => ({
      attempts,
      failures,
      open,
      ejections,
      state,
      reason,
    })),
    [
      { attempts: 7, failures: 0, open: 0, ejections: 0, state: "healthy", reason: "none" },
      {
        attempts: 2,
        failures: 2,
        open: 0,
        ejections: 1,
        state: "ejected",
        reason: "consecutive_failures",
      },
      {
        attempts: 1,
        failures: 1,
        open: 0,
        ejections: 0,
        state: "unreachable",
        reason: "connect_refused",
      },
    ],
  );
  assert(well!.latencyMs >= 4.9 && well!.latencyMs < 10_000, `${well!.latencyMs}`);
  assertEquals([well!.untilMs, bad!.untilMs > 0, gone!.untilMs > 0], [0, true, true]);
  assertEquals(plane.count("Svc", "ejections"), 1);
});

onBothNets("counters, an endpoint's attempts under way are those at the moment", async (net) => {
  await using app = await Instance.start("late");
  const release = Promise.withResolvers<void>();
  app.held = release.promise;
  await using plane = await startPlane({ net, services: { Svc: [{ port: app.port, slot: 7 }] } });
  const clients = [];
  for (let index = 0; index < 3; index++) {
    const client = await plane.client();
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    clients.push(client);
  }
  await plane.until(() => app.count === 3, "the requests");
  assertEquals([endpointOf(plane, 7).open, plane.count("Svc", "open")], [3, 3]);
  clients.pop()!.close();
  await plane.until(() => endpointOf(plane, 7).open === 2, "the end of one");
  release.resolve();
  for (const client of clients) await client.message();
  await plane.until(() => endpointOf(plane, 7).open === 0, "the end of all");
  assertEquals([endpointOf(plane, 7).attempts, endpointOf(plane, 7).failures], [3, 0]);
});

onBothNets("counters, another endpoint that gets a slot finds it empty", async (net) => {
  await using apps = await Instances.start("one", "two");
  const [one, two] = apps.ports;
  await using plane = await startPlane({ net, services: { Svc: [{ port: one!, slot: 9 }] } });
  for (let call = 0; call < 3; call++) await ask(plane, "Svc");
  assertEquals(endpointOf(plane, 9).attempts, 3);
  await plane.publish("Svc", [{ port: two!, slot: 9 }]);
  assertEquals(endpointOf(plane, 9).attempts, 0);
  assertEquals((await ask(plane, "Svc")).body, "two");
  assertEquals(endpointOf(plane, 9).attempts, 1);
  // The same one keeps its numbers over a newer set.
  await plane.publish("Svc", [{ port: two!, slot: 9 }, { port: one!, slot: 10 }]);
  assertEquals([endpointOf(plane, 9).attempts, endpointOf(plane, 10).attempts], [1, 0]);
});

onBothNets(
  "counters, gauges of a service that is forgotten do not stay as they were",
  async (net) => {
    await using app = await Instance.start("app");
    await using plane = await startPlane({
      net,
      services: { Svc: [app.port] },
      policy: { calls: { breaker: { force: "open" }, concurrency: { limit: 5 } } },
    });
    assertEquals((await ask(plane, "Svc")).status, 503);
    await plane.until(
      () => plane.count("Svc", "breaker") === 1 && plane.count("Svc", "limit") === 5,
      "the gauges of circuit and limit",
    );
    assert(plane.count("Svc", "budget") > 0);
    await plane.post({ kind: "cluster_gone", service: "Svc" });
    assertEquals(
      (["breaker", "limit", "queued", "panic", "budget"] as const).map((name) =>
        plane.count("Svc", name)
      ),
      [0, 0, 0, 0, 0],
    );
  },
);
