/** One frame of `mesher top` as lines of text. */
import { formatHostPort } from "../core/address.ts";
import { span } from "../core/span.ts";
import { serviceLines, type StatusReport } from "./status_text.ts";
import { type Column, figure, latency, shown, table } from "./words.ts";

const mostServices = 15;
const mostEndpoints = 15;

const columns: readonly Column[] = [
  { title: "ENDPOINT" },
  { title: "SERVICE" },
  { title: "STATE" },
  { title: "CALLS/S", right: true },
  { title: "OPEN", right: true },
  { title: "FAILURES", right: true },
  { title: "FIRST BYTE", right: true },
];

/** Shape: pure; the busiest services and endpoints. */
export function topLines({ status, readiness, services, failures }: StatusReport): string[] {
  const endpoints = services.flatMap(({ service, endpoints }) =>
    endpoints.map((one) => ({ service, ...one }))
  ).sort((a, b) => b.perSecond - a.perSecond || b.open - a.open).slice(0, mostEndpoints);
  const rows = endpoints.map((one) => [
    formatHostPort(one.host, one.port),
    shown(one.service),
    one.state,
    figure(one.perSecond),
    String(one.open),
    `${one.failures} of ${one.attempts}`,
    latency(one.latencyMs),
  ]);
  const [last] = failures.failures;
  const verdict = readiness.ready ? "ready" : `NOT READY: ${readiness.reasons.join("; ")}`;
  return [
    `${status.service ?? "consumer"}  ${shown(verdict)}  up ${span(status.uptimeMs)}`,
    ...last === undefined
      ? []
      : [`last failure: ${last.code} ${shown(last.target)}: ${shown(last.detail)}`],
    "",
    ...serviceLines(services, mostServices, 0),
    ...rows.length === 0 ? [] : ["", ...table(columns, rows)],
  ];
}
