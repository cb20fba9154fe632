/** The watch over endpoints, with the counters of two threads written by hand. */
import { assert, assertEquals } from "@test/assert";
import { EndpointWatch } from "../../../../lib/control/telemetry/endpoint_events.ts";
import {
  counterBytes,
  type EjectReason,
  ejectReasons,
  endpointBase,
  endpointSlot,
  type EndpointStateName,
  endpointStates,
  threadSlot,
} from "../../../../lib/plane/counters.ts";
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";
import { clusterOf } from "./cluster.ts";

const startWallMs = 1_700_000_040_000;

const cluster = (ports: readonly number[], slots = true) => clusterOf("Cart", ports, { slots });

function setUp(first: ClusterSnapshot = cluster([1, 2])) {
  const threads = [0, 1].map(() => new Float64Array(counterBytes / 8));
  const dead = new Set<number>();
  const clusters = new Map([["Cart", first]]);
  const watch = new EndpointWatch({
    clusters: () => clusters,
    reader: {
      threads: 2,
      read: (thread, slot) => dead.has(thread) ? undefined : threads[thread]![slot]!,
    },
  });
  let nowMs = 1000;
  return {
    watch,
    clusters,
    dead,
    set(thread: number, port: number, values: Partial<Record<keyof typeof endpointSlot, number>>) {
      for (const [name, value] of Object.entries(values)) {
        threads[thread]![endpointBase(port) + endpointSlot[name as keyof typeof endpointSlot]] =
          value;
      }
    },
    clock(thread: number, loopAtMs: number) {
      threads[thread]![threadSlot.loopAtMs] = loopAtMs;
    },
    pass(seconds = 1) {
      for (let second = 0; second < seconds; second++) {
        nowMs += 1000;
        watch.sample(nowMs, startWallMs + nowMs - 2000);
      }
    },
    port: (port: number) => watch.of("Cart").find((one) => one.endpoint.port === port)!,
  };
}

function state(name: EndpointStateName, reason: EjectReason = "none") {
  return { state: endpointStates.indexOf(name), reason: ejectReasons.indexOf(reason) };
}

Deno.test("endpoint watch, shows the worst that any thread holds, and how many agree", () => {
  const { set, clock, pass, port } = setUp();
  clock(1, 40_000);
  set(1, 1, { ...state("ejected", "success_rate"), untilMs: 52_000, ejections: 2 });
  pass();
  const { state: shown } = port(1);
  assertEquals(
    [shown.state, shown.reason, shown.agreeing, shown.threads, shown.endsInMs, shown.ejections],
    ["ejected", "success_rate", 1, 2, 12_000, 2],
  );
  assertEquals([port(2).state.state, port(2).state.agreeing], ["healthy", 2]);
});

Deno.test("endpoint watch, attempts and failures are summed, latency is averaged over threads that know", () => {
  const { set, pass, port } = setUp();
  set(0, 1, { attempts: 10, failures: 1, open: 2, latencyMs: 4 });
  set(1, 1, { attempts: 5, failures: 2, open: 1, latencyMs: 8 });
  set(0, 2, { latencyMs: 3 });
  pass();
  const { attempts, failures, open, latencyMs } = port(1).state;
  assertEquals([attempts, failures, open, latencyMs], [15, 3, 3, 6]);
  assertEquals(port(2).state.latencyMs, 3);
});

Deno.test("endpoint watch, remembers each change with its reason, oldest first", () => {
  const { set, pass, port } = setUp();
  pass(2);
  set(0, 1, state("unreachable", "connect_refused"));
  pass(3);
  set(0, 1, state("probation"));
  pass();
  set(0, 1, state("healthy"));
  pass(2);
  assertEquals(port(1).events, [
    { at: startWallMs, state: "healthy", reason: "none" },
    { at: startWallMs + 2000, state: "unreachable", reason: "connect_refused" },
    { at: startWallMs + 5000, state: "probation", reason: "none" },
    { at: startWallMs + 6000, state: "healthy", reason: "none" },
  ]);
  assertEquals(port(2).events.length, 1);
});

Deno.test("endpoint watch, of many changes the first and the newest stay", () => {
  const { set, pass, port } = setUp();
  for (let change = 0; change < 60; change++) {
    set(0, 1, state(change % 2 === 0 ? "healthy" : "ejected", "consecutive_failures"));
    pass();
  }
  const { events } = port(1);
  assertEquals([events.length, events[0]!.at], [20, startWallMs]);
  assertEquals(events[19]!.at, startWallMs + 59_000);
});

Deno.test("endpoint watch, a new snapshot keeps what is known of those that stay", () => {
  const { clusters, set, pass, port, watch } = setUp();
  set(0, 1, { attempts: 10 });
  pass(2);
  clusters.set("Cart", cluster([1, 3]));
  set(0, 1, state("ejected", "consecutive_failures"));
  pass();
  assertEquals(watch.of("Cart").map((one) => one.endpoint.port), [1, 3]);
  assertEquals(port(1).events.map((one) => one.state), ["healthy", "ejected"]);
  assertEquals(port(3).events.map((one) => one.state), ["healthy"]);
  clusters.delete("Cart");
  pass();
  assertEquals(watch.of("Cart"), []);
});

Deno.test("endpoint watch, counts attempts by the minute and forgets after fifteen", () => {
  const { set, pass, watch } = setUp();
  let attempts = 0;
  for (let minute = 0; minute < 20; minute++) {
    set(0, 1, { attempts: attempts += minute + 1, failures: minute === 18 ? 3 : 0 });
    pass(60);
  }
  const minutes = watch.minutesOf("Cart", { host: "10.0.0.1", port: 1 })!;
  assertEquals(minutes.map((one) => one.attempts), [
    ...Array.from({ length: 15 }, (_, index) => index + 6),
  ]);
  assertEquals(minutes.map((one) => one.failures).reduce((a, b) => a + b), 3);
  assertEquals(minutes[14]!.endAt, startWallMs + 20 * 60_000);
  assertEquals(watch.minutesOf("Cart", { host: "10.0.0.9", port: 1 }), undefined);
});

Deno.test("endpoint watch, a thread that begins anew does not count backwards", () => {
  const { set, pass, port, watch } = setUp();
  set(0, 1, { attempts: 100 });
  pass();
  set(0, 1, { attempts: 3 });
  pass();
  set(0, 1, { attempts: 5 });
  pass();
  const minutes = watch.minutesOf("Cart", { host: "10.0.0.1", port: 1 })!;
  assertEquals(minutes[14]!.attempts, 102);
  assert(port(1).perSecond >= 0);
});

Deno.test("endpoint watch, the rate follows the calls and ends at zero", () => {
  const { set, pass, port } = setUp();
  for (let second = 1; second <= 60; second++) {
    set(0, 1, { attempts: second * 20 });
    pass();
  }
  assert(Math.abs(port(1).perSecond - 20) < 0.5, `${port(1).perSecond}`);
  pass(120);
  assertEquals(port(1).perSecond, 0);
});

Deno.test("endpoint watch, a thread that is being replaced is left out", () => {
  const { set, dead, pass, port } = setUp();
  set(1, 1, state("ejected", "success_rate"));
  dead.add(1);
  pass();
  assertEquals([port(1).state.state, port(1).state.threads], ["healthy", 1]);
});

Deno.test("endpoint watch, an endpoint without a slot is unknown", () => {
  const { pass, port } = setUp(cluster([1], false));
  pass();
  assertEquals([port(1).state.state, port(1).events[0]!.state], ["unknown", "unknown"]);
});
