/** What a balancer has worked out for a list of candidates, kept for as long as the list is in use. */
import type { Candidate } from "./candidate.ts";

export class PerList<State> {
  readonly #make: (candidates: readonly Candidate[]) => State;
  /** Zones and subsets make several lists current at a time; those nobody holds any more vanish from here. */
  readonly #known = new WeakMap<readonly Candidate[], State>();
  #list: readonly Candidate[] | undefined;
  #state: State | undefined;

  constructor(make: (candidates: readonly Candidate[]) => State) {
    this.#make = make;
  }

  /** Cost: one comparison for the list asked about last, one look-up for another known one. */
  of(candidates: readonly Candidate[]): State {
    if (candidates === this.#list) return this.#state as State;
    let state = this.#known.get(candidates);
    if (state === undefined) {
      state = this.#make(candidates);
      this.#known.set(candidates, state);
    }
    this.#list = candidates;
    this.#state = state;
    return state;
  }
}
