/** What follows a failed attempt: stop, or wait and try again. */

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

export interface FailedAttempt {
  /** Counts from 1. */
  readonly attempt: number;
  /** Whether any byte of the request may have been processed. */
  readonly reachedUpstream: boolean;
  readonly idempotent: boolean;
  /** Whether the whole body sent so far can be sent again. */
  readonly replayable: boolean;
  readonly remainingMs: number;
  /** Whether an endpoint that was not tried yet is left. */
  readonly another: boolean;
}

export type StopReason = "attempts" | "not_idempotent" | "body_consumed" | "deadline" | "budget";

export type RetryDecision =
  | { readonly kind: "stop"; readonly reason: StopReason }
  | { readonly kind: "retry"; readonly delayMs: number };

/**
 * Decides what follows one failed attempt. Whether the budget allows it is asked afterwards, so that a refusal for
 * another reason costs nothing.
 *
 * Shape: pure; `jitter` is in [0, 1). Another endpoint is tried at once, the same one only after a pause.
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
  const ceilingMs = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failed.attempt - 1));
  const delayMs = failed.another ? 0 : Math.round(ceilingMs * jitter);
  if (delayMs >= failed.remainingMs) return { kind: "stop", reason: "deadline" };
  return { kind: "retry", delayMs };
}
