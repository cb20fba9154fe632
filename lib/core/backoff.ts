/** Exponential back-off with jitter, as a pure function of the attempt. */

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * The wait before try number `attempt` + 1.
 *
 * Shape: `attempt` counts failures from 1; `jitter` is in [0, 1).
 * Units: milliseconds, between half the exponential ceiling and the whole of it, so that a fleet that failed
 * together does not come back together and nobody comes back at once.
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, jitter: number): number {
  const ceilingMs = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30));
  return ceilingMs / 2 + (ceilingMs / 2) * jitter;
}

/**
 * Spreads a period by a share to either side.
 *
 * Shape: `jitter` in [0, 1), `share` in [0, 1]. Units: as `periodMs`.
 */
export function jittered(periodMs: number, share: number, jitter: number): number {
  return periodMs * (1 - share + 2 * share * jitter);
}
