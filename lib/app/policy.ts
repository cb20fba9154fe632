/** From the configuration to what the data threads and the discovery cache need of it. */
import type { Address } from "../core/address.ts";
import type { Config } from "../config/schema.ts";
import type { CachePolicy } from "../control/discovery/cache_options.ts";
import type { ListenerRole } from "../plane/messages.ts";
import type { DataPolicy } from "../plane/policy.ts";
import { threadShare, trafficPolicy } from "./traffic_policy.ts";

export interface DataPolicyOptions {
  readonly revision: number;
  /** The listeners as they are bound. */
  readonly ownAddresses: readonly Address[];
  /** Retry budgets are divided by so many. */
  readonly threads: number;
}

/** What each data thread gets. */
export function dataPolicy(
  config: Config,
  { revision, ownAddresses, threads }: DataPolicyOptions,
): DataPolicy {
  const { limits, timeouts } = config;
  return {
    revision,
    ...(config.service === undefined ? {} : { service: config.service }),
    localPorts: config.ports,
    via: config.via,
    ownAddresses,
    timeouts: {
      connectMs: timeouts.connectMs,
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
    ejectMs: config.eject.durationMs,
    traffic: threadShare(trafficPolicy(config), threads),
    healthPaths: config.check.flatMap((check) => check.type === "http" ? [check.path] : []),
  };
}

/** How many data threads a configuration asks for. */
export function threadsOf({ threads }: Config): number {
  return threads === "auto" ? navigator.hardwareConcurrency : threads;
}

/** What the data threads listen on: inbound only where there is a service to call. */
export function listenersOf(
  { service, outbound, inbound }: Config,
): readonly { readonly role: ListenerRole; readonly address: Address }[] {
  return [
    { role: "outbound", address: outbound },
    ...(service === undefined ? [] : [{ role: "inbound", address: inbound } as const]),
  ];
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
