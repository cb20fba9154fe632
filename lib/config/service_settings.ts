/** What holds for calls to one service: what is said of it, and of all services where nothing is. */
import type { RateLimit, RouteRule } from "../core/traffic.ts";
import type { Config } from "./schema.ts";
import type { ServiceKeys } from "./service_policies.ts";
import type {
  BalanceKeys,
  BreakerKeys,
  ConcurrencyKeys,
  FaultKeys,
  OutlierKeys,
  RetryKeys,
} from "./traffic_groups.ts";

/** The keys of one service's policy, all of them. */
export interface ServiceSettings {
  readonly balance: BalanceKeys;
  readonly outlier: OutlierKeys;
  readonly retry: RetryKeys;
  readonly responseMs: number;
  readonly breaker: BreakerKeys;
  readonly concurrency: ConcurrencyKeys;
  readonly rateLimits: readonly RateLimit[];
  readonly fault: FaultKeys;
  readonly routes: readonly RouteRule[];
}

/** Shape: key by key; lists are replaced whole. Without `own` what holds for services of which nothing is said. */
export function serviceSettings(config: Config, own: ServiceKeys = {}): ServiceSettings {
  return {
    balance: { ...config.balance, ...own.balance },
    outlier: { ...config.outlier, ...own.outlier },
    retry: { ...config.retry, ...own.retry },
    responseMs: own.timeouts?.responseMs ?? config.timeouts.responseMs,
    breaker: { ...config.breaker, ...own.breaker },
    concurrency: { ...config.concurrency, ...own.concurrency },
    rateLimits: own.rateLimits ?? config.rateLimits,
    fault: { ...config.fault, ...own.fault },
    routes: own.routes ?? config.routes,
  };
}
