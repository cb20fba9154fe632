/** The order in which unequal weights take turns so that nobody's turns come in a heap. */

/** Fraction of the golden section: its multiples, taken modulo 1, lie evenly whatever their number. */
export const goldenStep = 0.6180339887498949;

/**
 * Turns by earliest due time: whoever had a turn is due again after 1 / weight.
 *
 * Shape: over any stretch everyone's share is its weight's, give or take about one turn.
 * Cost: a turn moves along one path of a heap, log2(count) steps.
 */
export class SmoothSchedule {
  /** A heap: each parent is due no later than its two children. */
  readonly #dueAt: Float64Array;
  readonly #index: Int32Array;
  readonly #step: Float64Array;

  /** Shape: `phase` in [0, 1) decides who begins; as if the schedule had been running for a while. */
  constructor(weights: readonly number[], phase: number) {
    const count = weights.length;
    this.#dueAt = new Float64Array(count);
    this.#index = new Int32Array(count);
    this.#step = Float64Array.from(weights, (weight) => 1 / weight);
    const due = weights.map((weight, index) => ((phase + index * goldenStep) % 1) / weight);
    const order = due.map((_, index) => index).sort((a, b) => due[a]! - due[b]!);
    // A sorted list is a heap.
    order.forEach((index, place) => {
      this.#index[place] = index;
      this.#dueAt[place] = due[index]!;
    });
  }

  /** Whose turn it is. */
  get first(): number {
    return this.#index[0]!;
  }

  /** Takes that turn. */
  next(): number {
    const dueAt = this.#dueAt;
    const indexes = this.#index;
    const count = indexes.length;
    const index = indexes[0]!;
    const again = dueAt[0]! + this.#step[index]!;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= count) break;
      if (child + 1 < count && dueAt[child + 1]! < dueAt[child]!) child++;
      if (dueAt[child]! >= again) break;
      dueAt[place] = dueAt[child]!;
      indexes[place] = indexes[child]!;
      place = child;
    }
    dueAt[place] = again;
    indexes[place] = index;
    return index;
  }
}
