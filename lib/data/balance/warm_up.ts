/** Slow start: what share of its weight a newcomer has while it warms up. */
import type { Random } from "../../core/ports.ts";
import type { Candidate } from "./candidate.ts";

/** What a newcomer gets from the start: enough to get its first answer. */
const floor = 0.1;

/** How often a draw may be turned down before it is taken as it is: matters only where nearly all are new. */
export const maxDraws = 16;

export class WarmUp {
  readonly slowStartMs: number;

  constructor(slowStartMs: number) {
    this.slowStartMs = slowStartMs;
  }

  /**
   * In [0.1, 1]: grows with time from the first good answer on.
   *
   * Cost: one comparison for an endpoint that is warm.
   */
  share(candidate: Candidate, nowMs: number): number {
    const ageMs = nowMs - candidate.warmFromMs;
    if (ageMs >= this.slowStartMs || this.slowStartMs <= 0) return 1;
    return Math.max(floor, ageMs / this.slowStartMs);
  }

  /**
   * Whether a draw of this candidate stands.
   *
   * Shape: turning draws down with the right probability gives newcomers their share without a new table each
   * moment.
   */
  admits(candidate: Candidate, at: { readonly nowMs: number; readonly random: Random }): boolean {
    const ageMs = at.nowMs - candidate.warmFromMs;
    if (ageMs >= this.slowStartMs || this.slowStartMs <= 0) return true;
    return at.random() < Math.max(floor, ageMs / this.slowStartMs);
  }
}
