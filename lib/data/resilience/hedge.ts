/** The observed 95th percentile of a cluster's response times: when a second request is worth sending. */

const quantile = 0.95;
/** With fewer answers the slowest one in twenty is anybody's guess. */
const minSamples = 100;
/** Above this many, what was counted is halved: so the newest few hundred decide. */
const halvedAt = 1024;
/** Answers between two looks at the table. */
const looksEvery = 32;
/** Below it a second request costs more than it can win. Units: milliseconds. */
const floorMs = 5;

/** Eight steps to each power of two, of microseconds: a step is at most an eighth wide. */
const stepBits = 3;
const steps = 1 << stepBits;
/** About 34 minutes. */
const longestUs = 2 ** 31 - 1;

/**
 * A table of response times in steps that widen with the time.
 *
 * Shape: one per cluster that hedges. It wants to be told the time to the first byte of every attempt counted from that
 * attempt's own start, and of one that was given up the time until then: else the slow ones go missing and the
 * percentile creeps down. Cost: 1 KiB, a few nanoseconds per answer, no logarithm.
 */
export class HedgeDelay {
  /** Whole halves of numbers, so that halving keeps what few slow ones there are. */
  readonly #counts = new Float32Array(32 * steps);
  #total = 0;
  #sinceLook = 0;
  #delayMs = Infinity;

  /** Counts one answer. */
  record(latencyMs: number): void {
    const us = Math.min(longestUs, Math.max(0, latencyMs * 1000)) | 0;
    this.#counts[stepOf(us)]! += 1;
    this.#total += 1;
    if (++this.#sinceLook >= looksEvery) this.#look();
  }

  /** After how long without an answer to send a second request. Units: milliseconds; Infinity: not known yet. */
  hedgeAfterMs(): number {
    return this.#delayMs;
  }

  #look(): void {
    this.#sinceLook = 0;
    if (this.#total < minSamples) return;
    let above = this.#total * (1 - quantile);
    let step = this.#counts.length - 1;
    for (; step > 0; step--) {
      above -= this.#counts[step]!;
      if (above < 0) break;
    }
    this.#delayMs = Math.max(floorMs, endOfStep(step) / 1000);
    if (this.#total >= halvedAt) this.#halve();
  }

  #halve(): void {
    let total = 0;
    for (let step = 0; step < this.#counts.length; step++) {
      // What has all but faded goes, or it would stay for ever as smaller and smaller numbers.
      const half = this.#counts[step]! / 2;
      this.#counts[step] = half < 0.1 ? 0 : half;
      total += this.#counts[step]!;
    }
    this.#total = total;
  }
}

/** Shape: 0 to 7 one by one, then eight steps to each power of two. */
function stepOf(us: number): number {
  if (us < steps) return us;
  const exponent = 31 - Math.clz32(us);
  return ((exponent - stepBits + 1) << stepBits) + ((us >> (exponent - stepBits)) & (steps - 1));
}

/** The first number beyond a step. */
function endOfStep(step: number): number {
  if (step < steps) return step + 1;
  const exponent = (step >> stepBits) + stepBits - 1;
  return (steps + (step & (steps - 1)) + 1) * 2 ** (exponent - stepBits);
}
