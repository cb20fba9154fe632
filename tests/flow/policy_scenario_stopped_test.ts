/** Instances that take requests and never answer: a process that was stopped, and a host that has gone. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { endpointBase, endpointSlot, endpointStates } from "../../lib/plane/counters.ts";
import { ask, problemOf } from "../support/ask.ts";
import { blackHole } from "../support/black_hole.ts";
import { Instances } from "../support/instance.ts";
import { between, latency, OpenLoop, statuses } from "../support/load.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { startApp } from "../support/policy_process.ts";
import { Lab, processesHere } from "../support/process.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

const responseMs = 500;

function endpoint(plane: Plane, place: number, name: keyof typeof endpointSlot): number {
  return plane.supervisor.counter(endpointBase(place) + endpointSlot[name]);
}

onBothNets(
  "scenario 11, a stopped process: 504 at the limit, ejected, back within the ejection",
  async (net) => {
    if (!processesHere) return console.log("  skipped: signals need Linux");
    await using lab = await Lab.open();
    const apps = await Promise.all(["one", "two", "three"].map((name) => startApp(lab, name)));
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy: { ...policy, calls: { ...policy.calls, responseMs } },
      services: { Svc: apps.map(({ port }, slot) => ({ port, slot })) },
    });
    await using load = new OpenLoop(plane.port(), { perSecond: 50, request: { host: "Svc" } });
    const [one] = apps;
    try {
      await load.at(1000);
      one!.process.signal("SIGSTOP");
      const stoppedMs = load.elapsedMs;
      await plane.until(() => endpoint(plane, 0, "ejections") > 0, "its ejection");
      const ejectedMs = load.elapsedMs;
      await load.at(4000);
      const resumedMs = load.elapsedMs;
      const state = endpointStates[endpoint(plane, 0, "state")];
      const goodThen = load.shots.filter(({ body }) => body === "one").length;
      // On the thread's clock, which began a little later than this one.
      const outUntilMs = endpoint(plane, 0, "untilMs") - plane.gauge("loopAtMs");
      one!.process.signal("SIGCONT");
      await plane.until(
        () => load.shots.filter(({ body }) => body === "one").length > goodThen,
        "an answer of the resumed one",
      );
      const backMs = load.elapsedMs - resumedMs;
      await load.at(resumedMs + Math.max(0, outUntilMs) + 1000);
      const shots = await load.stop();
      const late = shots.filter(({ status }) => status === 504);
      const during = between(shots, stoppedMs, resumedMs);
      assertEquals(statuses(shots), { 200: shots.length - late.length, 504: late.length });
      for (const shot of late) {
        assertEquals(JSON.parse(shot.body).code, "response_timeout");
        assert(
          shot.latencyMs >= responseMs - 20 && shot.latencyMs < responseMs + 250,
          `504 after ${shot.latencyMs} ms`,
        );
      }
      const others = during.filter(({ status }) => status === 200);
      say(
        `11: 504 ${late.length} of ${during.length} while stopped (each at ${
          latency(late, 0)
        } to ` +
          `${latency(late, 1)} ms, limit ${responseMs}); ejected after ${
            Math.round(ejectedMs - stoppedMs)
          } ms; others p99 ${latency(others, 0.99)} ms; back ${Math.round(backMs)} ms after ` +
          `SIGCONT (${state} for another ${Math.round(outUntilMs)} ms then)`,
      );
      // What was under way until the fifth had failed, and one request for each probation.
      const expected = (ejectedMs - stoppedMs) / 1000 * 50 / 3 + 6;
      assert(late.length <= expected, `${late.length} failed of at most ${expected}`);
      assert(latency(others, 0.99) < 200, "the others suffered");
      assert(
        backMs <= Math.max(0, outUntilMs) + responseMs + 300,
        `it came back after ${backMs} ms`,
      );
      assertEquals(endpointStates[endpoint(plane, 0, "state")], "healthy");
    } finally {
      one!.process.signal("SIGCONT");
    }
    await plane.quiet();
  },
);

onBothNets(
  "scenario 13, a peer that vanished: its pooled connections are not trusted for ever",
  async (net) => {
    await using instances = await Instances.start("gone", "alive");
    const policy = await productPolicy();
    const [gone, alive] = instances.all;
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        timeouts: { ...policy.timeouts, responseMs: 2000, connectMs: 300, poolIdleMs: 1000 },
        calls: { ...policy.calls, retry: { ...policy.calls?.retry, perTryMs: 300 } },
      },
      services: { Svc: instances.ports.map((port, slot) => ({ port, slot })) },
    });
    // Connections of both are in the pool.
    while (gone!.count === 0 || alive!.count === 0) {
      assertEquals(
        (await ask(plane, "Svc")).status,
        200,
      );
    }
    gone!.held = new Promise(() => {});
    gone!.stopListening();
    const hole = blackHole("127.0.0.1", gone!.port);
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      const asked: { status: number; ms: number }[] = [];
      for (let index = 0; index < 6; index++) {
        const began = performance.now();
        const { body, status } = await ask(plane, "Svc");
        assertEquals([status, body], [200, "alive"]);
        asked.push({ status, ms: Math.round(performance.now() - began) });
      }
      const slow = asked.filter(({ ms }) => ms > 200);
      for (const { ms } of asked) assert(ms < 300 + 300 + 200, `a request took ${ms} ms`);
      assert(slow.length >= 1 && slow.length <= 3, JSON.stringify(asked));
      say(`13: 6 GETs after the peer vanished, all 200 in ${asked.map(({ ms }) => ms)} ms`);
      assertEquals(endpointStates[endpoint(plane, 0, "state")], "unreachable");
      await plane.quiet({ idle: 0 });
    } finally {
      hole.close();
    }
  },
);

onBothNets(
  "scenario 13, a POST to a peer that vanished is sent once and ends at the limit",
  async (net) => {
    await using instances = await Instances.start("gone");
    const policy = await productPolicy();
    const [gone] = instances.all;
    await using plane = await startPlane({
      net,
      policy: { ...policy, calls: { ...policy.calls, responseMs: 300 } },
      services: { Svc: instances.ports },
    });
    assertEquals((await ask(plane, "Svc")).status, 200);
    gone!.held = new Promise(() => {});
    const began = performance.now();
    const asked = await ask(plane, "Svc", { method: "POST", body: "order" });
    const ms = performance.now() - began;
    assertEquals([asked.status, problemOf(asked).code], [504, "response_timeout"]);
    assertMatch(asked.head, /^Proxy-Status: mesher; error=http_response_timeout; /m);
    assert(ms >= 280 && ms < 600, `${ms}`);
    assertEquals([gone!.count, plane.count("Svc", "attempts")], [2, 2]);
    await plane.quiet({ idle: 0 });
  },
);
