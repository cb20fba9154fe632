/** Where a rule sends a request: the target's cluster and endpoints, and how that one is to be called. */
import { MeshError } from "../../core/errors.ts";
import type { RetryPolicy, ServicePolicy } from "../../core/traffic.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointGroup } from "../cluster/group.ts";
import { ascii } from "../http1/bytes.ts";
import { HedgeDelay } from "../resilience/hedge.ts";
import type { Target } from "../routing/route.ts";
import type { RouteDecision } from "../routing/router.ts";
import type { Client } from "./client.ts";
import type { RequestPlan } from "./plan.ts";
import type { Rules } from "./rules.ts";
import type { Upstream } from "./upstream.ts";

/** Shape: the service that has to be asked for first, if any. Errors: MeshError when it cannot be called. */
export function aim(
  client: Client,
  rules: Rules,
  { decision, moves }: { readonly decision: RouteDecision; readonly moves: boolean },
): string | undefined {
  const { plan } = client.exchange;
  const called = plan.cluster;
  const { route, target } = decision;
  plan.passedOver = "";
  const missing = aimAt(client, called, target!);
  if (typeof missing === "string") return missing;
  if (route.targets.length > 1 && (missing !== undefined || plan.group.size === 0)) {
    const other = instead(client, rules, { called, decision, moves });
    if (other !== undefined) return aimAt(client, called, other) as string | undefined;
  }
  if (missing !== undefined) throw missing;
  return undefined;
}

/** The target that is to have a request in place of one without endpoints. Shape: undefined when none has any. */
function instead(
  client: Client,
  { router }: Rules,
  { called, decision, moves }: {
    readonly called: Cluster<Upstream>;
    readonly decision: RouteDecision;
    readonly moves: boolean;
  },
): Target | undefined {
  const { context, exchange: { plan } } = client;
  const { targets } = decision.route;
  const empty = targets.map((each) => isEmpty(client, called, each));
  plan.passedOver = targets.filter((_, index) => empty[index]).map(({ label }) => label).join("; ");
  return router!.instead(decision, context.facts, { empty, moves, random: context.random });
}

/** Shape: a service that was never called may have endpoints. */
function isEmpty(client: Client, called: Cluster<Upstream>, target: Target): boolean {
  const cluster = clusterFor(client, called, target);
  if (cluster === undefined) return false;
  return cluster instanceof MeshError || groupOf(cluster, target).size === 0;
}

/** Shape: the service that has to be asked for first, or why it cannot be called; else the plan is filled in. */
function aimAt(
  client: Client,
  called: Cluster<Upstream>,
  target: Target,
): string | MeshError | undefined {
  const { exchange: { plan } } = client;
  const cluster = clusterFor(client, called, target);
  if (cluster === undefined) return target.service;
  if (cluster instanceof MeshError) return cluster;
  if (cluster !== plan.cluster) {
    plan.changeService(cluster);
    client.exchange.changeService(client, cluster);
  }
  plan.group = groupOf(cluster, target);
  return undefined;
}

/** Shape: as `clusterOf`. */
function clusterFor(client: Client, called: Cluster<Upstream>, { service }: Target) {
  return service === undefined || service === called.service ? called : clusterOf(client, service);
}

function groupOf(
  cluster: Cluster<Upstream>,
  { label, subset }: Target,
): EndpointGroup<Upstream> {
  return subset === undefined ? cluster.all : cluster.subset(label, subset);
}

/** What a rule says of retries on top of the policy of the service that it sends to. */
export function retryElsewhere(
  cluster: Cluster<Upstream>,
  known: WeakMap<ServicePolicy, RetryPolicy>,
  changes: Partial<RetryPolicy>,
): RetryPolicy {
  let retry = known.get(cluster.policy);
  if (retry === undefined) {
    retry = { ...cluster.policy.retry, ...changes };
    known.set(cluster.policy, retry);
  }
  if (retry.hedge) cluster.hedge ??= new HedgeDelay();
  return retry;
}

/** Shape: undefined when this thread does not know it yet; the failure when it cannot be called. */
function clusterOf(
  { context }: Client,
  service: string,
): Cluster<Upstream> | MeshError | undefined {
  const { authorities } = context.directory;
  const authority = authorities.lookup(ascii(service), 0, service.length);
  if (typeof authority === "string") {
    return new MeshError("destination_invalid", `a rule sends to "${service}": ${authority}`);
  }
  const route = context.directory.known(authority);
  return route?.kind === "failed" ? route.error : route?.cluster;
}

/** Where the copy of a request goes. Shape: undefined where nobody can have it. */
export function mirrorOf(client: Client, target: Target): RequestPlan["mirror"] {
  const cluster = clusterFor(client, client.exchange.plan.cluster, target);
  if (cluster instanceof MeshError) return undefined;
  if (cluster === undefined) {
    // Nobody waits for a copy: until the service is known there is none.
    client.context.directory.ask(target.service!).catch(() => {});
    return undefined;
  }
  return { cluster, group: groupOf(cluster, target) };
}
