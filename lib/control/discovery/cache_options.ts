/** What the discovery cache is given and what it shows of itself. */
import type { Clock, Logger, Probe, Random } from "../../core/ports.ts";
import type { Instance } from "../../core/types.ts";
import type { RegistryBackend } from "../registry/registry.ts";
import type { FollowPolicy } from "./follower.ts";
import type { ServiceSet, VersionChoice } from "./service_set.ts";

/** Units: milliseconds. */
export interface CachePolicy extends FollowPolicy {
  /** How long "no such service" is believed. */
  readonly negativeMs: number;
  readonly namesIntervalMs: number;
  /** A service that nobody called for so long is no longer followed. */
  readonly evictMs: number;
  readonly defaultVersion: VersionChoice;
}

export const defaultCachePolicy: CachePolicy = {
  pollMs: 10_000,
  pollJitter: 0.2,
  probeTimeoutMs: 1_000,
  keepVanishedMs: 120_000,
  shrinkPercent: 50,
  negativeMs: 2_000,
  namesIntervalMs: 30_000,
  evictMs: 1_800_000,
  defaultVersion: "all",
};

export interface CacheOptions {
  readonly backend: RegistryBackend;
  /** The own application and environment: services are looked for in them. */
  readonly app: string;
  readonly environment: string;
  /** Other applications whose services can be called as `service.application`. */
  readonly otherApps?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly probe: Probe;
  readonly policy?: Partial<CachePolicy>;
  /** A whole set, for the first time or because its content changed; before the look-up that asked is answered. */
  readonly onSet: (set: ServiceSet) => void;
  /** The service is no longer followed. */
  readonly onGone: (service: string) => void;
}

/** One followed service, for status pages and the disk. */
export interface ServiceView {
  readonly service: string;
  readonly instances: readonly Instance[];
  readonly keptIds: readonly string[];
  /** Since the registry last confirmed the set. */
  readonly ageMs: number;
  readonly source: "registry" | "disk";
  readonly lastError?: string;
}

/** A set that was known earlier. `ageMs` is how long ago the registry confirmed it. */
export interface EarlierSet extends ServiceSet {
  readonly ageMs: number;
}
