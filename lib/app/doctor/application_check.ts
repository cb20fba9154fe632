/** Looks at the own application: is its port open, do its checks pass, does it keep connections long enough. */
import { formatDuration } from "../../core/duration.ts";
import type { LocalPort } from "../../core/types.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { HealthSnapshot } from "../../control/health/poller.ts";
import type { KeepAliveFound } from "../../platform/keep_alive_probe.ts";
import { fine, note, problem, skipped, warning } from "./diagnosis.ts";

export interface ApplicationFacts {
  /** Undefined for a consumer without a name. */
  readonly service: string | undefined;
  readonly ports: readonly (LocalPort & { readonly open: boolean })[];
  /** Undefined when no sidecar runs. */
  readonly health: HealthSnapshot | undefined;
}

const check = "application";

/** What its checks say where they fail. Shape: undefined while it is up or nothing is known. */
export function whyDown(health: HealthSnapshot | undefined): string | undefined {
  if (health === undefined || health.verdict === "up") return undefined;
  const failing = health.checks.filter(({ lastOk }) => lastOk === false);
  if (failing.length === 0) return undefined;
  return failing.map(({ check, reason }) => `${check}: ${reason}`).join("; ");
}

/** Shape: pure. */
export function judgeApplication(facts: ApplicationFacts): readonly Diagnosis[] {
  const { service, ports, health } = facts;
  if (service === undefined) return [skipped(check, "no service name is set: a consumer has none")];
  const closed = ports.filter(({ open }) => !open);
  const found = closed.map(({ protocol, port }) =>
    problem(
      check,
      `the application is not there: nothing listens on 127.0.0.1:${port} (${protocol}:${port} of MESHER_PORTS)`,
      `start the application, or set MESHER_PORTS to the port that it listens on`,
    )
  );
  const down = whyDown(health);
  if (found.length === 0 && health?.verdict === "down") {
    found.push(problem(
      check,
      `the application is down: ${down ?? "its checks fail"}`,
      "look at the application's log; nobody is sent here until its checks pass",
    ));
  }
  if (found.length > 0) return found;
  if (down !== undefined) {
    return [warning(check, `a check fails now and then: ${down}`, "look at the application's log")];
  }
  const names = ports.map(({ port }) => port).join(", ");
  const checked = health === undefined || health.checks.length === 0
    ? ""
    : health.verdict === "up"
    ? ", its checks pass"
    : ", its checks have not ended yet";
  return [fine(check, `it listens on ${names}${checked}`)];
}

/** Shape: pure. `kept` is undefined when nothing may be asked of the application. */
export function judgeKeepAlive(
  kept: KeepAliveFound | undefined,
  { poolIdleMs }: { readonly poolIdleMs: number },
): Diagnosis {
  const check = "keep-alive";
  if (kept === undefined) {
    return skipped(
      check,
      "without an HTTP check nothing is asked of the application by itself; " +
        "MESHER_CHECK=http:/PATH allows it",
    );
  }
  const pool = formatDuration(poolIdleMs);
  switch (kept.kind) {
    case "failed":
      return skipped(check, `the application could not be asked: ${kept.why}`);
    case "never":
      return note(
        check,
        "the application closes the connection after each answer: every call makes a new one",
        "switch keep-alive on in the application's HTTP server",
      );
    case "kept":
      return fine(
        check,
        `the application keeps idle connections at least ${
          formatDuration(kept.idleMs)
        }, the pool ${pool}`,
      );
    case "said":
    case "closed": {
      const idle = formatDuration(Math.round(kept.idleMs / 100) * 100);
      if (kept.idleMs > poolIdleMs) {
        return fine(check, `the application keeps idle connections ${idle}, the pool ${pool}`);
      }
      return warning(
        check,
        `the application closes idle connections after ${idle}, but the pool keeps them ${pool}: ` +
          "a request can meet the close",
        `set timeouts.pool_idle below ${idle}, or the application's keep-alive above ${pool}`,
      );
    }
  }
}
