/** Samples the counters of the data threads and remembers the last quarter of an hour, service by service. */
import { type FailureCode, failureCodes, failureTable } from "../../core/errors.ts";
import { blockBase, latencyBounds, retryReasons, slot } from "../../plane/counters.ts";
import {
  bucketCount,
  bucketMs,
  quantities,
  quantity,
  rateSamples,
  type RecentFigures,
  Series,
} from "./series.ts";

/** One counter block with what it counts. */
export interface CountedBlock {
  readonly block: number;
  /** outbound, egress or inbound. */
  readonly direction: string;
  /** Empty for the blocks that are of no single service. */
  readonly service: string;
}

/** all: every call of the own application. rest: services beyond those that are kept one by one. */
export type HistoryScope = "all" | "inbound" | "rest" | { readonly service: string };

export interface HistoryOptions {
  readonly entries: () => readonly CountedBlock[];
  /** Services that are kept one by one; the others are summed up. */
  readonly maxServices?: number;
}

/** Failures that the caller did not cause, by whether they are answered with a 5xx. */
const ownSlots = failureCodes.flatMap((code, index) =>
  isOwn(code) ? [{ offset: slot.failure + index, is5xx: failureTable[code].status >= 500 }] : []
);

function isOwn(code: FailureCode): boolean {
  return failureTable[code].fault !== "downstream";
}

/** Totals of one block as they were read last; the histogram follows. */
const seen = { requests: 0, answered5xx: 1, own5xx: 2, ownOther: 3, retries: 4, count: 5 } as const;
const seenSize = 6 + latencyBounds.length;

/** Cost: one sample reads some 30 counters of each service and allocates only for services it sees the first time. */
export class History {
  readonly #options: Required<HistoryOptions>;
  readonly #all: Series;
  readonly #inbound: Series;
  #rest: Series | undefined;
  readonly #services = new Map<string, Series>();
  /** By block. */
  readonly #seen = new Map<number, Float64Array>();
  readonly #amounts = new Float64Array(quantities);
  /** How long the latest samples took. Units: milliseconds. */
  readonly #spans = new Float64Array(rateSamples);
  #samples = 0;
  #sampledAtMs: number;
  #bucket: number;

  constructor(options: HistoryOptions, nowMs: number) {
    this.#options = { maxServices: 500, ...options };
    this.#sampledAtMs = nowMs;
    this.#bucket = Math.floor(nowMs / bucketMs);
    this.#all = new Series(this.#bucket);
    this.#inbound = new Series(this.#bucket);
  }

  /** Takes in what was counted since the sample before. Shape: `read` gives the sum of a slot over all threads. */
  sample(read: (slot: number) => number, nowMs: number): void {
    this.#begin(nowMs);
    for (const entry of this.#options.entries()) {
      if (!this.#difference(entry.block, read)) continue;
      if (entry.direction === "inbound") this.#inbound.add(this.#amounts);
      else {
        this.#all.add(this.#amounts);
        if (entry.service !== "") this.#seriesFor(entry.service).add(this.#amounts);
      }
    }
    // Last, since what was counted up to now belongs to the time before.
    this.#advance(Math.floor(nowMs / bucketMs));
  }

  #begin(nowMs: number): void {
    this.#spans[this.#samples++ % rateSamples] = nowMs - this.#sampledAtMs;
    this.#sampledAtMs = nowMs;
    this.#all.begin();
    this.#inbound.begin();
    this.#rest?.begin();
    for (const series of this.#services.values()) series.begin();
  }

  #advance(bucket: number): void {
    if (bucket <= this.#bucket) return;
    this.#bucket = bucket;
    this.#all.advance(bucket);
    this.#inbound.advance(bucket);
    this.#rest?.advance(bucket);
    for (const series of this.#services.values()) series.advance(bucket);
  }

  /** Puts what a block counted since last time into `#amounts`. Shape: whether it is anything. */
  #difference(block: number, read: (slot: number) => number): boolean {
    let before = this.#seen.get(block);
    if (before === undefined) this.#seen.set(block, before = new Float64Array(seenSize));
    const base = blockBase(block);
    const since = (index: number, value: number) => {
      const change = value - before[index]!;
      before[index] = value;
      return change > 0 ? change : 0;
    };
    const requests = since(seen.requests, read(base + slot.requests));
    const answered5xx = since(seen.answered5xx, read(base + slot.status + 4));
    let own5xxNow = 0;
    let ownOtherNow = 0;
    for (const { offset, is5xx } of ownSlots) {
      if (is5xx) own5xxNow += read(base + offset);
      else ownOtherNow += read(base + offset);
    }
    const own5xx = since(seen.own5xx, own5xxNow);
    const ownOther = since(seen.ownOther, ownOtherNow);
    let retriesNow = 0;
    for (let index = 0; index < retryReasons.length; index++) {
      retriesNow += read(base + slot.retry + index);
    }
    const retries = since(seen.retries, retriesNow);
    const ended = since(seen.count, read(base + slot.latencyCount));
    const amounts = this.#amounts;
    amounts[quantity.requests] = requests;
    // An own failure is answered with a 5xx, which counts too, unless the answer had begun and was cut.
    amounts[quantity.failed] = Math.max(answered5xx, own5xx) + ownOther;
    amounts[quantity.retries] = retries;
    amounts.fill(0, quantity.latency);
    if (ended > 0) {
      let beyond = ended;
      for (let index = 0; index < latencyBounds.length; index++) {
        const count = since(seen.count + 1 + index, read(base + slot.latency + index));
        amounts[quantity.latency + index] = count;
        beyond -= count;
      }
      // The slots are read one after the other while threads go on counting.
      amounts[quantity.latency + latencyBounds.length] = Math.max(0, beyond);
    }
    return requests > 0 || ended > 0 || amounts[quantity.failed]! > 0 || retries > 0;
  }

  #seriesFor(service: string): Series {
    const known = this.#services.get(service);
    if (known !== undefined) return known;
    if (this.#services.size >= this.#options.maxServices && !this.#dropIdle()) {
      return this.#rest ??= new Series(this.#bucket);
    }
    const series = new Series(this.#bucket);
    this.#services.set(service, series);
    return series;
  }

  /** A service without a call in the whole time has nothing to show. Shape: whether there was one. */
  #dropIdle(): boolean {
    for (const [service, series] of this.#services) {
      if (series.idleBuckets >= bucketCount) return this.#services.delete(service);
    }
    return false;
  }

  /** The present figures. Shape: undefined where there is no series. */
  recent(scope: HistoryScope): RecentFigures | undefined {
    let spanMs = 0;
    for (const ms of this.#spans) spanMs += ms;
    return this.series(scope)?.recent(spanMs / 1000);
  }

  /** Shape: undefined for a service without a call, or one of the rest. */
  series(scope: HistoryScope): Series | undefined {
    if (scope === "all") return this.#all;
    if (scope === "inbound") return this.#inbound;
    if (scope === "rest") return this.#rest;
    return this.#services.get(scope.service);
  }
}
