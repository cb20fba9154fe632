/** The part of a service's endpoints that a target asks for, in words. */
import type { SubsetTags } from "../../core/traffic.ts";

/** Shape: `version=1.0, zone=a`, sorted, so that equal subsets read equal; `all` without tags. */
export function describeSubset(tags: SubsetTags | undefined): string {
  const entries = Object.entries(tags ?? {});
  if (entries.length === 0) return "all";
  return entries
    .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}
