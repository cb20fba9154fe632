/** Makes the balancer a policy asks for. */
import type { BalancePolicy } from "../../core/traffic.ts";
import type { Balancer } from "./balancer.ts";
import { ConsistentHash } from "./consistent_hash.ts";
import { LeastRequest } from "./least_request.ts";
import { PeakEwma } from "./peak_ewma.ts";
import { RandomBalancer } from "./random.ts";
import { RoundRobin } from "./round_robin.ts";
import { Sticky } from "./sticky.ts";
import { WarmUp } from "./warm_up.ts";
import { WeightedResponse } from "./weighted_response.ts";

/** Shape: one for each service and thread; `spread` in [0, 1) is where rounds begin, another for each sidecar. */
export function createBalancer(policy: BalancePolicy, spread: number): Balancer {
  const warmUp = new WarmUp(policy.slowStartMs);
  switch (policy.kind) {
    case "round_robin":
      return new RoundRobin(warmUp, spread);
    case "random":
      return new RandomBalancer(warmUp);
    case "least_request":
      return new LeastRequest(warmUp);
    case "peak_ewma":
      return new PeakEwma(warmUp, policy.decayMs);
    case "weighted_response":
      return new WeightedResponse(warmUp);
    case "sticky":
      return new Sticky(warmUp, {
        idleMs: policy.stickyIdleMs,
        failures: policy.stickyFailures,
        spread,
      });
    case "consistent_hash":
      return new ConsistentHash(warmUp);
  }
}
