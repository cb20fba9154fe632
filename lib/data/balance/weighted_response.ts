/** Weighted response: everyone gets a share by how fast it answers, and nobody gets everything. */
import { AliasTable } from "./alias_table.ts";
import type { Balancer, PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { PerList } from "./per_list.ts";
import { maxDraws, type WarmUp } from "./warm_up.ts";

/** How long shares hold. Units: milliseconds. */
const refreshMs = 1_000;
/**
 * Least and most of the share that weight alone would give. The least lets a slow endpoint show that it has become
 * fast; the most keeps a fleet of callers from rushing to the fastest and making it the slowest.
 */
const leastFactor = 0.1;
const mostFactor = 2;

interface Shares {
  readonly table: AliasTable;
  /** Weight times speed; kept for the next refresh. */
  readonly factors: Float64Array;
  refreshAtMs: number;
}

export class WeightedResponse implements Balancer {
  readonly #warmUp: WarmUp;
  readonly #lists: PerList<Shares>;

  constructor(warmUp: WarmUp) {
    this.#warmUp = warmUp;
    this.#lists = new PerList((candidates) => ({
      table: new AliasTable(candidates.length),
      factors: new Float64Array(candidates.length),
      refreshAtMs: -Infinity,
    }));
  }

  /** Cost: constant; once a second it sorts the response times. */
  pick(candidates: readonly Candidate[], request: PickRequest): number {
    const shares = this.#lists.of(candidates);
    if (request.nowMs >= shares.refreshAtMs) {
      shareOut(candidates, shares.factors);
      shares.table.fill(shares.factors);
      shares.refreshAtMs = request.nowMs + refreshMs;
    }
    for (let draws = 1;; draws++) {
      const index = shares.table.draw(request.random());
      if (draws === maxDraws || this.#warmUp.admits(candidates[index]!, request)) return index;
    }
  }

  peek(candidates: readonly Candidate[], request: PickRequest): number {
    return this.pick(candidates, request);
  }
}

/**
 * Fills in what each candidate is to get: its weight times how much faster than the usual it answers, within bounds.
 *
 * Shape: the usual is the median, which extreme values do not move, be they ever so many below half; those without
 * an answer count as usual.
 */
export function shareOut(candidates: readonly Candidate[], into: Float64Array): void {
  let seen = 0;
  for (const { meanMs } of candidates) if (meanMs > 0) into[seen++] = meanMs;
  const sorted = into.subarray(0, seen).sort();
  const usualMs = seen === 0 ? 1 : Math.sqrt(sorted[(seen - 1) >> 1]! * sorted[seen >> 1]!);
  for (let index = 0; index < candidates.length; index++) {
    const { meanMs, weight } = candidates[index]!;
    const speed = meanMs <= 0 ? 1 : usualMs / meanMs;
    into[index] = weight * Math.min(mostFactor, Math.max(leastFactor, speed));
  }
}
