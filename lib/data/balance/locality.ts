/** How much of the load stays in the own zone, how much in the own region, and how much goes anywhere. */

export interface Place {
  readonly zone?: string | undefined;
  readonly region?: string | undefined;
}

/** What locality knows of one endpoint. */
export interface Located extends Place {
  readonly weight: number;
  readonly healthy: boolean;
}

export type TierName = "zone" | "region" | "elsewhere";

/** Healthy endpoints of one distance. */
export interface Tier {
  readonly name: TierName;
  /** Of the load, in [0, 1]; the tiers' shares add up to 1. */
  readonly share: number;
  /** Indexes of the endpoints, in their order. */
  readonly members: readonly number[];
}

/** An own zone with a little less than its part of the healthy weight still keeps all of its load. */
const headroom = 1.4;

/**
 * Parts the healthy endpoints by distance and the load among them.
 *
 * Shape: tiers that exist, nearest first; `zone` are those of the own zone, `region` the others of the own region,
 * `elsewhere` the rest. Empty when none is healthy. One tier where the own place is unknown or nobody shares it.
 * The own zone can carry its callers as long as it has its part of the healthy weight, which is that of one zone
 * among however many there are; 1.4 times that is allowed. Below, the share falls in proportion, so that load
 * spills over little by little while endpoints fail, and a zone with one endpoint is not run over by its callers.
 * The same goes for regions. Zones are counted with their failed endpoints: the callers are still there.
 */
export function localityTiers(endpoints: readonly Located[], own: Place): Tier[] {
  const members: Record<TierName, number[]> = { zone: [], region: [], elsewhere: [] };
  const weight: Record<TierName, number> = { zone: 0, region: 0, elsewhere: 0 };
  const regions = new Set<string>();
  const zones = new Set<string>();
  for (const [index, endpoint] of endpoints.entries()) {
    const distance = distanceTo(endpoint, own);
    regions.add(endpoint.region ?? "");
    if (distance !== "elsewhere") zones.add(endpoint.zone ?? "");
    if (!endpoint.healthy) continue;
    members[distance].push(index);
    weight[distance] += endpoint.weight;
  }
  const inRegion = weight.zone + weight.region;
  const regionShare = own.region === undefined
    ? Number(inRegion > 0)
    : carried(inRegion, inRegion + weight.elsewhere, regions.size);
  const zoneShare = own.zone === undefined ? 0 : carried(weight.zone, inRegion, zones.size);
  const shares: Record<TierName, number> = {
    zone: regionShare * zoneShare,
    region: regionShare * (1 - zoneShare),
    elsewhere: 1 - regionShare,
  };
  return (["zone", "region", "elsewhere"] as const)
    .filter((name) => members[name].length > 0)
    .map((name) => ({ name, share: shares[name], members: members[name] }));
}

/**
 * The tier for one request.
 *
 * Shape: an index. `at` in [0, 1): a random number, or the share of a key's hash so that the key keeps its tier.
 */
export function chooseTier(tiers: readonly { readonly share: number }[], at: number): number {
  let left = at;
  for (let index = 0; index < tiers.length - 1; index++) {
    left -= tiers[index]!.share;
    if (left < 0) return index;
  }
  return tiers.length - 1;
}

/** Whoever knows a zone but no region takes everything for the own region. */
function distanceTo(endpoint: Place, own: Place): TierName {
  if (own.zone === undefined && own.region === undefined) return "elsewhere";
  if (own.region !== undefined && endpoint.region !== own.region) return "elsewhere";
  return own.zone !== undefined && endpoint.zone === own.zone ? "zone" : "region";
}

/** The share of its callers' load that a place with so much of the weight can take. */
function carried(weight: number, total: number, places: number): number {
  return total === 0 ? 0 : Math.min(1, (headroom * places * weight) / total);
}
