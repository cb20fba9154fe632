/** The balancers in a small simulated fleet: the orders that must hold between them. */
import { assert, assertEquals } from "@test/assert";
import { balancerKinds } from "../../lib/core/traffic.ts";
import { EventQueue } from "../bench/simulation/event_queue.ts";
import { fleet, type Measured, type Row, simulate } from "../bench/simulation/world.ts";
import { seeded } from "../support/seeded.ts";

const small = {
  ...fleet,
  sidecars: 20,
  instances: 25,
  slow: 1,
  dead: 1,
  settleMs: 5_000,
  measureMs: 5_000,
};

const known = new Map<string, Measured>();

function run(row: Row, flakyShare = 0): Measured {
  const name = JSON.stringify([row, flakyShare]);
  const measured = known.get(name) ?? simulate({ ...small, flakyShare }, row);
  known.set(name, measured);
  return measured;
}

const plain = (kind: Row["kind"]): Row => ({ kind, locality: "off", ejection: false });

Deno.test("simulation, the same seed gives the same figures", () => {
  const row = plain("peak_ewma");
  assertEquals(
    simulate({ ...small, measureMs: 500 }, row),
    simulate({ ...small, measureMs: 500 }, row),
  );
});

Deno.test("simulation, events happen in order of time, equal ones in the order they were made", () => {
  const random = seeded(1);
  const events = new EventQueue();
  const seen: (readonly [atMs: number, order: number])[] = [];
  for (let order = 0; order < 500; order++) {
    const atMs = random.below(50);
    events.after(atMs, () => seen.push([atMs, order]));
  }
  events.runUntil(100);
  assertEquals(seen, [...seen].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  assertEquals(seen.length, 500);
});

Deno.test("simulation, peak EWMA keeps slow and dead instances out of the p99 of round robin", () => {
  const peak = run(plain("peak_ewma"));
  const turns = run(plain("round_robin"));
  assert(peak.p99Ms * 4 < turns.p99Ms, `${peak.p99Ms} against ${turns.p99Ms}`);
  assert(peak.p50Ms < turns.p50Ms);
  assert(peak.errorShare * 10 < turns.errorShare);
});

Deno.test("simulation, least request and weighted response lie between the two", () => {
  const peak = run(plain("peak_ewma"));
  const turns = run(plain("round_robin"));
  for (const kind of ["least_request", "weighted_response"] as const) {
    const measured = run(plain(kind));
    assert(measured.p99Ms < turns.p99Ms / 2, `${kind} ${measured.p99Ms}`);
    assert(measured.errorShare < turns.errorShare / 2, `${kind} ${measured.errorShare}`);
    assert(measured.p99Ms >= peak.p99Ms, `${kind} ${measured.p99Ms}`);
  }
});

Deno.test("simulation, no balancer loads one well instance with much more than another", () => {
  for (const kind of balancerKinds) {
    const { skew } = run(plain(kind));
    assert(skew < 1.5, `${kind} ${skew}`);
  }
});

Deno.test("simulation, an instance that refuses at once draws nobody to it", () => {
  // A fair share of the dead one would be 4 %.
  for (const kind of ["least_request", "peak_ewma", "weighted_response"] as const) {
    assert(run(plain(kind)).errorShare < 0.01, kind);
  }
});

Deno.test("simulation, ejection takes the errors out of round robin", () => {
  const without = run(plain("round_robin"));
  const ejecting = run({ ...plain("round_robin"), ejection: true });
  assert(ejecting.errorShare * 2 < without.errorShare);
  assert(ejecting.p99Ms < without.p99Ms);
});

Deno.test("simulation, where all fail now and then nobody is driven to the slow or the dead one", () => {
  const measured = run(plain("peak_ewma"), 0.02);
  assert(measured.errorShare < 0.025, `${measured.errorShare}`);
  assert(measured.p99Ms < run(plain("peak_ewma")).p99Ms * 1.3, `${measured.p99Ms}`);
});

Deno.test("simulation, the own zone first is faster for round robin and overloads nobody", () => {
  const anywhere = run(plain("round_robin"));
  const near = run({ ...plain("round_robin"), locality: "prefer" });
  assert(near.p50Ms < anywhere.p50Ms);
  assert(near.skew < 1.5);
});
