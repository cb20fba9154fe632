/** From the configuration to the complete policies of traffic, and to one thread's share of them. */
import type { ServicePolicy, TrafficPolicy } from "../core/traffic.ts";
import type { Config } from "../config/schema.ts";
import { type ServiceSettings, serviceSettings } from "../config/service_settings.ts";
import {
  balancePolicy,
  breakerPolicy,
  concurrencyPolicy,
  faultPolicy,
  outlierPolicy,
  retryPolicy,
} from "../config/traffic_values.ts";

/** Shape: complete values; what is not said of a service is that of the top level. */
export function trafficPolicy(config: Config): TrafficPolicy {
  const { egress, egressRules, provider, region, zone } = config;
  const injected = faultPolicy(provider.fault);
  return {
    fallback: servicePolicy(serviceSettings(config)),
    services: Object.fromEntries(
      Object.entries(config.services).map(([name, own]) => [
        name,
        servicePolicy(serviceSettings(config, own)),
      ]),
    ),
    inbound: {
      concurrency: concurrencyPolicy(provider.concurrency),
      rateLimits: provider.rateLimits,
      ...(injected === undefined ? {} : { fault: injected }),
    },
    egress: { otherwise: egress, rules: egressRules },
    ...(zone === undefined ? {} : { zone }),
    ...(region === undefined ? {} : { region }),
  };
}

function servicePolicy(settings: ServiceSettings): ServicePolicy {
  const injected = faultPolicy(settings.fault);
  return {
    balance: balancePolicy(settings.balance),
    outlier: outlierPolicy(settings.outlier),
    retry: retryPolicy(settings.retry),
    responseMs: settings.responseMs,
    breaker: breakerPolicy(settings.breaker),
    concurrency: concurrencyPolicy(settings.concurrency),
    rateLimits: settings.rateLimits,
    ...(injected === undefined ? {} : { fault: injected }),
    routes: settings.routes,
  };
}

/**
 * One thread's share of what is the process's.
 *
 * Shape: retry budgets are divided. Rates need no dividing, since all threads count in the same memory. Limits on
 * requests under way hold for each thread: connections are never spread evenly over threads, so a share would turn
 * calls away while others have room.
 */
export function threadShare(policy: TrafficPolicy, threads: number): TrafficPolicy {
  if (threads === 1) return policy;
  const share = (one: ServicePolicy): ServicePolicy => ({
    ...one,
    retry: { ...one.retry, budgetPerSecond: one.retry.budgetPerSecond / threads },
  });
  return {
    ...policy,
    fallback: share(policy.fallback),
    services: Object.fromEntries(
      Object.entries(policy.services).map(([name, one]) => [name, share(one)]),
    ),
  };
}
