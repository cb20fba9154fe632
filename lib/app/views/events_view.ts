/** What has happened, as the admin API shows it: history and failures. */
import type { ColumnsView, FailuresView } from "../../control/api/shapes/events.ts";
import type { HistoryAnswer, HistoryQuery } from "../../control/api/view.ts";
import type { FailureQuery } from "../../control/telemetry/failures.ts";
import { bucketMs, type SeriesColumns } from "../../control/telemetry/series.ts";
import type { Insight } from "../insight.ts";
import type { Sidecar } from "../sidecar.ts";
import { rounded } from "./services_view.ts";

const noColumns: SeriesColumns = {
  endMs: [],
  requests: [],
  failed: [],
  retries: [],
  p50Ms: [],
  p95Ms: [],
  p99Ms: [],
};

export function history(sidecar: Sidecar, { scope, sinceAt }: HistoryQuery): HistoryAnswer {
  const { history } = sidecar.insight;
  const own = history.series(scope);
  // Whoever is not kept alone but is called is among the rest.
  const aggregated = own === undefined && typeof scope === "object" && isCalled(sidecar, scope);
  const series = aggregated ? history.series("rest") : own;
  const sinceMs = sinceAt === undefined ? -Infinity : sinceAt - sidecar.insight.wallOf(0);
  return {
    bucketMs,
    aggregated,
    columns: columnsView(sidecar.insight, series?.columns(sinceMs) ?? noColumns),
  };
}

function isCalled(sidecar: Sidecar, { service }: { readonly service: string }): boolean {
  return sidecar.insight.history.series("rest") !== undefined &&
    sidecar.discovery.feed.clusters.has(service);
}

/** With times of the wall, and null for what is not known. */
export function columnsView(insight: Insight, columns: SeriesColumns): ColumnsView {
  const known = (values: readonly number[]) =>
    values.map((value) => Number.isNaN(value) ? null : rounded(value));
  return {
    at: columns.endMs.map((endMs) => insight.wallOf(endMs)),
    requests: known(columns.requests),
    failed: known(columns.failed),
    retries: known(columns.retries),
    p50Ms: known(columns.p50Ms),
    p95Ms: known(columns.p95Ms),
    p99Ms: known(columns.p99Ms),
  };
}

export function failures(sidecar: Sidecar, query: FailureQuery): FailuresView {
  const ring = sidecar.insight.failures;
  return { newest: ring.sequence, dropped: ring.dropped, failures: ring.latest(query) };
}
