/** The text form of the discovery snapshot: versioned, with a checksum over its content. */
import type { Instance } from "../../core/types.ts";
import { canonicalJson } from "./service_set.ts";

export interface SnapshotScope {
  /** Kind and address of the registry. */
  readonly registry: string;
  readonly app: string;
  readonly environment: string;
}

export interface StoredSet {
  readonly service: string;
  readonly instances: readonly Instance[];
  /** When the registry last confirmed the set. Units: milliseconds since 1970. */
  readonly confirmedAt: number;
}

export interface Snapshot {
  readonly scope: SnapshotScope;
  readonly savedAt: number;
  readonly sets: readonly StoredSet[];
}

export type Decoded =
  | {
    readonly kind: "snapshot";
    readonly scope: SnapshotScope;
    readonly sets: readonly StoredSet[];
  }
  | { readonly kind: "damaged"; readonly why: string };

const format = "mesher discovery snapshot";
const version = 1;

export async function encodeSnapshot(snapshot: Snapshot): Promise<string> {
  const checksum = await sha256(canonicalJson(snapshot));
  return JSON.stringify({ format, version, checksum, snapshot }, null, 1) + "\n";
}

/** Shape: never throws; a wrong checksum, type or version is `damaged` with the reason. */
export async function decodeSnapshot(text: string): Promise<Decoded> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return damaged(text === "" ? "it is empty" : "it is no JSON");
  }
  if (!isRecord(file) || file.format !== format) return damaged("it is no discovery snapshot");
  if (file.version !== version) {
    return damaged(`its version is ${JSON.stringify(file.version)}, this program reads ${version}`);
  }
  const { snapshot, checksum } = file;
  if (checksum !== await sha256(canonicalJson(snapshot ?? null))) {
    return damaged("its checksum is wrong");
  }
  // The checksum proves that a program of this version wrote it; the shape is checked against that program's bugs.
  if (!isSnapshot(snapshot)) return damaged("its content has the wrong shape");
  return { kind: "snapshot", scope: snapshot.scope, sets: snapshot.sets };
}

function damaged(why: string): Decoded {
  return { kind: "damaged", why };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSnapshot(value: unknown): value is Snapshot {
  return isRecord(value) && isRecord(value.scope) && Array.isArray(value.sets) &&
    value.sets.every((set) =>
      isRecord(set) && typeof set.service === "string" && Number.isFinite(set.confirmedAt) &&
      Array.isArray(set.instances) && set.instances.every(isInstance)
    );
}

function isInstance(value: unknown): value is Instance {
  return isRecord(value) && typeof value.instanceId === "string" &&
    typeof value.version === "string" && typeof value.status === "string" &&
    isRecord(value.properties) && Array.isArray(value.endpoints) &&
    value.endpoints.every((one) =>
      isRecord(one) && typeof one.host === "string" && typeof one.port === "number" &&
      typeof one.protocol === "string"
    );
}
