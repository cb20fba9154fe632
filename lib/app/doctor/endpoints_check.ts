/** Looks at the endpoints of every service that is called: which are not used, why, and what that leaves. */
import { formatHostPort } from "../../core/address.ts";
import { span } from "../../core/span.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { EndpointView, ServiceView } from "../../control/api/shapes/services.ts";
import { counted, few, fine, note, problem, skipped, warning } from "./diagnosis.ts";

const check = "endpoints";

/** States in which an endpoint gets no ordinary calls. */
const out: ReadonlySet<EndpointView["state"]> = new Set(["ejected", "unreachable", "draining"]);

const fixes: Readonly<Record<EndpointView["reason"], string>> = {
  none: "look at the failures of the service",
  connect_refused:
    "look whether the program there runs and listens on that port; if it listens on another one, its record in the registry is wrong",
  connect_timeout: "look at the network between here and there, and whether that host is up",
  consecutive_failures:
    "look at the log of the program there: it answered call after call with an error",
  success_rate: "look at the log of the program there: it fails more often than the others",
  failed_probation: "look at the log of the program there: the one call that decides failed again",
  draining: "nothing to do: it said that it shuts down",
};

const reasons: Readonly<Record<EndpointView["reason"], string>> = {
  none: "",
  connect_refused: "connection refused",
  connect_timeout: "no connection in time",
  consecutive_failures: "failed call after call",
  success_rate: "fails more than the others",
  failed_probation: "failed when it was tried again",
  draining: "",
};

/** `127.0.0.1:8080 is unreachable: connection refused`. */
export function troubleOf({ host, port, state, reason }: EndpointView): string {
  const why = reasons[reason] === "" ? "" : `: ${reasons[reason]}`;
  return `${formatHostPort(host, port)} is ${state}${why}`;
}

/** Shape: pure; in the order of the services. */
export function judgeEndpoints(
  services: readonly ServiceView[],
  own: { readonly zone?: string | undefined } = {},
): readonly Diagnosis[] {
  if (services.length === 0) {
    return [skipped(check, "no service was called through this sidecar of late")];
  }
  const found = services.flatMap((service) => [
    ...judgeService(service),
    ...judgeRecords(service),
    ...judgePlaces(service, own),
  ]);
  if (found.length > 0) return found;
  const endpoints = services.reduce((sum, one) => sum + one.endpoints.length, 0);
  return [fine(
    check,
    `${counted(endpoints, "endpoint")} of ${
      few(services.map(({ service }) => service))
    }, all in use`,
  )];
}

function judgeService({ service, endpoints, unusable }: ServiceView): readonly Diagnosis[] {
  if (endpoints.length === 0) {
    const records = unusable.length === 0
      ? "the registry lists no instance"
      : `none of its instances can be called: ${few(unusable)}`;
    return [problem(
      check,
      `${service} has no endpoint: ${records}`,
      unusable.length === 0
        ? "start an instance of it, or look whether it can register"
        : "look at these instances: they have to be UP and to have a rest endpoint",
    )];
  }
  const lost = endpoints.filter(({ state }) => out.has(state));
  if (lost.length === 0) return [];
  const all = lost.length === endpoints.length;
  const left = all
    ? "has no endpoint that answers"
    : `does without ${lost.length} of ${endpoints.length} endpoints`;
  const says = `${service} ${left}: ${few(lost.map(troubleOf))}`;
  const fix = fixes[lost[0]!.reason];
  if (lost.every(({ reason, state }) => state === "draining" || reason === "draining")) {
    return [note(check, says, fix)];
  }
  return [all ? problem(check, says, fix) : warning(check, says, fix)];
}

/** Records that cannot be called beside others that can. */
function judgeRecords({ service, endpoints, unusable }: ServiceView): readonly Diagnosis[] {
  if (unusable.length === 0 || endpoints.length === 0) return [];
  return [note(check, `${service} has instances that are not called: ${few(unusable)}`)];
}

function judgePlaces(
  { service, endpoints }: ServiceView,
  { zone }: { readonly zone?: string | undefined },
): readonly Diagnosis[] {
  const zones = new Set(endpoints.map((one) => one.zone ?? ""));
  if (endpoints.length < 2 || zones.size > 1 || zones.has("")) return [];
  const [only] = zones;
  const far = zone !== undefined && zone !== only ? `, and this sidecar in ${zone}` : "";
  return [note(
    check,
    `all ${endpoints.length} endpoints of ${service} are in the zone ${only}${far}`,
    "if the zone fails, the service is gone: run instances in another one too",
  )];
}

/** Whether what is known of services is of today. Shape: pure; one entry. */
export function judgeAge(
  services: readonly ServiceView[],
  { pollMs }: { readonly pollMs: number },
): Diagnosis {
  const check = "freshness";
  if (services.length === 0) return skipped(check, "no service is followed");
  const old = services.filter(({ ageMs, source }) => source === "disk" || ageMs > 3 * pollMs);
  if (old.length === 0) {
    return fine(
      check,
      `what is known of ${counted(services.length, "service")} was confirmed of late`,
    );
  }
  const named = old.map(({ service, ageMs, source }) =>
    `${service} (${span(ageMs)}${source === "disk" ? ", from disk" : ""})`
  );
  return warning(
    check,
    `the registry has not confirmed for long: ${few(named)}`,
    "calls go to what is known; instances that came since are not found. Look at the registry",
  );
}
