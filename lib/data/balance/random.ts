/** Random by weight. */
import type { Balancer, PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { Draw } from "./draw.ts";
import { PerList } from "./per_list.ts";
import type { WarmUp } from "./warm_up.ts";

export class RandomBalancer implements Balancer {
  readonly #lists: PerList<Draw>;

  constructor(warmUp: WarmUp) {
    this.#lists = new PerList((candidates) => new Draw(candidates, warmUp));
  }

  pick(candidates: readonly Candidate[], request: PickRequest): number {
    return this.#lists.of(candidates).one(request);
  }

  peek(candidates: readonly Candidate[], request: PickRequest): number {
    return this.pick(candidates, request);
  }
}
