/** What is called, as the admin API shows it: services, endpoints with their states, rules. */
import type { ServiceView as FollowedService } from "../../control/discovery/cache_options.ts";
import type {
  EndpointView,
  ListedEndpoint,
  RecentView,
  ServiceDetail,
  ServiceRules,
  ServiceView,
} from "../../control/api/shapes/services.ts";
import type { WatchedEndpoint } from "../../control/telemetry/endpoint_events.ts";
import type { RecentFigures } from "../../control/telemetry/series.ts";
import type { ServicePolicy } from "../../core/traffic.ts";
import type { Sidecar } from "../sidecar.ts";
import { trafficPolicy } from "../traffic_policy.ts";

export function services(sidecar: Sidecar): readonly ServiceView[] {
  return sidecar.discovery.cache.views().map((followed) => describe(sidecar, followed));
}

function describe(sidecar: Sidecar, followed: FollowedService): ServiceView {
  const { service } = followed;
  const recent = sidecar.insight.history.recent({ service });
  return {
    service,
    source: followed.source,
    ageMs: Math.round(followed.ageMs),
    instances: followed.instances.length,
    lastError: followed.lastError,
    endpoints: sidecar.insight.endpointsOf(service).map(endpointView),
    unusable: sidecar.discovery.feed.clusters.get(service)?.unusable ?? [],
    ...(recent === undefined ? {} : { recent: recentView(recent) }),
  };
}

/** Shape: undefined for a service that is not followed. */
export function service(sidecar: Sidecar, name: string): ServiceDetail | undefined {
  const followed = sidecar.discovery.cache.views().find((one) => one.service === name);
  if (followed === undefined) return undefined;
  const { watch } = sidecar.insight;
  return {
    ...describe(sidecar, followed),
    endpoints: sidecar.insight.endpointsOf(name).map((one) => ({
      ...endpointView(one),
      history: { events: one.events, minutes: watch.minutesOf(name, one.endpoint) ?? [] },
    })),
  };
}

export function endpoints(sidecar: Sidecar): readonly ListedEndpoint[] {
  return [...sidecar.discovery.feed.clusters.keys()].flatMap((service) =>
    sidecar.insight.endpointsOf(service).map((one) => ({ service, ...endpointView(one) }))
  );
}

function endpointView({ endpoint, state, perSecond }: WatchedEndpoint): EndpointView {
  return {
    ...endpoint,
    state: state.state,
    reason: state.reason,
    threads: { agreeing: state.agreeing, all: state.threads },
    ...(state.endsInMs > 0 ? { endsInMs: Math.round(state.endsInMs) } : {}),
    ...(state.latencyMs === undefined ? {} : { latencyMs: rounded(state.latencyMs) }),
    open: state.open,
    attempts: state.attempts,
    failures: state.failures,
    ejections: state.ejections,
    perSecond: rounded(perSecond),
  };
}

function recentView(figures: RecentFigures): RecentView {
  return {
    perSecond: rounded(figures.perSecond),
    failedPerSecond: rounded(figures.failedPerSecond),
    failedShare: rounded(figures.failedShare),
    p50Ms: rounded(figures.p50Ms),
    p95Ms: rounded(figures.p95Ms),
    p99Ms: rounded(figures.p99Ms),
  };
}

/** Three digits that say something, as texts of many more would not be read. */
export function rounded<Value extends number | undefined>(value: Value): Value {
  return (value === undefined ? value : Number(value.toPrecision(3))) as Value;
}

/** Shape: the services with rules of their own by name, then what holds for all others. */
export function rules(sidecar: Sidecar): readonly ServiceRules[] {
  const traffic = trafficPolicy(sidecar.config);
  const named = Object.entries(traffic.services).sort(([a], [b]) => a < b ? -1 : 1);
  return [...named, ["", traffic.fallback] as const].map(([service, policy]) =>
    serviceRules(service, policy)
  );
}

function serviceRules(service: string, { routes, ...policy }: ServicePolicy): ServiceRules {
  return { service, routes, policy };
}
