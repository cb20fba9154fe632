/** The endpoints among which a request would be balanced, as they are shown to whoever asks why. */
import type { Explanation } from "../../plane/observe.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import type { EndpointGroup } from "../cluster/group.ts";
import type { Upstream } from "./upstream.ts";

/** Shape: all of the cluster, also those that the group has not or that may not be picked. */
export function candidatesOf(
  { cluster, group, nowMs }: {
    readonly cluster: Cluster<Upstream>;
    readonly group: EndpointGroup<Upstream>;
    readonly nowMs: number;
  },
): Explanation["candidates"] {
  const { tiers, usable } = group.explain(nowMs);
  const { slowStartMs } = cluster.policy.balance;
  return cluster.endpoints.map((endpoint) => ({
    endpoint: endpoint.key,
    instanceId: endpoint.snapshot.instanceId,
    state: endpoint.state(nowMs, slowStartMs),
    ...excludedBecause(endpoint, { usable, members: group.members, nowMs, subset: group.subset }),
    ...shareOf(endpoint, { usable, tiers }),
  }));
}

function excludedBecause(
  endpoint: EndpointState<Upstream>,
  { members, nowMs, subset, usable }: {
    readonly members: readonly EndpointState<Upstream>[];
    readonly usable: readonly EndpointState<Upstream>[];
    readonly nowMs: number;
    readonly subset: string;
  },
): { readonly excluded?: string } {
  if (!members.includes(endpoint)) return { excluded: `it is not in the subset ${subset}` };
  if (usable.includes(endpoint)) return {};
  const endsInMs = endpoint.stateEndsAtMs(nowMs) - nowMs;
  const until = endsInMs > 0 ? `, for another ${(endsInMs / 1000).toFixed(1)} s` : "";
  return { excluded: `${endpoint.reason(nowMs).replaceAll("_", " ")}${until}` };
}

function shareOf(
  endpoint: EndpointState<Upstream>,
  { tiers, usable }: {
    readonly tiers: readonly {
      readonly share: number;
      readonly members: readonly EndpointState<Upstream>[];
    }[];
    readonly usable: readonly EndpointState<Upstream>[];
  },
): { readonly share?: number } {
  if (!usable.includes(endpoint)) return {};
  const tier = tiers.find(({ members }) => members.includes(endpoint)) ??
    { share: 1, members: usable };
  const weight = tier.members.reduce((sum, each) => sum + each.weight, 0);
  return { share: tier.share * endpoint.weight / weight };
}
