/** `mesher status`: how the running sidecar is, in a table one can read. */
import { type AdminClient, readAsking, withAnswers } from "./admin_client.ts";
import { understood } from "./answers.ts";
import { exit, type Io } from "./io.ts";
import { shownFailures, statusLines, type StatusReport } from "./status_text.ts";

/** Shape: 0 when it is ready, 1 when it is not, 2 when it could not be asked. */
export async function runStatus(io: Io): Promise<number> {
  const asking = await readAsking(io, { switches: ["all"] });
  if (asking === undefined) return exit.usage;
  const { admin, parsed: { own, rest } } = asking;
  if (rest.length > 0) {
    io.stderr(`mesher: status takes only flags, not ${rest.join(" ")}\n`);
    return exit.usage;
  }
  return await withAnswers(io, async () => {
    const raw = await askStatus(admin);
    const report = await readStatus(raw);
    if (own["json"] === "true") io.stdout(`${JSON.stringify(raw, undefined, 2)}\n`);
    else io.stdout(`${statusLines(report, { all: own["all"] === "true" }).join("\n")}\n`);
    return report.readiness.ready ? exit.ok : exit.failed;
  });
}

/** Every answer as it came. Errors: AskError. */
export async function askStatus(admin: AdminClient): Promise<Record<keyof StatusReport, unknown>> {
  const [readiness, status, leases, services, failures] = await Promise.all([
    admin.get("/readyz"),
    admin.get("/status"),
    admin.get("/leases"),
    admin.get("/services"),
    admin.get(`/failures?limit=${shownFailures}`),
  ]);
  return { readiness, status, leases, services, failures };
}

/** Errors: AskError when an answer is not understood. */
export async function readStatus(
  raw: Readonly<Record<keyof StatusReport, unknown>>,
): Promise<StatusReport> {
  const { readiness } = await import("../control/api/shapes/readiness.ts");
  const state = await import("../control/api/shapes/state.ts");
  const events = await import("../control/api/shapes/events.ts");
  const { service } = await import("../control/api/shapes/services.ts");
  return {
    readiness: understood(readiness, raw.readiness),
    status: understood(state.status, raw.status),
    leases: understood(state.lease.array(), raw.leases),
    services: understood(service.array(), raw.services),
    failures: understood(events.failures, raw.failures),
  };
}
