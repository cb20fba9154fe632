/** The policy of data planes in tests, and how a test changes it. */
import type { RetryPolicy, ServicePolicy, TrafficPolicy } from "../../lib/core/traffic.ts";
import type { DataPolicy } from "../../lib/plane/policy.ts";

/** A policy as a test changes it: any part of any part. What is said of one service holds for every service. */
export type PolicyChanges =
  & Partial<Omit<DataPolicy, "timeouts" | "limits" | "revision" | "traffic">>
  & {
    readonly timeouts?: Partial<DataPolicy["timeouts"]> & { readonly responseMs?: number };
    readonly limits?: Partial<DataPolicy["limits"]>;
    readonly retry?: Partial<RetryPolicy>;
    readonly egress?: "allow" | "deny";
    /** Parts of the policy of every service. */
    readonly calls?: ServiceChanges;
    readonly services?: Readonly<Record<string, ServiceChanges>>;
    readonly provider?: Partial<TrafficPolicy["inbound"]>;
    readonly traffic?: Partial<Pick<TrafficPolicy, "egress" | "region" | "zone">>;
  };

/** Parts of parts of the policy of one service. */
export type ServiceChanges = {
  readonly [Key in keyof ServicePolicy]?: ServicePolicy[Key] extends readonly unknown[] | number
    ? ServicePolicy[Key]
    : Partial<ServicePolicy[Key]>;
};

const noConcurrency = { limit: 0, adaptive: false, minLimit: 1, queue: 0, queueMs: 1000 } as const;

export const defaultServicePolicy: ServicePolicy = {
  balance: {
    kind: "round_robin",
    hashOn: { kind: "source" },
    slowStartMs: 0,
    locality: "off",
    decayMs: 10_000,
    stickyIdleMs: 30_000,
    stickyFailures: 5,
  },
  outlier: {
    enabled: false,
    consecutiveFailures: 5,
    successShare: 0.8,
    minRequests: 10,
    windowMs: 10_000,
    baseEjectMs: 1000,
    maxEjectMs: 60_000,
    maxEjectedShare: 0.5,
    panicShare: 0.5,
  },
  retry: {
    maxAttempts: 3,
    baseDelayMs: 5,
    maxDelayMs: 20,
    budgetRatio: 0.2,
    budgetPerSecond: 1000,
    statuses: [],
    perTryMs: 0,
    hedge: false,
  },
  responseMs: 5000,
  breaker: {
    enabled: false,
    windowMs: 10_000,
    minRequests: 20,
    errorShare: 0.5,
    openMs: 15_000,
    force: "none",
  },
  concurrency: noConcurrency,
  rateLimits: [],
  routes: [],
};

/** Times and limits under which a test is neither slow nor cut short. */
export const defaultPolicy: DataPolicy = {
  revision: 1,
  localPorts: [],
  via: false,
  ownAddresses: [],
  timeouts: {
    connectMs: 1000,
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
  ejectMs: 60_000,
  traffic: {
    fallback: defaultServicePolicy,
    services: {},
    inbound: { concurrency: noConcurrency, rateLimits: [] },
    egress: { otherwise: "allow", rules: [] },
  },
  healthPaths: [],
};

/** A service's policy with the changes in it. */
export function changedService(policy: ServicePolicy, changes: ServiceChanges): ServicePolicy {
  const merged: Record<string, unknown> = { ...policy };
  for (const [key, value] of Object.entries(changes)) {
    const before = merged[key];
    const isPart = typeof value === "object" && !Array.isArray(value);
    merged[key] = isPart ? { ...(before as object | undefined), ...value } : value;
  }
  return merged as unknown as ServicePolicy;
}

/** A new policy with the changes in it. */
export function changed(policy: DataPolicy, changes: PolicyChanges): DataPolicy {
  const { calls, egress, limits, provider, retry, services, timeouts, traffic, ...rest } = changes;
  const { responseMs, ...times } = timeouts ?? {};
  const fallback = changedService(
    changedService(policy.traffic.fallback, {
      ...(retry === undefined ? {} : { retry }),
      ...(responseMs === undefined ? {} : { responseMs }),
    }),
    calls ?? {},
  );
  return {
    ...policy,
    ...rest,
    timeouts: { ...policy.timeouts, ...times },
    limits: { ...policy.limits, ...limits },
    traffic: {
      ...policy.traffic,
      ...(egress === undefined ? {} : { egress: { ...policy.traffic.egress, otherwise: egress } }),
      ...traffic,
      fallback,
      services: {
        ...policy.traffic.services,
        ...Object.fromEntries(
          Object.entries(services ?? {}).map(([name, each]) => [
            name,
            changedService(fallback, each),
          ]),
        ),
      },
      inbound: { ...policy.traffic.inbound, ...provider },
    },
    revision: policy.revision + 1,
  };
}
