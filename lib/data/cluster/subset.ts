/** Subsets of a cluster: the endpoints whose instances have certain tags. */
import type { SubsetTags } from "../../core/traffic.ts";
import type { EndpointSnapshot } from "../../plane/messages.ts";

/**
 * The endpoints with all of the tags.
 *
 * Shape: in their order. `version` is the instance's version, `latest` the highest there is; every other key is a
 * property of the instance.
 */
export function inSubset<Endpoint extends { readonly snapshot: EndpointSnapshot }>(
  endpoints: readonly Endpoint[],
  tags: SubsetTags,
): readonly Endpoint[] {
  const wanted = Object.entries(tags).map(([key, value]) =>
    key === "version" && value === "latest" ? [key, latestVersion(endpoints)] : [key, value]
  );
  return endpoints.filter(({ snapshot }) => {
    for (const [key, value] of wanted) {
      if ((key === "version" ? snapshot.version : snapshot.tags?.[key!]) !== value) return false;
    }
    return true;
  });
}

function latestVersion(endpoints: readonly { readonly snapshot: EndpointSnapshot }[]): string {
  let latest = "";
  for (const { snapshot } of endpoints) {
    if (snapshot.version === latest) continue;
    if (latest === "" || isNewer(snapshot.version, latest)) latest = snapshot.version;
  }
  return latest;
}

/** Versions are numbers with dots; a missing number counts as 0. */
function isNewer(version: string, than: string): boolean {
  const a = version.split(".").map(Number), b = than.split(".").map(Number);
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] || 0) - (b[index] || 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
