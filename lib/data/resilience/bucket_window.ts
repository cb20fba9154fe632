/** Requests and failures of the last while, in ten buckets that fall out one by one. */

const buckets = 10;

export class BucketWindow {
  readonly #bucketMs: number;
  /** Requests of the buckets, then their failures. */
  readonly #counts = new Uint32Array(2 * buckets);
  /** Number of the newest bucket since the clock's origin. */
  #newest = 0;
  #requests = 0;
  #failures = 0;

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / buckets;
  }

  get requests(): number {
    return this.#requests;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Lets go of what is too old. Has to precede `add`. Cost: a comparison, but for one call per bucket. */
  advance(nowMs: number): void {
    if (nowMs < (this.#newest + 1) * this.#bucketMs) return;
    const newest = Math.floor(nowMs / this.#bucketMs);
    const passed = newest - this.#newest;
    if (passed >= buckets) this.clear();
    else for (let step = 1; step <= passed; step++) this.#empty((this.#newest + step) % buckets);
    this.#newest = newest;
  }

  /** Counts one request; `failures` is 0 or 1. */
  add(failures: number): void {
    const index = this.#newest % buckets;
    this.#counts[index]! += 1;
    this.#counts[buckets + index]! += failures;
    this.#requests += 1;
    this.#failures += failures;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#requests = this.#failures = 0;
  }

  #empty(index: number): void {
    this.#requests -= this.#counts[index]!;
    this.#failures -= this.#counts[buckets + index]!;
    this.#counts[index] = this.#counts[buckets + index] = 0;
  }
}
