/** The numbers of one service over the last quarter of an hour, in rings of a fixed size. */
import { latencyBounds } from "../../plane/counters.ts";

/** Units: milliseconds. */
export const bucketMs = 5000;
/** Closed buckets that are kept. */
export const bucketCount = 180;
/** Closed buckets whose histograms are kept, for the figures of the last minute. */
const fineCount = 12;
/** Samples that the present rate is taken over. */
export const rateSamples = 10;

/** What one sample adds, in this order; the histogram's last place is for all beyond its bounds. */
export const quantity = { requests: 0, failed: 1, retries: 2, latency: 3 } as const;
const histogramSize = latencyBounds.length + 1;
export const quantities = quantity.latency + histogramSize;

/** Units: requests a second, milliseconds. Undefined where no request ended in the time. */
export interface RecentFigures {
  /** Over the last ten seconds; all that is no rate is of the last minute. */
  readonly perSecond: number;
  readonly failedPerSecond: number;
  /** In [0, 1]. */
  readonly failedShare: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/**
 * Closed buckets, oldest first; NaN where nothing is known.
 *
 * Units: `endMs` on the clock of the samples; percentiles in milliseconds, all else counts within a bucket.
 */
export interface SeriesColumns {
  readonly endMs: readonly number[];
  readonly requests: readonly number[];
  readonly failed: readonly number[];
  readonly retries: readonly number[];
  readonly p50Ms: readonly number[];
  readonly p95Ms: readonly number[];
  readonly p99Ms: readonly number[];
}

const columnNames = ["requests", "failed", "retries", "p50Ms", "p95Ms", "p99Ms"] as const;

/** Cost: about 6 KB, allocated once. */
export class Series {
  readonly #columns = columnNames.map(() => new Float32Array(bucketCount));
  readonly #open = new Float64Array(quantities);
  readonly #fine = new Float64Array(fineCount * histogramSize);
  readonly #scratch = new Float64Array(histogramSize);
  /** Requests of the latest samples, then failures of them. */
  readonly #rates = new Float32Array(2 * rateSamples);
  #sample = 0;
  /** Number of the open bucket, counted from the clock's beginning. */
  #bucket: number;
  readonly #firstBucket: number;
  /** Buckets in a row that closed without a request. */
  idleBuckets = 0;

  constructor(bucket: number) {
    this.#bucket = bucket;
    this.#firstBucket = bucket;
  }

  /** Begins the next sample; what is added from now on belongs to it. */
  begin(): void {
    this.#sample = (this.#sample + 1) % rateSamples;
    this.#rates[this.#sample] = 0;
    this.#rates[rateSamples + this.#sample] = 0;
  }

  /** Shape: `amounts` in the order of `quantity`. */
  add(amounts: Float64Array): void {
    this.#rates[this.#sample]! += amounts[quantity.requests]!;
    this.#rates[rateSamples + this.#sample]! += amounts[quantity.failed]!;
    for (let index = 0; index < quantities; index++) this.#open[index]! += amounts[index]!;
  }

  /** Closes the open bucket. Shape: buckets that were slept through are unknown. */
  advance(bucket: number): void {
    if (bucket <= this.#bucket) return;
    this.#close();
    const from = Math.max(this.#bucket + 1, bucket - bucketCount);
    for (let missed = from; missed < bucket; missed++) this.#forget(missed);
    this.#bucket = bucket;
  }

  #close(): void {
    const at = this.#bucket % bucketCount;
    const fineAt = (this.#bucket % fineCount) * histogramSize;
    const open = this.#open;
    this.idleBuckets = open[quantity.requests] === 0 ? this.idleBuckets + 1 : 0;
    for (let index = 0; index < histogramSize; index++) {
      this.#fine[fineAt + index] = open[quantity.latency + index]!;
      this.#scratch[index] = open[quantity.latency + index]!;
    }
    const [requests, failed, retries, p50, p95, p99] = this.#columns;
    requests![at] = open[quantity.requests]!;
    failed![at] = open[quantity.failed]!;
    retries![at] = open[quantity.retries]!;
    p50![at] = percentileMs(this.#scratch, 0.5) ?? NaN;
    p95![at] = percentileMs(this.#scratch, 0.95) ?? NaN;
    p99![at] = percentileMs(this.#scratch, 0.99) ?? NaN;
    open.fill(0);
  }

  #forget(bucket: number): void {
    for (const column of this.#columns) column[bucket % bucketCount] = NaN;
    const fineAt = (bucket % fineCount) * histogramSize;
    this.#fine.fill(0, fineAt, fineAt + histogramSize);
  }

  /** The present figures. Shape: `seconds` is how long the last `rateSamples` samples took together. */
  recent(seconds: number): RecentFigures {
    let requests = 0;
    let failed = 0;
    for (let index = 0; index < rateSamples; index++) {
      requests += this.#rates[index]!;
      failed += this.#rates[rateSamples + index]!;
    }
    const ofMinute = this.#minuteSum(quantity.requests);
    const histogram = this.#lastMinute();
    return {
      perSecond: seconds <= 0 ? 0 : requests / seconds,
      failedPerSecond: seconds <= 0 ? 0 : failed / seconds,
      failedShare: ofMinute === 0 ? 0 : Math.min(1, this.#minuteSum(quantity.failed) / ofMinute),
      p50Ms: percentileMs(histogram, 0.5),
      p95Ms: percentileMs(histogram, 0.95),
      p99Ms: percentileMs(histogram, 0.99),
    };
  }

  /** Over the open bucket and the closed ones of the last minute. */
  #minuteSum(which: 0 | 1): number {
    const column = this.#columns[which]!;
    let sum = this.#open[which]!;
    const first = Math.max(this.#firstBucket, this.#bucket - fineCount);
    for (let bucket = first; bucket < this.#bucket; bucket++) {
      sum += column[bucket % bucketCount]! || 0;
    }
    return sum;
  }

  #lastMinute(): Float64Array {
    const scratch = this.#scratch;
    for (let index = 0; index < histogramSize; index++) {
      let sum = this.#open[quantity.latency + index]!;
      for (let fine = 0; fine < fineCount; fine++) sum += this.#fine[fine * histogramSize + index]!;
      scratch[index] = sum;
    }
    return scratch;
  }

  /** Shape: closed buckets that ended after `sinceMs`; a bucket before the series began is not there. */
  columns(sinceMs = -Infinity): SeriesColumns {
    const first = Math.max(this.#firstBucket, this.#bucket - bucketCount);
    const buckets: number[] = [];
    for (let bucket = first; bucket < this.#bucket; bucket++) {
      if ((bucket + 1) * bucketMs > sinceMs) buckets.push(bucket);
    }
    const column = (index: number) =>
      buckets.map((bucket) => this.#columns[index]![bucket % bucketCount]!);
    return {
      endMs: buckets.map((bucket) => (bucket + 1) * bucketMs),
      requests: column(0),
      failed: column(1),
      retries: column(2),
      p50Ms: column(3),
      p95Ms: column(4),
      p99Ms: column(5),
    };
  }
}

/**
 * A percentile of a histogram, evenly spread within each of its buckets.
 *
 * Shape: counts of the bounds, then of everything beyond them, which counts as the last bound; undefined when empty.
 * Units: milliseconds.
 */
export function percentileMs(counts: Float64Array, share: number): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  let wanted = share * total;
  for (let index = 0; index < latencyBounds.length; index++) {
    const count = counts[index]!;
    if (count > 0 && wanted <= count) {
      const lower = index === 0 ? 0 : latencyBounds[index - 1]!;
      return (lower + (latencyBounds[index]! - lower) * (wanted / count)) * 1000;
    }
    wanted -= count;
  }
  return latencyBounds[latencyBounds.length - 1]! * 1000;
}
