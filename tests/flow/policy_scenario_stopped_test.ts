/** Instances that take requests and never answer: a process that was stopped, and a host that has gone. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { endpointBase, endpointSlot, endpointStates } from "../../lib/plane/counters.ts";
import { ask, problemOf } from "../support/ask.ts";
import { type BlackHole, blackHole } from "../support/black_hole.ts";
import { Instances } from "../support/instance.ts";
import { between, latency, OpenLoop, statuses } from "../support/load.ts";
import { onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { startApp } from "../support/policy_process.ts";
import { Lab, pause, processesHere } from "../support/process.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";
import { longMs, soonMs, staleMs, timed } from "../support/time_bounds.ts";

const responseMs = 500;
/** The first time out, half of the usual: the second one is waited for. */
const baseEjectMs = 500;

function endpoint(plane: Plane, place: number, name: keyof typeof endpointSlot): number {
  return plane.supervisor.counter(endpointBase(place) + endpointSlot[name]);
}

onBothNetsAtOnce(
  "scenario 11, a stopped process: 504 at the limit, ejected, back within the ejection",
  async (net) => {
    if (!processesHere) return console.log("  skipped: signals need Linux");
    await using lab = await Lab.open();
    const apps = await Promise.all(["one", "two", "three"].map((name) => startApp(lab, name)));
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        calls: {
          ...policy.calls,
          responseMs,
          outlier: { ...policy.calls?.outlier, baseEjectMs },
        },
      },
      services: { Svc: apps.map(({ port }, slot) => ({ port, slot })) },
    });
    // The same processes without the one that stops: how long they take is what the machine holds up.
    await plane.publish("Others", apps.slice(1).map(({ port }) => port));
    await using beside = new OpenLoop(plane.port(), { perSecond: 50, request: { host: "Others" } });
    await using load = new OpenLoop(plane.port(), { perSecond: 50, request: { host: "Svc" } });
    const at = (name: keyof typeof endpointSlot) => endpoint(plane, 0, name);
    const [one] = apps;
    try {
      await load.at(500);
      one!.process.signal("SIGSTOP");
      const stoppedMs = load.elapsedMs;
      await plane.until(() => at("ejections") > 0, "its ejection");
      const ejectedMs = load.elapsedMs;
      const [ejections, attempts] = [at("ejections"), at("attempts")];
      await plane.until(
        () => at("ejections") > ejections && endpointStates[at("state")] === "ejected",
        "a probation that fails",
      );
      const tried = at("attempts") - attempts;
      const probations = at("ejections") - ejections;
      const resumedMs = load.elapsedMs;
      const goodThen = load.shots.filter(({ body }) => body === "one").length;
      // On the thread's clock, of which the newest turn is known; one on portable sockets is shown four times a second.
      const outUntilMs = at("untilMs") - plane.gauge("loopAtMs");
      const longestMs = baseEjectMs * 2 ** (at("ejections") - 1) + 250;
      one!.process.signal("SIGCONT");
      await plane.until(
        () => load.shots.filter(({ body }) => body === "one").length > goodThen,
        "an answer of the resumed one",
      );
      const backMs = load.elapsedMs - resumedMs;
      await plane.until(() => endpointStates[at("state")] === "healthy", "its good name");
      await load.at(load.elapsedMs + 300);
      const shots = await load.stop();
      const lagMs = beside.slowestMs(load.startMs + stoppedMs);
      await beside.stop();
      const late = shots.filter(({ status }) => status === 504);
      const during = between(shots, stoppedMs, resumedMs);
      assertEquals(statuses(shots), { 200: shots.length - late.length, 504: late.length });
      // What takes a while may be held up at its beginning and at its end.
      const heldUpMs = 2 * lagMs;
      for (const shot of late) {
        assertEquals(JSON.parse(shot.body).code, "response_timeout");
        assert(
          shot.latencyMs >= responseMs - 20 && shot.latencyMs < responseMs + 250 + heldUpMs,
          `504 after ${shot.latencyMs} ms`,
        );
      }
      const others = during.filter(({ status }) => status === 200);
      say(
        `11, ${net}: 504 ${late.length} of ${during.length} while stopped (each at ${
          latency(late, 0)
        } to ${latency(late, 1)} ms, limit ${responseMs}); ejected after ${
          Math.round(ejectedMs - stoppedMs)
        } ms, then ${tried} tries at it; others p99 ${
          latency(others, 0.99)
        } ms, held up by the machine ${Math.round(lagMs)} ms; back ${
          Math.round(backMs)
        } ms after SIGCONT, with ${Math.round(outUntilMs)} ms to go`,
      );
      // What was under way until the fifth had failed, and one request for each probation.
      assert(tried <= probations + 1, `${tried} tries in ${probations} probations`);
      const most = (ejectedMs - stoppedMs) / 1000 * 50 / 3 + probations + 6 + lagMs / 1000 * 50;
      assert(late.length <= most, `${late.length} failed of at most ${most}`);
      assert(latency(others, 0.99) < 200 + lagMs, "the others suffered");
      assert(outUntilMs <= longestMs + lagMs, `it is out for ${outUntilMs} ms, not ${longestMs}`);
      assert(
        backMs <= Math.max(0, outUntilMs) + responseMs + 300 + heldUpMs,
        `it came back after ${backMs} ms`,
      );
    } finally {
      one!.process.signal("SIGCONT");
    }
    await plane.quiet();
  },
);

/** The hole takes the port as soon as whoever gave it up has really let it go. */
async function holeAt(port: number): Promise<BlackHole | undefined> {
  for (let attempt = 0;; attempt++) {
    try {
      return blackHole("127.0.0.1", port);
    } catch (error) {
      if (attempt === 100) throw error;
      await pause(10);
    }
  }
}

onBothNetsAtOnce(
  "scenario 13, a peer that vanished: its pooled connections are not trusted for ever",
  async (net) => {
    // Above what a machine stalls, or the one that is alive would seem to have vanished as well.
    const limitMs = 800;
    await using instances = await Instances.start("gone", "alive");
    const policy = await productPolicy();
    const [gone, alive] = instances.all;
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        timeouts: { ...policy.timeouts, connectMs: limitMs, poolIdleMs: 1000 },
        calls: {
          ...policy.calls,
          responseMs: longMs,
          retry: { ...policy.calls?.retry, perTryMs: limitMs },
        },
      },
      services: { Svc: instances.ports.map((port, slot) => ({ port, slot })) },
    });
    // Connections of both are in the pool.
    while (gone!.count === 0 || alive!.count === 0) {
      assertEquals((await ask(plane, "Svc")).status, 200);
    }
    const before = endpoint(plane, 0, "attempts");
    gone!.held = new Promise(() => {});
    gone!.stopListening();
    const hole = await holeAt(gone!.port);
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      const times: number[] = [];
      for (let index = 0; index < 6; index++) {
        const [{ body, status }, ms] = await timed(ask(plane, "Svc"));
        assertEquals([status, body], [200, "alive"]);
        assert(ms < soonMs, `a request took ${ms} ms`);
        times.push(Math.round(ms));
      }
      const tries = endpoint(plane, 0, "attempts") - before;
      say(
        `13, ${net}: 6 GETs after the peer vanished, all 200 in ${times} ms, ${tries} tries at it`,
      );
      assert(tries >= 1 && tries <= 3, `${tries} tries at it`);
      assertEquals(endpointStates[endpoint(plane, 0, "state")], "unreachable");
      await plane.quiet({ idle: 0 });
    } finally {
      hole.close();
    }
  },
);

onBothNetsAtOnce(
  "scenario 13, a POST to a peer that vanished is sent once and ends at the limit",
  async (net) => {
    await using instances = await Instances.start("gone");
    const policy = await productPolicy();
    const [gone] = instances.all;
    await using plane = await startPlane({
      net,
      policy,
      services: { Svc: instances.ports },
    });
    assertEquals((await ask(plane, "Svc")).status, 200);
    await plane.setPolicy({ calls: { ...policy.calls, responseMs: 300 } });
    gone!.held = new Promise(() => {});
    const [asked, ms] = await timed(ask(plane, "Svc", { method: "POST", body: "order" }));
    assertEquals([asked.status, problemOf(asked).code], [504, "response_timeout"]);
    assertMatch(asked.head, /^Proxy-Status: mesher; error=http_response_timeout; /m);
    assertMatch(problemOf(asked).detail, / within 300 ms/);
    assert(ms >= 300 - staleMs && ms < soonMs, `${ms}`);
    await plane.until(() => gone!.count === 2, "the POST");
    assertEquals([gone!.count, plane.count("Svc", "attempts")], [2, 2]);
    await plane.quiet({ idle: 0 });
  },
);
