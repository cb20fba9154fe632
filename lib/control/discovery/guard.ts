/** Judges whether instances that a registry lists no longer are believed gone, or have to be probed first. */
import type { Instance } from "../../core/types.ts";
import { addressOf, isUsable, mainEndpoint } from "./service_set.ts";

export interface GuardPolicy {
  /** A set that loses this share of its usable instances at once, two at least, is not believed. */
  readonly shrinkPercent: number;
}

/** What the registry says now beside what it said before. */
export interface Departure {
  readonly old: readonly Instance[];
  readonly next: readonly Instance[];
  /** The registry says that there is no such service, and not that it has no instances. */
  readonly unknown?: boolean;
  /** The most usable instances that were listed within the last `atOnceMs`; those of `old` when left out. */
  readonly recently?: number;
  /** Why the registry's lists are doubted just now. */
  readonly doubt?: string | undefined;
}

export type Verdict =
  | { readonly kind: "accept" }
  /** The instances to probe before they are believed gone, and the reason in words. */
  | { readonly kind: "probe"; readonly vanished: readonly Instance[]; readonly why: string };

/**
 * What leaves within this time leaves together.
 *
 * Units: milliseconds. Leases that were lost at one moment end within one default heartbeat interval of each other.
 */
const atOnceMs = 30_000;

/** So few may leave at once without a doubt, however small the set is. */
const fewAtOnce = 1;

/**
 * Judges one answer.
 *
 * Shape: pure. An instance has vanished when it was usable and neither its id nor its address is listed any more; one
 * that is listed as DOWN has not vanished. A registry that is well is believed when a single instance leaves, however
 * few there are, and when a set is replaced by as many others. It is not believed when nothing is left, when it has
 * forgotten the service or may have forgotten others, or when many leave at once.
 */
export function judge(departure: Departure, policy: GuardPolicy): Verdict {
  const vanished = vanishedFrom(departure.old, departure.next);
  if (vanished.length === 0) return { kind: "accept" };
  const why = whyToProbe(departure, policy);
  return why === undefined ? { kind: "accept" } : { kind: "probe", vanished, why };
}

function whyToProbe(
  { old, next, unknown, recently, doubt }: Departure,
  { shrinkPercent }: GuardPolicy,
): string | undefined {
  if (unknown === true) return "the registry no longer knows the service";
  if (next.length === 0) return "nothing would be left";
  if (doubt !== undefined) return doubt;
  const before = Math.max(recently ?? 0, old.filter(isUsable).length);
  const lost = before - next.length;
  if (lost <= fewAtOnce || lost * 100 < before * shrinkPercent) return undefined;
  return `${lost} of ${before} left at once`;
}

/** The usable instances of `old` that `next` does not list in any way. */
export function vanishedFrom(
  old: readonly Instance[],
  next: readonly Instance[],
): readonly Instance[] {
  // Most records of two answers are the same ones; only the others are looked for.
  const same = new Set(next);
  const missing = old.filter((one) => !same.has(one) && isUsable(one));
  if (missing.length === 0) return [];
  const ids = new Set(missing.map((one) => one.instanceId));
  const hosts = new Set(missing.map((one) => mainEndpoint(one)?.host));
  const listedIds = new Set<string>();
  const listedAddresses = new Set<string>();
  for (const { endpoints, instanceId } of next) {
    if (ids.has(instanceId)) listedIds.add(instanceId);
    for (const each of endpoints) if (hosts.has(each.host)) listedAddresses.add(addressOf(each));
  }
  return missing.filter((one) => {
    if (listedIds.has(one.instanceId)) return false;
    const endpoint = mainEndpoint(one);
    // Without an address there is nothing to call and nothing to probe.
    return endpoint !== undefined && !listedAddresses.has(addressOf(endpoint));
  });
}

/** How many usable instances there were lately. */
export class RecentCount {
  /** Counts that no longer hold, oldest first, with the time until which they did. */
  #past: readonly { readonly count: number; readonly untilMs: number }[] = [];
  #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  changed(count: number, nowMs: number): void {
    if (count === this.#count) return;
    this.#past = [...this.#recent(nowMs), { count: this.#count, untilMs: nowMs }];
    this.#count = count;
  }

  /** The largest within the last `atOnceMs`. */
  largest(nowMs: number): number {
    return Math.max(this.#count, ...this.#recent(nowMs).map((one) => one.count));
  }

  #recent(nowMs: number) {
    return this.#past.filter((one) => nowMs - one.untilMs < atOnceMs);
  }
}
