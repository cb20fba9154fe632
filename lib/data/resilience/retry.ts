/** What follows a failed attempt: stop, or wait and try again. */
import type { DenialReason } from "../../plane/counters.ts";

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

export interface FailedAttempt {
  /** Counts from 1. */
  readonly attempt: number;
  /** Whether any byte of the request may have been processed; an answer is proof that it was. */
  readonly reachedUpstream: boolean;
  readonly idempotent: boolean;
  /** Whether the whole body sent so far can be sent again. */
  readonly replayable: boolean;
  readonly remainingMs: number;
  /** Whether an endpoint that was not tried yet is left. */
  readonly another: boolean;
  /** What the answer's Retry-After asked for; undefined or 0: nothing. */
  readonly retryAfterMs?: number | undefined;
}

export type StopReason = DenialReason;

export type RetryDecision =
  | { readonly kind: "stop"; readonly reason: StopReason }
  | { readonly kind: "retry"; readonly delayMs: number };

/** Nobody is kept waiting longer than this because of a Retry-After; the answer goes to the caller instead. */
const longestRetryAfterMs = 2_000;

/**
 * Whether an answer is worth another attempt, if decideRetry allows one.
 *
 * Shape: pure. Cost: one comparison for any answer that is no error.
 */
export function asksForRetry(status: number, statuses: readonly number[]): boolean {
  return status >= 400 && statuses.includes(status);
}

/**
 * Decides what follows one failed attempt. Whether the budget allows it is asked afterwards, so that a refusal for
 * another reason costs nothing.
 *
 * Shape: pure; `jitter` is in [0, 1). Another endpoint is tried at once, the same one only after a pause. A Retry-After
 * holds for all endpoints; the pause comes on top of it, so that those who were told the same time spread out.
 * Source: RFC 9110 section 9.2.2 for which methods may be sent twice.
 */
export function decideRetry(
  policy: RetryPolicy,
  failed: FailedAttempt,
  jitter: number,
): RetryDecision {
  if (failed.attempt >= policy.maxAttempts) return { kind: "stop", reason: "attempts" };
  if (failed.reachedUpstream && !failed.idempotent) {
    return { kind: "stop", reason: "not_idempotent" };
  }
  if (!failed.replayable) return { kind: "stop", reason: "body_consumed" };
  const askedMs = Math.ceil(failed.retryAfterMs ?? 0);
  const ceilingMs = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failed.attempt - 1));
  const pauseMs = failed.another && askedMs === 0 ? 0 : Math.round(ceilingMs * jitter);
  const delayMs = askedMs + pauseMs;
  if (askedMs > longestRetryAfterMs || delayMs >= failed.remainingMs) {
    return { kind: "stop", reason: "deadline" };
  }
  return { kind: "retry", delayMs };
}
