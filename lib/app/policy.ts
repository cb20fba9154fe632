/** From the configuration to what the data threads and the discovery cache need of it. */
import type { Address } from "../core/address.ts";
import type { Config } from "../config/schema.ts";
import type { CachePolicy } from "../control/discovery/cache_options.ts";
import type { DataPolicy } from "../plane/policy.ts";

/** Shape: `ownAddresses` are the listeners as they are bound. */
export function dataPolicy(
  config: Config,
  { revision, ownAddresses }: { revision: number; ownAddresses: readonly Address[] },
): DataPolicy {
  const { limits, retry, timeouts } = config;
  return {
    revision,
    ...(config.service === undefined ? {} : { service: config.service }),
    localPorts: config.ports,
    egress: config.egress,
    via: config.via,
    ownAddresses,
    timeouts: {
      connectMs: timeouts.connectMs,
      responseMs: timeouts.responseMs,
      headMs: timeouts.headMs,
      idleMs: timeouts.idleMs,
      bodyIdleMs: timeouts.bodyIdleMs,
      poolIdleMs: timeouts.poolIdleMs,
      resolveMs: timeouts.resolveMs,
      tunnelIdleMs: timeouts.tunnelIdleMs,
    },
    limits: {
      headBytes: limits.headBytes,
      headFields: limits.headFields,
      replayBytes: limits.replayBytes,
      connections: limits.connections,
      hops: limits.hops,
      parked: limits.parked,
    },
    retry: {
      maxAttempts: retry.maxAttempts,
      baseDelayMs: retry.baseDelayMs,
      maxDelayMs: retry.maxDelayMs,
      budgetRatio: retry.budgetPercent / 100,
      budgetPerSecond: retry.budgetPerSecond,
    },
    ejectMs: config.eject.durationMs,
  };
}

export function cachePolicy(
  { discovery, guard, routing }: Config,
): Omit<CachePolicy, "keepVanishedMs"> {
  return {
    pollMs: discovery.pollMs,
    pollJitter: discovery.jitterPercent / 100,
    probeTimeoutMs: guard.probeTimeoutMs,
    shrinkPercent: guard.shrinkPercent,
    negativeMs: discovery.negativeTtlMs,
    namesIntervalMs: discovery.namesTtlMs,
    evictMs: discovery.unusedAfterMs,
    defaultVersion: routing.defaultVersion,
  };
}
