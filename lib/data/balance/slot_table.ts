/** Who owns which slot of the key space: weighted rendezvous hashing, remembered. */
import type { Candidate } from "./candidate.ts";
import { equalWeights } from "./draw.ts";
import { hashShare, hashText, mixHash } from "../../core/hash.ts";

/** Keys fall into this many slots (as bits); more than enough for shares to come out even. */
const slotBits = 16;
const slotCount = 1 << slotBits;
/** Up to here looking at all candidates is as quick as remembering. */
const smallCount = 32;

const unknown = -1;

/**
 * Owners by slot.
 *
 * Shape: every slot goes to the candidate with the best score for it, and a score depends on the slot, the
 * candidate's key and its weight alone. So a candidate that leaves gives away only its own slots, one that comes
 * takes only what becomes its own, and every thread and sidecar agrees without a word.
 * Source: Thaler and Ravishankar, "A name-based mapping scheme for rendezvous", 1996; the weighted score is
 * -log(hash) / weight, the smallest wins.
 * Cost: small lists are looked through; larger ones once per slot, and after a change only what it touched.
 */
export class SlotTable {
  readonly #candidates: readonly Candidate[];
  readonly #hashes: Uint32Array;
  /** As they were when the list was made. */
  readonly #weights: Float64Array;
  readonly #equal: boolean;
  /** Owner by slot; -1 unknown; -2 - owner: owner before `#newcomers` came. Undefined for small lists. */
  readonly #owners: Int32Array | undefined;
  #newcomers: readonly number[] = [];

  constructor(candidates: readonly Candidate[], before?: SlotTable) {
    this.#candidates = candidates;
    this.#hashes = Uint32Array.from(candidates, (candidate) => hashText(candidate.key));
    this.#weights = Float64Array.from(candidates, (candidate) => candidate.weight);
    this.#equal = equalWeights(candidates);
    if (candidates.length <= smallCount) return;
    this.#owners = new Int32Array(slotCount).fill(unknown);
    if (before !== undefined) this.#takeOver(before);
  }

  /** The owner of a hash. Shape: an index. */
  owner(hash: number): number {
    const slot = slotOf(hash);
    const owners = this.#owners;
    if (owners === undefined) return this.#best(slot);
    const known = owners[slot]!;
    if (known >= 0) return known;
    const owner = known === unknown ? this.#best(slot) : this.#better(slot, -2 - known);
    owners[slot] = owner;
    return owner;
  }

  /** The owner among those that are let in; -1 if none is. Cost: looks at all. */
  ownerAmong(hash: number, admits: (index: number) => boolean): number {
    return this.#best(slotOf(hash), admits);
  }

  /** In [0, 1): the place of a slot on a candidate's own scale, for taking over its slots one by one. */
  threshold(hash: number, index: number): number {
    return hashShare(mixHash(this.#hashes[index]!, slotOf(hash) + slotCount));
  }

  #best(slot: number, admits?: (index: number) => boolean): number {
    const hashes = this.#hashes;
    let best = -1;
    if (this.#equal) {
      // With equal weights the smallest -log(hash) is the largest hash.
      let bestScore = -1;
      for (let index = 0; index < hashes.length; index++) {
        const score = mixHash(hashes[index]!, slot);
        if (score > bestScore && (admits === undefined || admits(index))) {
          bestScore = score;
          best = index;
        }
      }
      return best;
    }
    const weights = this.#weights;
    let bestScore = Infinity;
    for (let index = 0; index < hashes.length; index++) {
      const weight = weights[index]!;
      const share = hashShare(mixHash(hashes[index]!, slot));
      // -log(x) is never less than 1 - x: most need no logarithm to be ruled out.
      if ((1 - share) / weight >= bestScore) continue;
      const score = -Math.log(share) / weight;
      if (score < bestScore && (admits === undefined || admits(index))) {
        bestScore = score;
        best = index;
      }
    }
    return best < 0 && admits === undefined ? 0 : best;
  }

  /** The owner after the newcomers were given their chance. */
  #better(slot: number, owner: number): number {
    let best = owner;
    let bestScore = this.#score(slot, owner);
    for (const index of this.#newcomers) {
      const score = this.#score(slot, index);
      // The same tie-break as in a look at all: the lower index.
      if (score < bestScore || (score === bestScore && index < best)) {
        best = index;
        bestScore = score;
      }
    }
    return best;
  }

  #score(slot: number, index: number): number {
    const share = hashShare(mixHash(this.#hashes[index]!, slot));
    return this.#equal ? -share : -Math.log(share) / this.#weights[index]!;
  }

  /** Keeps what is still true of an earlier table. */
  #takeOver(before: SlotTable): void {
    const theirs = before.#owners;
    if (theirs === undefined) return;
    const places = new Map(before.#candidates.map((candidate, index) => [candidate.key, index]));
    const moved = new Int32Array(before.#candidates.length).fill(-1);
    const newcomers: number[] = [];
    for (const [index, candidate] of this.#candidates.entries()) {
      const place = places.get(candidate.key);
      if (place === undefined) newcomers.push(index);
      // Another weight is another score.
      else if (before.#weights[place] !== candidate.weight) return;
      else moved[place] = index;
    }
    // Many newcomers: asking each of them would be no quicker than asking all.
    if (newcomers.length * 4 > this.#candidates.length) return;
    this.#newcomers = newcomers;
    const owners = this.#owners!;
    for (let slot = 0; slot < slotCount; slot++) {
      const known = theirs[slot]!;
      if (known < 0) continue;
      const owner = moved[known]!;
      if (owner >= 0) owners[slot] = newcomers.length === 0 ? owner : -2 - owner;
    }
  }
}

function slotOf(hash: number): number {
  return hash >>> (32 - slotBits);
}
