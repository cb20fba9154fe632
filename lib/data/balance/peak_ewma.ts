/** Peak EWMA: of two drawn at random the one where the call is likely to be answered sooner. */
import type { Balancer, PickRequest } from "./balancer.ts";
import { busyness, type Candidate, latencyNow } from "./candidate.ts";
import { Draw } from "./draw.ts";
import { PerList } from "./per_list.ts";
import type { WarmUp } from "./warm_up.ts";

/**
 * Shape: keeps nothing but tables of weights; response times are the candidates' own.
 * Source: the cost (response time times calls under way plus one, with a response time that jumps up at once and
 * decays) is the one Finagle introduced.
 */
export class PeakEwma implements Balancer {
  readonly #lists: PerList<Draw>;
  /** Set anew for each pick, so that none allocates. */
  readonly #at: { nowMs: number; readonly decayMs: number };

  constructor(warmUp: WarmUp, decayMs: number) {
    this.#at = { nowMs: 0, decayMs };
    this.#lists = new PerList((candidates) => new Draw(candidates, warmUp));
  }

  pick(candidates: readonly Candidate[], request: PickRequest): number {
    const draw = this.#lists.of(candidates);
    const firstIndex = draw.one(request);
    const secondIndex = draw.another(firstIndex, request);
    const first = candidates[firstIndex]!;
    const second = candidates[secondIndex]!;
    const { nowMs } = request;
    this.#at.nowMs = nowMs;
    let firstMs = latencyNow(first, this.#at);
    let secondMs = latencyNow(second, this.#at);
    // One without an answer is taken to be as fast as its rival: a fixed guess would starve newcomers among fast
    // endpoints and flood them among slow ones.
    if (firstMs === 0 && secondMs === 0) firstMs = secondMs = 1;
    else if (firstMs === 0) firstMs = secondMs;
    else if (secondMs === 0) secondMs = firstMs;
    const firstCost = firstMs * (1 + busyness(first, nowMs) / draw.capacity(first, nowMs));
    const secondCost = secondMs * (1 + busyness(second, nowMs) / draw.capacity(second, nowMs));
    return secondCost < firstCost ? secondIndex : firstIndex;
  }

  peek(candidates: readonly Candidate[], request: PickRequest): number {
    return this.pick(candidates, request);
  }
}
