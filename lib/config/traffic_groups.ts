/** The groups of scalar keys of which the policy of one service is made, with their defaults. */
import { balancerKinds } from "../core/traffic.ts";
import { type ConfigOf, group } from "./leaf.ts";
import { failedStatuses, percentage, trafficKeyOrNone } from "./traffic_leaves.ts";
import { count, duration, oneOf, yesOrNo } from "./values.ts";

const many = { min: 0, max: 1_000_000 } as const;
const atLeastOne = { min: 1, max: 1_000_000 } as const;

export const balance = group({
  kind: oneOf(balancerKinds, "round_robin"),
  hash_on: trafficKeyOrNone(),
  slow_start: duration("30s", { min: "0ms" }),
  locality: oneOf(["prefer", "off"], "prefer"),
  decay: duration("10s", { min: "100ms" }),
  sticky_idle: duration("30s", { min: "1s" }),
  sticky_failures: count(5, { min: 1, max: 1000 }),
});

export const outlier = group({
  enabled: yesOrNo(true),
  consecutive_failures: count(5, { min: 1, max: 10_000 }),
  success_percent: percentage(80),
  min_requests: count(10, atLeastOne),
  window: duration("10s", { min: "1s" }),
  base_eject: duration("1s"),
  max_eject: duration("60s"),
  max_ejected_percent: percentage(50),
  panic_percent: percentage(50),
});

export const retry = group({
  max_attempts: count(3, { min: 1, max: 100 }),
  base_delay: duration("25ms", { min: "0ms" }),
  max_delay: duration("250ms", { min: "0ms" }),
  budget_percent: count(20, { min: 0, max: 100 }),
  budget_per_second: count(10, many),
  statuses: failedStatuses([502, 503]),
  per_try: duration("0ms", { min: "0ms" }),
  hedge: yesOrNo(false),
});

export const breaker = group({
  enabled: yesOrNo(false),
  window: duration("10s", { min: "1s" }),
  min_requests: count(20, atLeastOne),
  error_percent: percentage(50),
  open: duration("15s", { min: "100ms" }),
  force: oneOf(["none", "open", "closed"], "none"),
});

/** Shape: the caller's side has a limit of its own accord, the provider's none. */
export function concurrency(limit: number) {
  return group({
    limit: count(limit, many),
    adaptive: yesOrNo(false),
    min_limit: count(4, atLeastOne),
    queue: count(0, many),
    queue_wait: duration("1s"),
  });
}

export const fault = group({
  delay: duration("0ms", { min: "0ms" }),
  delay_percent: percentage(0),
  abort_status: count(503, { min: 200, max: 599 }),
  abort_percent: percentage(0),
});

export type BalanceKeys = ConfigOf<typeof balance.shape>;
export type OutlierKeys = ConfigOf<typeof outlier.shape>;
export type RetryKeys = ConfigOf<typeof retry.shape>;
export type BreakerKeys = ConfigOf<typeof breaker.shape>;
export type ConcurrencyKeys = ConfigOf<ReturnType<typeof concurrency>["shape"]>;
export type FaultKeys = ConfigOf<typeof fault.shape>;
