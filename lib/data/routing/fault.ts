/** Decides whether a request is delayed or refused on purpose. */
import type { Random } from "../../core/ports.ts";
import type { FaultPolicy } from "../../core/traffic.ts";
import { checkShare, PolicyError } from "./policy_error.ts";

/** What is done to one request: first the delay, then the abort. 0: not that. */
export interface FaultDecision {
  /** Units: milliseconds. */
  readonly delayMs: number;
  readonly abortStatus: number;
}

/**
 * Draws lots for the delay and for the abort, each for itself.
 *
 * Shape: undefined for a request that is left alone. Cost: two random numbers; an object for a request that is hit.
 */
export function decideFault(
  policy: FaultPolicy | undefined,
  random: Random,
): FaultDecision | undefined {
  if (policy === undefined) return undefined;
  const { delay, abort } = policy;
  const delayMs = delay !== undefined && random() < delay.share ? delay.ms : 0;
  const abortStatus = abort !== undefined && random() < abort.share ? abort.status : 0;
  return delayMs === 0 && abortStatus === 0 ? undefined : { delayMs, abortStatus };
}

/** Errors: PolicyError for what cannot be injected. */
export function checkFault({ delay, abort }: FaultPolicy): void {
  if (delay !== undefined) {
    checkShare("the share of delays", delay.share);
    if (!(delay.ms >= 0 && delay.ms < Infinity)) {
      throw new PolicyError(`the delay is ${delay.ms}; write milliseconds, 0 or more`);
    }
  }
  if (abort === undefined) return;
  checkShare("the share of aborts", abort.share);
  const { status } = abort;
  // 1xx would leave the caller waiting for its answer.
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new PolicyError(`the status of aborts is ${status}; write one from 200 to 599`);
  }
}
