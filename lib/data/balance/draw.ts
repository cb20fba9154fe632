/** Draws candidates of one list at random by weight, newcomers less often. */
import type { Random } from "../../core/ports.ts";
import { AliasTable } from "./alias_table.ts";
import type { PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { maxDraws, type WarmUp } from "./warm_up.ts";

/** Whether no candidate is to get more than another. */
export function equalWeights(candidates: readonly Candidate[]): boolean {
  const weight = candidates[0]?.weight;
  return candidates.every((candidate) => candidate.weight === weight);
}

export class Draw {
  readonly #candidates: readonly Candidate[];
  readonly #warmUp: WarmUp;
  readonly #meanWeight: number;
  /** Undefined where all weights are equal. */
  readonly #table: AliasTable | undefined;

  constructor(candidates: readonly Candidate[], warmUp: WarmUp) {
    this.#candidates = candidates;
    this.#warmUp = warmUp;
    const total = candidates.reduce((sum, candidate) => sum + candidate.weight, 0);
    this.#meanWeight = total / candidates.length;
    if (!equalWeights(candidates)) {
      this.#table = new AliasTable(candidates.length);
      this.#table.fill(candidates.map((candidate) => candidate.weight));
    }
  }

  /** An index. Cost: one random number, as long as no newcomer is drawn. */
  one(request: PickRequest): number {
    for (let draws = 1;; draws++) {
      const index = this.#any(request.random);
      if (draws === maxDraws) return index;
      if (this.#warmUp.admits(this.#candidates[index]!, request)) return index;
    }
  }

  /** An index to compare with `first`; `first` itself where chance finds no other. */
  another(first: number, request: PickRequest): number {
    const count = this.#candidates.length;
    if (count === 1) return first;
    for (let draws = 1;; draws++) {
      let index: number;
      if (this.#table === undefined) {
        index = Math.floor(request.random() * (count - 1));
        if (index >= first) index++;
      } else {
        index = this.#any(request.random);
        // Twice the same is likely only where one outweighs the rest: then that is what the weights ask for.
        if (index === first) index = this.#any(request.random);
      }
      if (draws === maxDraws) return index;
      if (this.#warmUp.admits(this.#candidates[index]!, request)) return index;
    }
  }

  /** How much a candidate can take at the moment, 1 being the average. */
  capacity(candidate: Candidate, nowMs: number): number {
    const share = this.#warmUp.share(candidate, nowMs);
    return this.#table === undefined ? share : (share * candidate.weight) / this.#meanWeight;
  }

  #any(random: Random): number {
    const table = this.#table;
    return table === undefined
      ? Math.floor(random() * this.#candidates.length)
      : table.draw(random());
  }
}
