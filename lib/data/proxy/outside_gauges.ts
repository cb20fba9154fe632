/** Gauges of clusters that share one counter block: hosts outside the mesh never become names of metrics. */
import { blockBase, slot } from "../../plane/counters.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Puts the gauges of all clusters of a block where control sees them.
 *
 * Shape: what each may still do adds up; of circuits and panics the highest value is shown.
 */
export function publishTogether(
  clusters: ReadonlyMap<string, Cluster<Upstream>>,
  { block, counters, nowMs }: {
    readonly block: number;
    readonly counters: Float64Array;
    readonly nowMs: number;
  },
): void {
  if (clusters.size === 0) return;
  const base = blockBase(block);
  let budget = 0, breaker = 0, panic = 0;
  for (const cluster of clusters.values()) {
    // Limits and lines add up by themselves; the rest is overwritten by each.
    cluster.publish(nowMs);
    budget += counters[base + slot.budget]!;
    breaker = Math.max(breaker, counters[base + slot.breaker]!);
    panic = Math.max(panic, counters[base + slot.panic]!);
  }
  counters[base + slot.budget] = budget;
  counters[base + slot.breaker] = breaker;
  counters[base + slot.panic] = panic;
}
