/** Round robin over the endpoints that may be used, by weight and without bursts. */
import type { Balancer, PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { equalWeights } from "./draw.ts";
import { PerList } from "./per_list.ts";
import { goldenStep, SmoothSchedule } from "./smooth_schedule.ts";
import { maxDraws, type WarmUp } from "./warm_up.ts";

interface Round {
  /** Undefined where all weights are equal: then the turn simply moves on. */
  readonly schedule: SmoothSchedule | undefined;
  turn: number;
}

export class RoundRobin implements Balancer {
  readonly #warmUp: WarmUp;
  readonly #lists: PerList<Round>;
  /** Where the next list begins, as a share of it. */
  #phase: number;

  /**
   * Shape: `spread` in [0, 1) is where the first list begins; every sidecar has its own, so that a fleet does not
   * start at the same instance. Later lists begin elsewhere again, and apart again: an index carried over would
   * bring all sidecars together as soon as a list had been short once.
   */
  constructor(warmUp: WarmUp, spread: number) {
    this.#warmUp = warmUp;
    this.#phase = spread;
    this.#lists = new PerList((candidates) => this.#begin(candidates));
  }

  pick(candidates: readonly Candidate[], request: PickRequest): number {
    const round = this.#lists.of(candidates);
    for (let draws = 1;; draws++) {
      const index = this.#next(round, candidates.length);
      if (draws === maxDraws || this.#warmUp.admits(candidates[index]!, request)) return index;
    }
  }

  peek(candidates: readonly Candidate[]): number {
    const round = this.#lists.of(candidates);
    return round.schedule === undefined ? round.turn : round.schedule.first;
  }

  #begin(candidates: readonly Candidate[]): Round {
    const phase = this.#phase;
    this.#phase = (phase + goldenStep) % 1;
    if (equalWeights(candidates)) {
      return { schedule: undefined, turn: Math.floor(phase * candidates.length) };
    }
    const weights = candidates.map((candidate) => candidate.weight);
    return { schedule: new SmoothSchedule(weights, phase), turn: 0 };
  }

  #next(round: Round, count: number): number {
    if (round.schedule !== undefined) return round.schedule.next();
    const { turn } = round;
    round.turn = turn + 1 < count ? turn + 1 : 0;
    return turn;
  }
}
