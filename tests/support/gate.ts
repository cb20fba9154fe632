/** A gate with a clock that stands still, and those who stand in its line. */
import { assert, rejection } from "@test/assert";
import { MeshError } from "../../lib/core/errors.ts";
import type { BreakerPolicy, ConcurrencyPolicy } from "../../lib/core/traffic.ts";
import { Gate, type GatePolicy } from "../../lib/data/cluster/gate.ts";
import { slot } from "../../lib/plane/counters.ts";
import { FakeClock } from "./fake_clock.ts";

export const breaker: BreakerPolicy = {
  enabled: true,
  windowMs: 10_000,
  minRequests: 4,
  errorShare: 0.5,
  openMs: 1_000,
  force: "none",
};

export function concurrency(limit: number, queue = 0, queueMs = 100): ConcurrencyPolicy {
  return { limit, adaptive: false, minLimit: 1, queue, queueMs };
}

export function gateWith(policy: GatePolicy) {
  const clock = new FakeClock();
  const counters = new Float64Array(256);
  const gate = new Gate(policy, { name: "shop", random: () => 0.5, clock, counters, base: 100 });
  const gauge = (name: "breaker" | "limit" | "queued") => counters[100 + slot[name]];
  return { clock, gate, gauge };
}

/** Somebody who stands in the line. */
export function waitAt(
  gate: Gate,
  { deadlineMs = Infinity }: { readonly deadlineMs?: number } = {},
) {
  const one = { outcome: "", leave: () => {} };
  gate.wait(gate.admit(), { begun: (leave) => one.leave = leave, deadlineMs }).then(
    () => one.outcome = "in",
    (error) => one.outcome = error.code,
  );
  return one;
}

export const patient = { begun: () => {}, deadlineMs: Infinity };

export async function refusal(promise: Promise<void>): Promise<MeshError> {
  const error = await rejection(promise);
  assert(error instanceof MeshError);
  return error;
}
