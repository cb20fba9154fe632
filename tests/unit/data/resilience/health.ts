/** Endpoints of a cluster under outlier detection, and attempts that end at once. */
import type { OutlierPolicy } from "../../../../lib/core/traffic.ts";
import { EndpointHealth } from "../../../../lib/data/resilience/endpoint_health.ts";
import { ClusterHealth, type Outcome } from "../../../../lib/data/resilience/outlier.ts";
import { defaultServicePolicy } from "../../../support/policy.ts";

/** The usual values, with fewer requests to judge by. */
export const policy: OutlierPolicy = {
  ...defaultServicePolicy.outlier,
  enabled: true,
  minRequests: 5,
};

/** Jitter that gives the whole time out: nearly 1. */
const longest = () => 1 - 2 ** -52;

/** Shape: the jitter is the longest when no other is given. */
export function clusterOf(
  count: number,
  { changes = {}, random = longest }: { changes?: Partial<OutlierPolicy>; random?: () => number } =
    {},
): { cluster: ClusterHealth; endpoints: EndpointHealth[] } {
  const cluster = new ClusterHealth({ ...policy, ...changes }, random);
  cluster.total = count;
  return { cluster, endpoints: Array.from({ length: count }, () => new EndpointHealth(cluster)) };
}

/** One attempt that ends at once. Shape: why it ejected the endpoint, or none. */
export function attempt(endpoint: EndpointHealth, outcome: Outcome, nowMs: number): string {
  const ticket = endpoint.begin(nowMs);
  if (outcome === "gateway_failure") return endpoint.failed(ticket, nowMs);
  if (outcome === "server_error") return endpoint.serverError(ticket, nowMs);
  endpoint.succeeded(ticket, nowMs);
  return "none";
}

/** Several attempts, by the first letters of their outcomes. Shape: why they ejected the endpoint, or none. */
export function repeat(endpoint: EndpointHealth, outcomes: string, nowMs: number): string {
  const words = { s: "success", g: "gateway_failure", e: "server_error" } as const;
  for (const letter of outcomes) {
    const reason = attempt(endpoint, words[letter as keyof typeof words], nowMs);
    if (reason !== "none") return reason;
  }
  return "none";
}
