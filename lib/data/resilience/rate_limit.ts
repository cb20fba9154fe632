/** Rate limits: a token bucket as one number, so that several threads can share it. */
import { hashText, mixHash } from "../../core/hash.ts";
import type { RateLimit } from "../../core/traffic.ts";
import type { LimitCells } from "./limit_cells.ts";

/** What a limit of zero answers to "when again": nobody knows. Units: milliseconds. */
const neverMs = 60_000;

/** A limit's numbers in the form that deciding takes. Units: milliseconds. */
interface Pace {
  /** Between two requests at the allowed rate. Infinity: none is allowed. */
  readonly intervalMs: number;
  /** How far requests may run ahead of that rate. */
  readonly aheadMs: number;
}

type Rate = Pick<RateLimit, "perSecond" | "burst">;

function paceOf({ perSecond, burst }: Rate): Pace {
  if (!(perSecond > 0)) return { intervalMs: Infinity, aheadMs: 0 };
  const intervalMs = 1000 / perSecond;
  // A bucket that cannot hold one request would let none through, whatever its rate.
  return { intervalMs, aheadMs: intervalMs * Math.max(1, burst) };
}

/** Clocks of threads that share cells differ by less; a loop's time stands still for a turn. Units: milliseconds. */
const skewMs = 1000;
/** Rounding of times must not take the last request of a burst away. Units: milliseconds. */
const slackMs = 1e-6;

/**
 * The time at which the bucket will be full.
 *
 * Shape: one further ahead than the pace allows stems from another pace or another clock; it is put right, to that of
 * an empty bucket.
 */
function fullAt(cells: LimitCells, index: number, emptyFullAtMs: number): number {
  for (;;) {
    const timeMs = cells.read(index);
    if (!(timeMs > emptyFullAtMs + skewMs)) return timeMs;
    cells.replace(index, emptyFullAtMs);
  }
}

/** How long until a request may go after which the bucket would be full at `dueMs`. Shape: 0: at once. */
function waitMs(dueMs: number, emptyFullAtMs: number, intervalMs: number): number {
  const earlyMs = dueMs - emptyFullAtMs;
  return earlyMs <= slackMs + intervalMs * 1e-6 ? 0 : Math.max(1, Math.ceil(earlyMs));
}

/** How long until a request may go, by the time at which a cell says that the bucket will be full. */
function lookAt({ intervalMs, aheadMs }: Pace, timeMs: number, nowMs: number): number {
  if (intervalMs === Infinity) return neverMs;
  const emptyFullAtMs = nowMs + aheadMs;
  // As `fullAt` would put it right.
  const fullAtMs = timeMs > emptyFullAtMs + skewMs ? emptyFullAtMs : timeMs;
  return waitMs(Math.max(nowMs, fullAtMs) + intervalMs, emptyFullAtMs, intervalMs);
}

/**
 * One limit for all requests, on one cell.
 *
 * Source: the generic cell rate algorithm, ITU-T I.371; its one number is the time at which the bucket will be full.
 * Units: `nowMs` is milliseconds of a clock that never goes back, from an origin that all threads on the same cells
 * share and that lies near the start of the process. `performance.now()` of a worker counts from the worker's own
 * start; its difference in `performance.timeOrigin` has to be added.
 */
export class RateLimiter {
  readonly #cells: LimitCells;
  readonly #index: number;
  #pace: Pace;

  constructor(limit: Rate, { cells, index }: { cells: LimitCells; index: number }) {
    this.#cells = cells;
    this.#index = index;
    this.#pace = paceOf(limit);
  }

  /** Takes over a changed limit. What was taken stays taken, but nobody waits longer than the new one says. */
  apply(limit: Rate): void {
    this.#pace = paceOf(limit);
  }

  /** Takes one request out. Shape: 0: it may go; else it may not, and how long until one may. Units: milliseconds. */
  take(nowMs: number): number {
    const { intervalMs, aheadMs } = this.#pace;
    if (intervalMs === Infinity) return neverMs;
    const emptyFullAtMs = nowMs + aheadMs;
    for (;;) {
      const dueMs = Math.max(nowMs, fullAt(this.#cells, this.#index, emptyFullAtMs)) + intervalMs;
      const wait = waitMs(dueMs, emptyFullAtMs, intervalMs);
      if (wait > 0 || this.#cells.replace(this.#index, dueMs)) return wait;
    }
  }

  /** What `take` would say now; takes nothing. */
  look(nowMs: number): number {
    return lookAt(this.#pace, this.#cells.read(this.#index), nowMs);
  }
}

/**
 * One limit per key, in a table of fixed size, whatever number of keys there is.
 *
 * Each key has two cells, found by hashing, and the more favourable one counts. So a key is held back by strangers only
 * when both of its cells are shared with busy ones: with a hundred busy keys and a thousand cells for fewer than four
 * in a hundred of the others. Nobody ever gets more than the limit allows. The seed keeps callers from choosing names
 * that fall together with another's; all threads on the same cells have to have the same one.
 *
 * Units: as RateLimiter.
 */
export class KeyedRateLimiter {
  readonly #cells: LimitCells;
  readonly #seed: number;
  #pace: Pace;

  constructor(limit: Rate, { cells, seed }: { cells: LimitCells; seed: number }) {
    this.#cells = cells;
    this.#seed = seed;
    this.#pace = paceOf(limit);
  }

  /** As RateLimiter.apply. */
  apply(limit: Rate): void {
    this.#pace = paceOf(limit);
  }

  /** As RateLimiter.take, for a key. Cost: a step per character besides. */
  take(key: string, nowMs: number): number {
    const { intervalMs, aheadMs } = this.#pace;
    if (intervalMs === Infinity) return neverMs;
    const emptyFullAtMs = nowMs + aheadMs;
    const cells = this.#cells;
    const hash = hashText(key, this.#seed);
    const first = hash % cells.length;
    const second = mixHash(hash, 1) % cells.length;
    for (;;) {
      const one = fullAt(cells, first, emptyFullAtMs);
      const other = fullAt(cells, second, emptyFullAtMs);
      const favourable = Math.min(one, other);
      const dueMs = Math.max(nowMs, favourable) + intervalMs;
      const wait = waitMs(dueMs, emptyFullAtMs, intervalMs);
      if (wait > 0) return wait;
      const decisive = one <= other ? first : second;
      // The other cell first: else another thread could decide by it before it shows this request.
      if (first !== second) this.#raise(decisive === first ? second : first, dueMs);
      // And the one that decided has to be as it was, or two threads would take the same place.
      if (cells.read(decisive) === favourable && cells.replace(decisive, dueMs)) return 0;
    }
  }

  /** What `take` would say now; takes nothing. */
  look(key: string, nowMs: number): number {
    const cells = this.#cells;
    const hash = hashText(key, this.#seed);
    const one = cells.read(hash % cells.length);
    const other = cells.read(mixHash(hash, 1) % cells.length);
    return Math.min(lookAt(this.#pace, one, nowMs), lookAt(this.#pace, other, nowMs));
  }

  /** Shows this request in a cell that may show more of others. */
  #raise(index: number, dueMs: number): void {
    while (this.#cells.read(index) < dueMs && !this.#cells.replace(index, dueMs));
  }
}
