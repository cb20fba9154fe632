/** The policy of data planes in tests, and how a test changes it. */
import type { DataPolicy } from "../../lib/plane/policy.ts";

/** A policy as a test changes it: any part of any part. */
export type PolicyChanges =
  & Partial<Omit<DataPolicy, "timeouts" | "limits" | "retry" | "revision">>
  & {
    readonly timeouts?: Partial<DataPolicy["timeouts"]>;
    readonly limits?: Partial<DataPolicy["limits"]>;
    readonly retry?: Partial<DataPolicy["retry"]>;
  };

/** Times and limits under which a test is neither slow nor cut short. */
export const defaultPolicy: DataPolicy = {
  revision: 1,
  localPorts: [],
  egress: "allow",
  via: false,
  ownAddresses: [],
  timeouts: {
    connectMs: 1000,
    responseMs: 5000,
    headMs: 5000,
    idleMs: 30_000,
    bodyIdleMs: 5000,
    poolIdleMs: 30_000,
    resolveMs: 1000,
    tunnelIdleMs: 30_000,
  },
  limits: {
    headBytes: 65536,
    headFields: 1000,
    replayBytes: 65536,
    connections: 20_000,
    hops: 8,
    parked: 1000,
  },
  retry: {
    maxAttempts: 3,
    baseDelayMs: 5,
    maxDelayMs: 20,
    budgetRatio: 0.2,
    budgetPerSecond: 1000,
  },
  ejectMs: 60_000,
};

/** A new policy with the changes in it. */
export function changed(policy: DataPolicy, changes: PolicyChanges): DataPolicy {
  return {
    ...policy,
    ...changes,
    timeouts: { ...policy.timeouts, ...changes.timeouts },
    limits: { ...policy.limits, ...changes.limits },
    retry: { ...policy.retry, ...changes.retry },
    revision: policy.revision + 1,
  };
}
