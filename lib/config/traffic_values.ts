/** Both ways between the keys of policy groups and the values of core. */
import type {
  BalancePolicy,
  BreakerPolicy,
  ConcurrencyPolicy,
  FaultPolicy,
  OutlierPolicy,
  RetryPolicy,
} from "../core/traffic.ts";
import type {
  BalanceKeys,
  BreakerKeys,
  ConcurrencyKeys,
  FaultKeys,
  OutlierKeys,
  RetryKeys,
} from "./traffic_groups.ts";

/** Units: percent to a share in [0, 1]. */
export function fromPercent(percent: number): number {
  return percent / 100;
}

/** Units: a share to percent, without the dust of the division. */
export function toPercent(share: number): number {
  return Number((share * 100).toFixed(9));
}

export function balancePolicy({ hashOn, ...keys }: BalanceKeys): BalancePolicy {
  // Without a key nothing is hashed; the value has to name one all the same.
  return { ...keys, hashOn: hashOn === "" ? { kind: "source" } : hashOn };
}

export function outlierPolicy(keys: OutlierKeys): OutlierPolicy {
  const { successPercent, maxEjectedPercent, panicPercent, ...rest } = keys;
  return {
    ...rest,
    successShare: fromPercent(successPercent),
    maxEjectedShare: fromPercent(maxEjectedPercent),
    panicShare: fromPercent(panicPercent),
  };
}

export function retryPolicy({ budgetPercent, ...keys }: RetryKeys): RetryPolicy {
  return { ...keys, budgetRatio: fromPercent(budgetPercent) };
}

/** What a rule changes of it. Shape: only what is said. */
export function retryChanges(keys: Partial<RetryKeys>): Partial<RetryPolicy> {
  const { budgetPercent, ...rest } = keys;
  return {
    ...rest,
    ...(budgetPercent === undefined ? {} : { budgetRatio: fromPercent(budgetPercent) }),
  };
}

export function retryKeys(changes: Partial<RetryPolicy>): Partial<RetryKeys> {
  const { budgetRatio, ...rest } = changes;
  return {
    ...rest,
    ...(budgetRatio === undefined ? {} : { budgetPercent: toPercent(budgetRatio) }),
  };
}

export function breakerPolicy({ errorPercent, ...keys }: BreakerKeys): BreakerPolicy {
  return { ...keys, errorShare: fromPercent(errorPercent) };
}

export function concurrencyPolicy({ queueWaitMs, ...keys }: ConcurrencyKeys): ConcurrencyPolicy {
  return { ...keys, queueMs: queueWaitMs };
}

/** Undefined when nothing is injected. */
export function faultPolicy(keys: Partial<FaultKeys>): FaultPolicy | undefined {
  const { delayMs = 0, delayPercent = 0, abortStatus = 503, abortPercent = 0 } = keys;
  const delays = delayMs > 0 && delayPercent > 0;
  if (!delays && abortPercent === 0) return undefined;
  return {
    ...(delays ? { delay: { ms: delayMs, share: fromPercent(delayPercent) } } : {}),
    ...(abortPercent === 0
      ? {}
      : { abort: { status: abortStatus, share: fromPercent(abortPercent) } }),
  };
}

export function faultKeys({ delay, abort }: FaultPolicy): Partial<FaultKeys> {
  return {
    ...(delay === undefined ? {} : { delayMs: delay.ms, delayPercent: toPercent(delay.share) }),
    ...(abort === undefined
      ? {}
      : { abortStatus: abort.status, abortPercent: toPercent(abort.share) }),
  };
}
