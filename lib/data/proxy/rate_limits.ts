/** The rate limits of one policy, on cells that all threads share. */
import type { RateLimit, TrafficKey } from "../../core/traffic.ts";
import { keyedLimitCells, limitBytesOfBlocks, limitsPerBlock } from "../../plane/limits.ts";
import { SharedCells } from "../resilience/limit_cells.ts";
import { KeyedRateLimiter, RateLimiter } from "../resilience/rate_limit.ts";
import { type RequestFacts, trafficKey } from "../routing/facts.ts";
import { compileMatch, type Matcher } from "../routing/match.ts";

/** The cells of all limits of the process, and the clock they go by. */
export class LimitMemory {
  readonly #single: SharedCells;
  readonly #keyed: SharedCells;
  readonly #originMs: number;

  /** Units: milliseconds; `originMs` is added to this thread's clock to get the one that all threads share. */
  constructor(memory: SharedArrayBuffer, originMs: number) {
    const singles = limitBytesOfBlocks / Float64Array.BYTES_PER_ELEMENT;
    this.#single = new SharedCells(memory, { byteOffset: 0, length: singles });
    this.#keyed = new SharedCells(memory, {
      byteOffset: limitBytesOfBlocks,
      length: keyedLimitCells,
    });
    this.#originMs = originMs;
  }

  sharedTime(nowMs: number): number {
    return nowMs + this.#originMs;
  }

  /** Shape: `index` counts over all limits of a block; those beyond the last place share it. */
  limiter(limit: RateLimit, { block, index }: { block: number; index: number }): Limiter {
    const place = block * limitsPerBlock + Math.min(index, limitsPerBlock - 1);
    return limit.per === undefined
      ? new RateLimiter(limit, { cells: this.#single, index: place })
      : new KeyedRateLimiter(limit, { cells: this.#keyed, seed: place });
  }
}

type Limiter = RateLimiter | KeyedRateLimiter;

/** One limit, ready to be asked. */
export class CompiledLimit {
  readonly name: string;
  readonly #fits: Matcher | undefined;
  readonly #per: TrafficKey | undefined;
  readonly #limiter: Limiter;
  readonly #memory: LimitMemory;

  constructor(limit: RateLimit, memory: LimitMemory, place: { block: number; index: number }) {
    this.name = limit.name;
    this.#fits = limit.match === undefined ? undefined : compileMatch(limit.match, limit.name);
    this.#per = limit.per;
    this.#memory = memory;
    this.#limiter = memory.limiter(limit, place);
  }

  /** Whether `take` would take anything for this request; a share is drawn anew. */
  isFor(facts: RequestFacts, random: () => number): boolean {
    return this.#fits === undefined || this.#fits(facts, random);
  }

  /** What `take` would say of a request that the limit is for; takes nothing. */
  look(facts: RequestFacts, nowMs: number): number {
    const sharedMs = this.#memory.sharedTime(nowMs);
    if (this.#limiter instanceof RateLimiter) return this.#limiter.look(sharedMs);
    return this.#limiter.look(trafficKey(facts, this.#per!) ?? "", sharedMs);
  }

  /** Shape: 0 when the request may go, else how long until one may. Units: milliseconds. */
  take(facts: RequestFacts, { nowMs, random }: { nowMs: number; random: () => number }): number {
    if (!this.isFor(facts, random)) return 0;
    const sharedMs = this.#memory.sharedTime(nowMs);
    if (this.#limiter instanceof RateLimiter) return this.#limiter.take(sharedMs);
    // All requests without the key share one bucket: leaving it out must not be a way past the limit.
    return this.#limiter.take(trafficKey(facts, this.#per!) ?? "", sharedMs);
  }
}
