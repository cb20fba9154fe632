/** Looks at what the sidecar has of this host: descriptors, the state folder, its own threads and configuration. */
import { span } from "../../core/span.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { SnapshotsView } from "../../control/api/shapes/state.ts";
import { fine, note, problem, skipped, warning } from "./diagnosis.ts";

export interface DescriptorFacts {
  /** Undefined where the platform does not tell. */
  readonly open: number | undefined;
  readonly most: number | undefined;
  /** Clients that may be connected at a time, by the configuration. */
  readonly connections: number;
  /** Whether somebody has set that number. */
  readonly chosen: boolean;
}

/** Of files, libraries, listeners, the registry and the log. */
const ownDescriptors = 64;

/** Shape: pure; one entry. */
export function judgeDescriptors(facts: DescriptorFacts): Diagnosis {
  const check = "file descriptors";
  const { open, most, connections, chosen } = facts;
  const fix = "raise the limit (LimitNOFILE= of the unit, ulimit -n) or lower limits.connections";
  if (most === undefined) return skipped(check, "this platform does not say how many there may be");
  if (open !== undefined && open > most * 0.8) {
    return problem(check, `${open} of ${most} file descriptors are in use`, fix);
  }
  // A client's call needs one for the client and one for the endpoint.
  const room = Math.max(0, Math.floor((most - ownDescriptors) / 2));
  // Nobody has chosen the default, so it need not be met to the last client.
  if (room < (chosen ? connections : connections * 0.9)) {
    const says = `${most} file descriptors are enough for about ${room} clients at a time, ` +
      `but limits.connections is ${connections}`;
    return chosen ? warning(check, says, fix) : note(check, says, fix);
  }
  const used = open === undefined ? "" : `${open} of `;
  return fine(check, `${used}${most}, enough for ${connections} clients`);
}

export interface StateFacts {
  /** Undefined: nothing is kept. */
  readonly folder: string | undefined;
  /** Why nothing can be written there. */
  readonly unwritable: string | undefined;
  /** Undefined when no sidecar runs. */
  readonly disk: SnapshotsView["disk"];
  /** Units: milliseconds since 1970. */
  readonly now: number;
  /** Whether there is anything to keep. */
  readonly services: number;
  readonly uptimeMs: number;
}

/** It is written ten minutes after the last time even without a change. Units: milliseconds. */
const snapshotOldMs = 30 * 60_000;
/** A new set is written within seconds. Units: milliseconds. */
const snapshotLateMs = 60_000;

/** Shape: pure; one entry. */
export function judgeState(facts: StateFacts): Diagnosis {
  const check = "state folder";
  const { folder, unwritable, disk, now, services, uptimeMs } = facts;
  const without = "a restart while the registry is down then knows nothing";
  const fix = "set MESHER_STATE_DIR to a folder that the sidecar may write to";
  if (folder === undefined) return note(check, `no folder is set: ${without}`, fix);
  if (unwritable !== undefined) {
    return warning(check, `${folder} cannot be written to (${unwritable}): ${without}`, fix);
  }
  if (disk === undefined || services === 0) return fine(check, `${folder} can be written to`);
  const ageMs = disk.savedAt === undefined ? uptimeMs : now - disk.savedAt;
  if (ageMs > (disk.savedAt === undefined ? snapshotLateMs : snapshotOldMs)) {
    const when = disk.savedAt === undefined
      ? "has not been written since the start"
      : `is ${span(ageMs)} old`;
    return warning(check, `the snapshot ${disk.path} ${when}: ${without}`, "look at the log");
  }
  return fine(
    check,
    disk.savedAt === undefined
      ? `${folder} can be written to`
      : `the snapshot was written ${span(ageMs)} ago`,
  );
}

export interface RunFacts {
  readonly refusedReloads: { readonly count: number; readonly last: string };
  readonly threadsReplaced: number;
  /** Of the policy that was sent last, and what each data thread has. */
  readonly revision: number;
  readonly acknowledged: readonly number[];
  readonly draining: boolean;
}

/** The sidecar itself. Shape: pure. */
export function judgeRun(facts: RunFacts): readonly Diagnosis[] {
  const { refusedReloads, threadsReplaced, revision, acknowledged, draining } = facts;
  const found: Diagnosis[] = [];
  if (refusedReloads.count > 0) {
    found.push(warning(
      "configuration",
      `a change was refused and the old configuration is in force: ${refusedReloads.last}`,
      "correct it and reload (mesher check shows what is wrong)",
    ));
  } else found.push(fine("configuration", "the last change was taken"));
  if (threadsReplaced > 0) {
    found.push(warning(
      "data threads",
      `${threadsReplaced} data threads died and were replaced; calls under way were cut`,
      "look at the log for the reason: this is a bug worth reporting",
    ));
  } else if (acknowledged.some((one) => one < revision)) {
    found.push(warning(
      "data threads",
      `a data thread has not taken over policy ${revision} yet`,
      "ask again in a moment; if it stays, look at the log",
    ));
  } else found.push(fine("data threads", `all have policy ${revision}`));
  if (draining) {
    found.push(note("drain", "the sidecar drains: the application is out of the mesh"));
  }
  return found;
}
