/** Draws an index by weight in constant time (alias method). */

export class AliasTable {
  /** Chance that a column keeps its own index. */
  readonly #odds: Float64Array;
  /** The index a column gives otherwise. */
  readonly #other: Int32Array;
  /** Columns still to be filled up, and those with something to give; only used while filling. */
  readonly #short: Int32Array;

  constructor(count: number) {
    this.#odds = new Float64Array(count);
    this.#other = new Int32Array(count);
    this.#short = new Int32Array(count);
  }

  /**
   * Takes over new weights.
   *
   * Shape: as many as `count`, each above 0; only their ratios matter.
   * Source: Vose, "A linear algorithm for generating random numbers with a given distribution", 1991.
   * Cost: linear; allocates nothing.
   */
  fill(weights: ArrayLike<number>): void {
    const odds = this.#odds;
    const other = this.#other;
    const columns = this.#short;
    const count = odds.length;
    let total = 0;
    for (let index = 0; index < count; index++) total += weights[index]!;
    // Short columns are stacked from the left, tall ones from the right.
    let short = 0;
    let tall = count;
    for (let index = 0; index < count; index++) {
      const height = (weights[index]! * count) / total;
      odds[index] = height;
      other[index] = index;
      if (height < 1) columns[short++] = index;
      else columns[--tall] = index;
    }
    while (short > 0 && tall < count) {
      const low = columns[--short]!;
      const high = columns[tall]!;
      other[low] = high;
      const left = odds[high]! + odds[low]! - 1;
      odds[high] = left;
      if (left < 1) {
        tall++;
        columns[short++] = high;
      }
    }
    // What rounding left over is as good as full.
    while (short > 0) odds[columns[--short]!] = 1;
    while (tall < count) odds[columns[tall++]!] = 1;
  }

  /** Shape: `at` in [0, 1). */
  draw(at: number): number {
    const scaled = at * this.#odds.length;
    const column = Math.floor(scaled);
    return scaled - column < this.#odds[column]! ? column : this.#other[column]!;
  }
}
