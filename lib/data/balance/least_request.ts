/** Least request: of two drawn at random the one with fewer calls under way for its weight. */
import type { Balancer, PickRequest } from "./balancer.ts";
import { busyness, type Candidate } from "./candidate.ts";
import { Draw } from "./draw.ts";
import { PerList } from "./per_list.ts";
import type { WarmUp } from "./warm_up.ts";

/**
 * Shape: keeps nothing but tables of weights.
 * Source: Mitzenmacher, "The power of two choices in randomized load balancing", 1996: nearly as even as looking
 * at all of them, and callers that cannot see each other do not rush to the same one.
 */
export class LeastRequest implements Balancer {
  readonly #lists: PerList<Draw>;

  constructor(warmUp: WarmUp) {
    this.#lists = new PerList((candidates) => new Draw(candidates, warmUp));
  }

  pick(candidates: readonly Candidate[], request: PickRequest): number {
    const draw = this.#lists.of(candidates);
    const firstIndex = draw.one(request);
    const secondIndex = draw.another(firstIndex, request);
    const first = candidates[firstIndex]!;
    const second = candidates[secondIndex]!;
    const { nowMs } = request;
    // Both were drawn by weight, so of two idle ones the first is right.
    const firstLoad = busyness(first, nowMs) / draw.capacity(first, nowMs);
    const secondLoad = busyness(second, nowMs) / draw.capacity(second, nowMs);
    return secondLoad < firstLoad ? secondIndex : firstIndex;
  }

  peek(candidates: readonly Candidate[], request: PickRequest): number {
    return this.pick(candidates, request);
  }
}
