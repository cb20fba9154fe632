/** Looks at what calls ended in lately: circles, dead pooled connections, failures that nothing else explains. */
import { type FailureCode, failureTable } from "../../core/errors.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { FailureView } from "../../control/api/shapes/events.ts";
import { fine, note, problem, warning } from "./diagnosis.ts";

export interface TrafficFacts {
  /** Of the last minutes, newest first. */
  readonly failures: readonly FailureView[];
  /** Addresses that another look tells of. */
  readonly inTrouble: ReadonlySet<string>;
  /** Calls to services and to the application since the start. */
  readonly attempts: number;
  /** Of them, those repeated at once because a pooled connection had died. */
  readonly resends: number;
  /** Requests that the own application has made since the start. */
  readonly outboundRequests: number;
  readonly uptimeMs: number;
}

/** Other looks tell of these, with more to say. */
const toldElsewhere: ReadonlySet<FailureCode> = new Set([
  "service_unknown",
  "no_endpoint",
  "registry_unavailable",
  "loop_detected",
  "client_gone",
]);

/** A share of calls that meet a dead connection by bad luck is smaller. */
const deadShare = 0.01;
const fewResends = 20;
/** An application that calls others has done so by then. Units: milliseconds. */
const quietMs = 5 * 60_000;

/** Shape: pure. */
export function judgeTraffic(facts: TrafficFacts): readonly Diagnosis[] {
  return [judgeLoops(facts), judgePool(facts), ...judgeFailures(facts), ...judgeUse(facts)];
}

function judgeLoops({ failures }: TrafficFacts): Diagnosis {
  const check = "loops";
  const last = failures.find(({ code }) => code === "loop_detected");
  if (last === undefined) return fine(check, "no call went round in circles");
  return problem(
    check,
    `a call to ${last.target} would have gone round in circles: ${last.detail}`,
    "look whether the application's http_proxy is the outbound listener, whether a service calls itself, " +
      "and whether a record in the registry names one of this sidecar's own listeners",
  );
}

function judgePool({ attempts, resends }: TrafficFacts): Diagnosis {
  const check = "pooled connections";
  if (resends < fewResends || resends < attempts * deadShare) {
    return fine(check, `${resends} of ${attempts} calls met one that had just been closed`);
  }
  return warning(
    check,
    `${resends} of ${attempts} calls met a pooled connection that the other side had just closed`,
    "set timeouts.pool_idle below the keep-alive time of the programs that are called",
  );
}

function judgeFailures({ failures, inTrouble }: TrafficFacts): readonly Diagnosis[] {
  const check = "failures";
  const counts = new Map<FailureCode, number>();
  for (const { code, endpoint } of failures) {
    if (toldElsewhere.has(code) || inTrouble.has(endpoint)) continue;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  if (counts.size === 0) return [fine(check, "none that needs an explanation")];
  return [...counts].sort(([, a], [, b]) => b - a).map(([code, count]) => {
    const last = failures.find((one) => one.code === code)!;
    const { fault, check: fix } = failureTable[code];
    const says =
      `${count} lately with ${code}, the newest ${last.method} ${last.target}: ${last.detail}`;
    return fault === "downstream" ? note(check, says, fix) : warning(check, says, fix);
  });
}

function judgeUse({ outboundRequests, uptimeMs }: TrafficFacts): readonly Diagnosis[] {
  if (outboundRequests > 0 || uptimeMs < quietMs) return [];
  return [note(
    "use",
    "no call has come in from the application since the start",
    "if it calls other services, look at its http_proxy",
  )];
}
