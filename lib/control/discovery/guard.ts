/** Judges whether a new set of a service is plausible, or whether the vanished endpoints have to be probed first. */
import type { Instance } from "../../core/types.ts";
import { addressOf, isUsable, mainEndpoint } from "./service_set.ts";

export interface GuardPolicy {
  /** A set that loses more than this share of its usable instances at once is not believed. */
  readonly shrinkPercent: number;
}

export type Verdict =
  | { readonly kind: "accept" }
  /** The instances to probe before they are believed gone. */
  | { readonly kind: "probe"; readonly vanished: readonly Instance[] };

/** Sets up to this size are guarded against every loss: in them one lost record is half of the service or all of it. */
const smallSet = 2;

/**
 * Compares the believed set with what the registry says now.
 *
 * Shape: pure. An instance has vanished when it was usable and neither its id nor its address is listed any more; one
 * that is listed as DOWN has not vanished. A set that is replaced by as many others is a deployment and is accepted.
 */
export function judge(
  old: readonly Instance[],
  next: readonly Instance[],
  policy: GuardPolicy,
): Verdict {
  const vanished = vanishedFrom(old, next);
  if (vanished.length === 0) return { kind: "accept" };
  const before = old.filter(isUsable).length;
  const lost = before - next.length;
  const suspicious = next.length === 0 || (before <= smallSet && lost > 0) ||
    lost * 100 > before * policy.shrinkPercent;
  return suspicious ? { kind: "probe", vanished } : { kind: "accept" };
}

/** The usable instances of `old` that `next` does not list in any way. */
export function vanishedFrom(
  old: readonly Instance[],
  next: readonly Instance[],
): readonly Instance[] {
  const ids = new Set(next.map((one) => one.instanceId));
  const addresses = new Set(next.flatMap((one) => one.endpoints.map(addressOf)));
  return old.filter((one) => {
    if (!isUsable(one) || ids.has(one.instanceId)) return false;
    const endpoint = mainEndpoint(one);
    // Without an address there is nothing to call and nothing to probe.
    return endpoint !== undefined && !addresses.has(addressOf(endpoint));
  });
}
