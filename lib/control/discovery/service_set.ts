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

export function sortById(instances: readonly Instance[]): readonly Instance[] {
  return [...instances].sort((a, b) =>
    a.instanceId < b.instanceId ? -1 : a.instanceId > b.instanceId ? 1 : 0
  );
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
