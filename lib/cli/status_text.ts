/** `mesher status` as lines of text. */
import { span } from "../core/span.ts";
import type { FailuresView, FailureView } from "../control/api/shapes/events.ts";
import type { EndpointView, ServiceView } from "../control/api/shapes/services.ts";
import type { Readiness } from "../control/api/shapes/readiness.ts";
import type { LeaseView, StatusView } from "../control/api/shapes/state.ts";
import { troubleOf } from "../app/doctor/endpoints_check.ts";
import { counted } from "../app/doctor/diagnosis.ts";
import { type Column, figure, latency, percent, reason, shown, table, timeOfDay } from "./words.ts";

/** Everything that the command asks for. */
export interface StatusReport {
  readonly readiness: Readiness;
  readonly status: StatusView;
  readonly leases: readonly LeaseView[];
  readonly services: readonly ServiceView[];
  readonly failures: FailuresView;
}

/** More rows than this push the head off a screen. */
const mostServices = 40;
const mostEndpoints = 5;
export const shownFailures = 3;

/** Shape: pure; without the text's line ends. `all`: every service and endpoint. */
export function statusLines(
  report: StatusReport,
  { all = false }: { readonly all?: boolean } = {},
): readonly string[] {
  return [
    ...headLines(report),
    "",
    ...selfLines(report),
    "",
    ...serviceLines(
      // While the registry is silent, that is the error of every service and said above.
      report.status.registry.reachable === false
        ? report.services.map(({ lastError: _, ...one }) => one)
        : report.services,
      all ? Infinity : mostServices,
      all ? Infinity : mostEndpoints,
    ),
    ...failureLines(report.failures),
  ];
}

/** The line of the registry says it with more. */
const toldBelow = "the registry cannot be reached";

function headLines({ status, readiness }: StatusReport): readonly string[] {
  const where = status.environment === "" ? status.app : `${status.app}, ${status.environment}`;
  const name = status.service === undefined
    ? `a consumer without a name (${where})`
    : `${status.service} ${status.serviceVersion} (${where})`;
  const listeners = (["outbound", "inbound", "admin"] as const)
    .flatMap((role) => status[role] === undefined ? [] : [`${role} ${status[role]}`]);
  const verdict = readiness.ready
    ? "ready"
    : `NOT READY: ${readiness.reasons.map((one) => shown(reason(one))).join("; ")}`;
  return [
    `${name}: ${verdict}`,
    ...readiness.notes.filter((note) => !note.startsWith(toldBelow))
      .map((note) => `note: ${shown(reason(note))}`),
    `mesher ${status.version}, up ${span(status.uptimeMs)}, ${status.net} sockets, ` +
    counted(status.threads, "thread") +
    (status.threadsReplaced > 0 ? `, ${status.threadsReplaced} replaced` : ""),
    listeners.join(", "),
    ...status.refusedReloads.count > 0
      ? [`refused configuration: ${shown(status.refusedReloads.last)}`]
      : [],
  ];
}

function selfLines({ status, leases }: StatusReport): readonly string[] {
  const rows: [string, string][] = [["registry", registryWords(status)]];
  if (status.service !== undefined) {
    rows.push(["registered", leases.map(leaseWords).join("; ") || "this registry takes none"]);
    rows.push(["application", applicationWords(status)]);
  }
  return rows.map(([name, words]) => `${name.padEnd(11)}  ${shown(words)}`);
}

function registryWords({ registry }: StatusView): string {
  const { kind, address, servedHere, reachable, lastAnswerAgoMs, lastError, watch } = registry;
  const last = lastAnswerAgoMs === undefined ? "" : `, last answer ${span(lastAnswerAgoMs)} ago`;
  const state = reachable === undefined
    ? "has not answered yet"
    : reachable
    ? `answers${last}`
    : `DOES NOT ANSWER${last}: ${silence(lastError)}`;
  const watched = watch === undefined || reachable === false
    ? ""
    : watch.connected
    ? ", watched"
    : `, not watched${watch.why === undefined ? "" : `: ${watch.why}`}`;
  return `${kind} ${address}${servedHere ? " (served here)" : ""} ${state}${watched}`;
}

/** Its address stands before it already. */
function silence(lastError = "no reason known"): string {
  return reason(lastError).replace(/^\S+ did not answer: /, "");
}

function leaseWords(lease: LeaseView): string {
  const { state, status, advertised, heartbeatAgeMs, lastError } = lease;
  const error = lastError === undefined ? "" : `; last error: ${reason(lastError)}`;
  if (state !== "registered") {
    const why = state === "waiting" ? "no: the application has not passed its checks yet" : state;
    return `${why}${error}`;
  }
  const beat = heartbeatAgeMs === undefined ? "" : `, confirmed ${span(heartbeatAgeMs)} ago`;
  return `${status ?? "UP"} at ${advertised}${beat}${error}`;
}

function applicationWords({ application }: StatusView): string {
  if (application === undefined) return "-";
  const { verdict, checks } = application;
  const names = checks.map(({ check }) => check).join(", ") || "not checked";
  if (verdict === "up") return `up (${names})`;
  const failing = checks.filter(({ lastOk }) => lastOk === false)
    .map(({ check, reason }) => `${check}: ${reason}`);
  const why = failing.length > 0 ? failing.join("; ") : names;
  return verdict === "down" ? `DOWN: ${why}` : `not up yet: ${why}`;
}

const columns: readonly Column[] = [
  { title: "SERVICE" },
  { title: "ENDPOINTS" },
  { title: "REQ/S", right: true },
  { title: "FAILED", right: true },
  { title: "P50", right: true },
  { title: "P99", right: true },
  { title: "CONFIRMED", right: true },
];

const outOfUse: ReadonlySet<EndpointView["state"]> = new Set([
  "ejected",
  "unreachable",
  "draining",
  "probation",
]);

/** The table of services, those in trouble first. Shape: pure; under a service its endpoints that are not used. */
export function serviceLines(
  services: readonly ServiceView[],
  most: number,
  mostOut = mostEndpoints,
): readonly string[] {
  if (services.length === 0) return ["no service has been called yet"];
  const sorted = [...services].sort((a, b) =>
    Number(inTrouble(b)) - Number(inTrouble(a)) ||
    (b.recent?.perSecond ?? 0) - (a.recent?.perSecond ?? 0) ||
    (a.service < b.service ? -1 : 1)
  );
  const rows = sorted.slice(0, most);
  const [head, ...lines] = table(columns, rows.map(serviceRow));
  const body = lines.flatMap((line, index) => [line, ...outLines(rows[index]!, mostOut)]);
  const rest = sorted.length - rows.length;
  return [head!, ...body, ...rest > 0 ? [`and ${rest} more; --all shows them`] : []];
}

function inTrouble({ endpoints, source }: ServiceView): boolean {
  return endpoints.length === 0 || source === "disk" ||
    endpoints.some(({ state }) => outOfUse.has(state));
}

function serviceRow(
  { service, endpoints, source, ageMs, recent }: ServiceView,
): readonly string[] {
  return [
    shown(service),
    statesOf(endpoints),
    recent === undefined ? "-" : figure(recent.perSecond),
    recent === undefined ? "-" : percent(recent.failedShare),
    latency(recent?.p50Ms),
    latency(recent?.p99Ms),
    `${span(ageMs)} ago${source === "disk" ? " (disk)" : ""}`,
  ];
}

/** `2 healthy, 1 ejected`. */
function statesOf(endpoints: readonly EndpointView[]): string {
  const counts = new Map<EndpointView["state"], number>();
  for (const { state } of endpoints) counts.set(state, (counts.get(state) ?? 0) + 1);
  // What is in use stands first.
  const sorted = [...counts].sort(([a], [b]) => Number(outOfUse.has(a)) - Number(outOfUse.has(b)));
  return sorted.map(([state, count]) => `${count} ${state}`).join(", ") || "NONE";
}

function outLines({ endpoints, unusable, lastError }: ServiceView, most: number): string[] {
  const out = endpoints.filter(({ state }) => outOfUse.has(state));
  const lines = [
    ...out.map((one) => {
      const ends = one.endsInMs === undefined ? "" : `, for another ${span(one.endsInMs)}`;
      return `${troubleOf(one)}${ends}`;
    }),
    ...unusable.map((words) => `not called: ${words}`),
  ];
  if (most === 0) return [];
  const rest = lines.length - most;
  return [
    ...lines.slice(0, most),
    ...rest > 0 ? [`and ${rest} more`] : [],
    ...lastError === undefined ? [] : [`last error: ${reason(lastError)}`],
  ].map((line) => `  ${shown(line)}`);
}

function failureLines({ failures }: FailuresView): readonly string[] {
  if (failures.length === 0) return ["", "no failure so far"];
  return ["", "latest failures", ...failures.slice(0, shownFailures).flatMap(failureWords)];
}

/** One failure in three lines. */
function failureWords(failure: FailureView): readonly string[] {
  const { at, role, status, code, method, target, detail, check } = failure;
  const from = role === "inbound" ? " (inbound)" : "";
  return [
    `  ${timeOfDay(at)}  ${status} ${code}${from}  ${shown(method)} ${shown(target)}`,
    `            ${shown(detail)}`,
    `            ${check}`,
  ];
}
