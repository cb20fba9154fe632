/** Where rate limits keep their times: memory of one thread, or memory that several threads share. */

/**
 * Numbered cells, each with one time in milliseconds, all 0 at first.
 *
 * Shape: `replace` refers to what `read` gave last for the same cell, with no other call in between.
 */
export interface LimitCells {
  readonly length: number;
  read(index: number): number;
  /** Shape: false when another thread was faster; then nothing was changed, and it has to be read again. */
  replace(index: number, timeMs: number): boolean;
}

/** Cells of one thread. */
export class LocalCells implements LimitCells {
  readonly length: number;
  readonly #times: Float64Array;

  constructor(length: number) {
    this.length = length;
    this.#times = new Float64Array(length);
  }

  read(index: number): number {
    return this.#times[index]!;
  }

  replace(index: number, timeMs: number): boolean {
    this.#times[index] = timeMs;
    return true;
  }
}

/** Reads the bits of a number as a whole one and back, since only whole numbers can be compared and swapped. */
const bits = new BigInt64Array(1);
const number = new Float64Array(bits.buffer);

/**
 * Cells in memory that several threads share.
 *
 * Shape: the same bits as a Float64Array over the same memory would show. Cost: some thirty nanoseconds for a read and
 * a replacement.
 */
export class SharedCells implements LimitCells {
  readonly length: number;
  readonly #cells: BigInt64Array<SharedArrayBuffer>;
  /** What `read` saw last. */
  #seen = 0n;

  /** Shape: 8 bytes for each cell; `byteOffset` is a multiple of 8. */
  constructor(
    memory: SharedArrayBuffer,
    { byteOffset, length }: { readonly byteOffset: number; readonly length: number },
  ) {
    this.length = length;
    this.#cells = new BigInt64Array(memory, byteOffset, length);
  }

  read(index: number): number {
    bits[0] = this.#seen = Atomics.load(this.#cells, index);
    return number[0]!;
  }

  replace(index: number, timeMs: number): boolean {
    number[0] = timeMs;
    const seen = this.#seen;
    return Atomics.compareExchange(this.#cells, index, seen, bits[0]!) === seen;
  }
}
