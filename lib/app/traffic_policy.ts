/** From the configuration to the complete policies of traffic, and to one thread's share of them. */
import type {
  ConcurrencyPolicy,
  InboundPolicy,
  ServicePolicy,
  TrafficPolicy,
} from "../core/traffic.ts";
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
 * One thread's share of the limits of the process; rates need none, since all threads count in the same memory.
 *
 * Shape: shares of one limit add up to it or, where it does not divide, to a little more; never to nothing.
 */
export function threadShare(policy: TrafficPolicy, threads: number): TrafficPolicy {
  if (threads === 1) return policy;
  const inbound: InboundPolicy = {
    ...policy.inbound,
    concurrency: concurrencyShare(policy.inbound.concurrency, threads),
  };
  return {
    ...policy,
    fallback: serviceShare(policy.fallback, threads),
    services: Object.fromEntries(
      Object.entries(policy.services).map(([name, one]) => [name, serviceShare(one, threads)]),
    ),
    inbound,
  };
}

function serviceShare(policy: ServicePolicy, threads: number): ServicePolicy {
  const { concurrency, retry } = policy;
  return {
    ...policy,
    retry: { ...retry, budgetPerSecond: retry.budgetPerSecond / threads },
    concurrency: concurrencyShare(concurrency, threads),
  };
}

function concurrencyShare(policy: ConcurrencyPolicy, threads: number): ConcurrencyPolicy {
  const { limit, minLimit, queue } = policy;
  return {
    ...policy,
    limit: Math.ceil(limit / threads),
    minLimit: Math.ceil(minLimit / threads),
    queue: Math.ceil(queue / threads),
  };
}
