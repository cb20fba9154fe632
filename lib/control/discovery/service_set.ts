/** The set of instances of one service, and the pure questions asked of it. */
import type { Endpoint, Instance } from "../../core/types.ts";

/** The whole believed set of one service at one moment. Shape: instances are sorted by id. */
export interface ServiceSet {
  /** The name as the registry spells it. */
  readonly service: string;
  /** Of every status; only those that are UP or TESTING want calls. */
  readonly instances: readonly Instance[];
}

export type VersionChoice = "all" | "latest";

/** True when the instance wants calls. */
export function isUsable(instance: Instance): boolean {
  return instance.status === "UP" || instance.status === "TESTING";
}

/** The endpoint that stands for an instance when it is probed: HTTP where it has that, else the first. */
export function mainEndpoint(instance: Instance): Endpoint | undefined {
  return instance.endpoints.find((one) => one.protocol === "rest") ?? instance.endpoints[0];
}

/** `[host, port]` as one comparable text. */
export function addressOf(endpoint: Endpoint): string {
  return `${endpoint.host} ${endpoint.port}`;
}

/** Text that is equal exactly when the values are, whatever the order of their keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(
      Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  });
}

/**
 * The newer records, each of them the older object where that says the same: what was worked out for one is still good.
 *
 * Shape: in the order of `next`; `old` itself when nothing is another. Records are matched by id.
 * Cost: a comparison of the fields of every record.
 */
export function shareUnchanged(
  old: readonly Instance[],
  next: readonly Instance[],
): readonly Instance[] {
  let byId: Map<string, Instance> | undefined;
  let same = old.length === next.length;
  const shared = next.map((one, index) => {
    let known = old[index];
    if (known?.instanceId !== one.instanceId) {
      same = false;
      byId ??= new Map(old.map((each) => [each.instanceId, each]));
      known = byId.get(one.instanceId);
    }
    if (known !== undefined && sameContent(known, one)) return known;
    same = false;
    return one;
  });
  return same ? old : shared;
}

/** Whether two plain values say the same, whatever the order of their keys. Shape: an undefined value is none. */
export function sameContent(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => sameContent(item, b[index]));
  }
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  let more = 0;
  // Plain objects inherit nothing that is listed, and the engine lists the keys of equal shapes without a look-up.
  for (const key in left) {
    const value = left[key];
    if (value === undefined) continue;
    if (!Object.hasOwn(right, key) || !sameContent(value, right[key])) return false;
    more++;
  }
  for (const key in right) if (right[key] !== undefined) more--;
  return more === 0;
}

export function sortById(instances: readonly Instance[]): readonly Instance[] {
  if (isSorted(instances)) return instances;
  return [...instances].sort((a, b) =>
    a.instanceId < b.instanceId ? -1 : a.instanceId > b.instanceId ? 1 : 0
  );
}

function isSorted(instances: readonly Instance[]): boolean {
  for (let at = 1; at < instances.length; at++) {
    if (instances[at - 1]!.instanceId > instances[at]!.instanceId) return false;
  }
  return true;
}

/**
 * Orders versions by their numbers, missing parts counting as 0.
 *
 * Shape: negative when `a` is lower; anything that is not `1.2.3.4` is lower than everything that is.
 */
export function compareVersions(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  if (!left || !right) return left ? 1 : right ? -1 : 0;
  for (let i = 0; i < 4; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function parts(version: string): readonly number[] | undefined {
  return /^\d+(?:\.\d+){0,3}$/.test(version) ? version.split(".").map(Number) : undefined;
}

/**
 * The instances that are candidates for calls without a route rule.
 *
 * Shape: `latest` keeps the highest version that has a usable instance, so that a new version which is not up yet
 * takes no calls away; when none is usable, the highest of all.
 */
export function selectVersions(
  instances: readonly Instance[],
  choice: VersionChoice,
): readonly Instance[] {
  if (choice === "all") return instances;
  const usable = instances.filter(isUsable);
  const pool = usable.length > 0 ? usable : instances;
  const highest = pool.reduce<string | undefined>(
    (best, one) =>
      best === undefined || compareVersions(one.version, best) > 0 ? one.version : best,
    undefined,
  );
  if (highest === undefined) return instances;
  return instances.filter((one) => compareVersions(one.version, highest) === 0);
}
