/** What the live page is fed with, from the parts of a running sidecar. */
import type { LiveSource } from "../../control/api/live.ts";
import type {
  LiveFigures,
  LiveService,
  LiveServiceFigures,
} from "../../control/api/shapes/live.ts";
import type { WatchedEndpoint } from "../../control/telemetry/endpoint_events.ts";
import type { ShownState } from "../../control/telemetry/endpoint_state.ts";
import { bucketMs, type RecentFigures } from "../../control/telemetry/series.ts";
import { formatHostPort } from "../../core/address.ts";
import { realClock } from "../../platform/real_clock.ts";
import type { Insight } from "../insight.ts";
import type { Sidecar } from "../sidecar.ts";
import { columnsView, failures } from "./events_view.ts";
import { readiness } from "./readiness.ts";
import { rounded } from "./services_view.ts";
import { leases, steadyStatus } from "./state_view.ts";

/** Endpoints of one service that are sent; the others are counted. */
const shownEndpoints = 8;
/** Those that want attention come first. */
const order: readonly ShownState[] = [
  "unreachable",
  "ejected",
  "probation",
  "draining",
  "warming",
  "healthy",
  "unknown",
];

/** Shape: reads from the sidecar only when asked, which is after its start. */
export function liveSource(sidecar: Sidecar, insight: Insight): LiveSource {
  const { history } = insight;
  return {
    bucketMs,
    wall: () => realClock.wall(),
    state() {
      const { own } = sidecar;
      return {
        status: steadyStatus(sidecar),
        readiness: readiness(sidecar),
        application: own && steadyChecks(own),
        leases: leases(sidecar).map(({ heartbeatAgeMs: _, ...lease }) => lease),
      };
    },
    services: () =>
      sidecar.discovery.cache.views().map(({ service, source }): LiveService => {
        const endpoints = insight.endpointsOf(service);
        return {
          service,
          source,
          states: countStates(endpoints),
          unusable: sidecar.discovery.feed.clusters.get(service)?.unusable.length ?? 0,
          endpoints: firstOnes(endpoints).map(({ endpoint, state }) => ({
            address: formatHostPort(endpoint.host, endpoint.port),
            instanceId: endpoint.instanceId,
            state: state.state,
            reason: state.reason,
          })),
        };
      }),
    figures: () => ({
      all: figures(history.recent("all")),
      inbound: figures(history.recent("inbound")),
      services: new Map(
        sidecar.discovery.cache.views().map((
          { service },
        ): [string, LiveServiceFigures] => [service, {
          figures: figures(history.recent({ service })),
          endpoints: firstOnes(insight.endpointsOf(service)).map((one) => rounded(one.perSecond)),
        }]),
      ),
    }),
    columns: (scope, sinceMs) => history.series(scope)!.columns(sinceMs),
    columnsJson: (columns) => JSON.stringify(columnsView(insight, columns)),
    failures: (after) => failures(sidecar, { after }),
  };
}

/** When the checks were made last changes with every round and is left out. */
function steadyChecks(own: NonNullable<Sidecar["own"]>) {
  const { verdict, sinceMs, checks } = own.poller.snapshot();
  const steady = checks.map((one) => ({ ...one, streak: Math.min(one.streak, 3) }));
  return { verdict, sinceMs, checks: steady, advertised: own.advertised };
}

function countStates(endpoints: readonly WatchedEndpoint[]): LiveService["states"] {
  const counts: Partial<Record<ShownState, number>> = {};
  for (const { state: { state } } of endpoints) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function firstOnes(endpoints: readonly WatchedEndpoint[]): readonly WatchedEndpoint[] {
  const rank = (one: WatchedEndpoint) => order.indexOf(one.state.state);
  return endpoints.length <= shownEndpoints
    ? endpoints
    : [...endpoints].sort((a, b) => rank(a) - rank(b)).slice(0, shownEndpoints);
}

function figures(recent: RecentFigures | undefined): LiveFigures {
  if (recent === undefined) return [0, 0, 0, null, null, null];
  const { perSecond, failedPerSecond, failedShare, p50Ms, p95Ms, p99Ms } = recent;
  return [
    rounded(perSecond),
    rounded(failedPerSecond),
    rounded(failedShare),
    rounded(p50Ms) ?? null,
    rounded(p95Ms) ?? null,
    rounded(p99Ms) ?? null,
  ];
}
