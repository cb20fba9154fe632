/** Chooses one of several by their weights: in turn, or always the same for the same key. */
import { hashShare, hashText, mixHash } from "../../core/hash.ts";
import type { Random } from "../../core/ports.ts";

/** A longer way to a starting point would only cost time at the first request. */
const MAX_START = 1000;

/**
 * Choices in turn, spread evenly: 3 to 1 is a, a, b, a and not a, a, a, b.
 *
 * Shape: exact over each round of as many choices as the whole weights add up to. It begins anywhere in a round, so
 * that many sidecars that start together do not all choose the same. Source: smooth weighted round robin.
 */
export class SmoothChoice {
  readonly #weights: Float64Array;
  readonly #lead: Float64Array;
  readonly #total: number;
  #started = false;

  /** `weights` are above 0. */
  constructor(weights: readonly number[]) {
    this.#weights = Float64Array.from(weights);
    this.#lead = new Float64Array(weights.length);
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
  }

  /** Index of the next. */
  next(random: Random): number {
    if (!this.#started) {
      this.#started = true;
      const round = Math.min(MAX_START, Math.ceil(this.#total));
      for (let left = Math.floor(random() * round); left > 0; left--) this.next(random);
    }
    const weights = this.#weights, lead = this.#lead;
    let best = 0;
    for (let index = 0; index < weights.length; index++) {
      lead[index] = lead[index]! + weights[index]!;
      if (lead[index]! > lead[best]!) best = index;
    }
    lead[best] = lead[best]! - this.#total;
    return best;
  }

  /** Index that `next` would give, without a move. */
  peek(): number {
    const weights = this.#weights, lead = this.#lead;
    let best = 0;
    for (let index = 1; index < weights.length; index++) {
      if (lead[index]! + weights[index]! > lead[best]! + weights[best]!) best = index;
    }
    return best;
  }
}

/** Turns among those of several that are not to be passed over, each by its weight. */
export class SpareChoice {
  readonly #weights: readonly number[];
  #without: readonly boolean[] = [];
  #left: readonly number[] = [];
  #turns: SmoothChoice | undefined;

  constructor(weights: readonly number[]) {
    this.#weights = weights;
  }

  /** Index of the next; one at least has to be left. Shape: takes no turn unless it `moves`. */
  of(
    without: readonly boolean[],
    { moves, random }: { readonly moves: boolean; readonly random: Random },
  ): number {
    if (this.#turns === undefined || without.some((each, at) => each !== this.#without[at])) {
      this.#without = without;
      this.#left = [...this.#weights.keys()].filter((index) => !without[index]);
      this.#turns = new SmoothChoice(this.#left.map((index) => this.#weights[index]!));
    }
    return this.#left[moves ? this.#turns.next(random) : this.#turns.peek()]!;
  }
}

/**
 * Choices by key. Who is moved when weights change moves to what has gained weight or from what has lost it, nobody
 * else: each entry draws its own number for a key, and the lowest in proportion to its weight has it.
 *
 * Source: weighted rendezvous hashing.
 */
export class KeyedChoice {
  readonly #entries: readonly { readonly weight: number; readonly seed: number }[];
  readonly #seed: number;

  /** An entry's name says who it is; equal names count as different entries by their order. */
  constructor(
    entries: readonly { readonly name: string; readonly weight: number }[],
    salt: string,
  ) {
    const times = new Map<string, number>();
    // Another one than that of the share of the rule's name: who is let in says nothing of who goes where.
    this.#seed = hashText(salt, 1);
    this.#entries = entries.map(({ name, weight }) => {
      const nth = times.get(name) ?? 0;
      times.set(name, nth + 1);
      return { weight, seed: mixHash(hashText(name), nth) };
    });
  }

  /** Index of the entry that has the key. Shape: `without` are passed over; nobody else's key moves for that. */
  of(key: string, without?: readonly boolean[]): number {
    const hash = hashText(key, this.#seed);
    let best = 0;
    let lowest = Infinity;
    for (let index = 0; index < this.#entries.length; index++) {
      if (without?.[index] === true) continue;
      const { seed, weight } = this.#entries[index]!;
      // Never 0, whose logarithm is none.
      const drawn = 1 - hashShare(mixHash(hash, seed));
      const score = -Math.log(drawn) / weight;
      if (score < lowest) {
        lowest = score;
        best = index;
      }
    }
    return best;
  }
}
