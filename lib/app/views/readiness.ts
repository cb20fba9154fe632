/** Whether a sidecar can serve calls, in words. */
import type { Readiness } from "../../control/api/shapes/readiness.ts";
import type { Sidecar } from "../sidecar.ts";

/** Ready to serve calls: not draining, and something to serve them with. */
export function readiness(sidecar: Sidecar): Readiness {
  const reasons: string[] = [];
  const notes: string[] = [];
  const { contact } = sidecar.discovery.cache;
  const stale = sidecar.discovery.cache.views().filter((view) => view.source === "disk");
  if (sidecar.draining) reasons.push("the sidecar drains");
  if (contact.reachable !== true) {
    const why = contact.lastError ?? "it has not answered yet";
    const line = `the registry cannot be reached: ${why}`;
    if (contact.lastAnswerAtMs === undefined && stale.length === 0) reasons.push(line);
    else notes.push(line);
  }
  if (stale.length > 0) notes.push(`${stale.length} services are known from disk only`);
  const registration = sidecar.own?.registration?.state;
  if (registration !== undefined && registration.state !== "registered") {
    notes.push(`the own instance is not registered: ${registration.state}`);
  }
  return { ready: reasons.length === 0, reasons, notes };
}
