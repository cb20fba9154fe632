/** The line of requests that wait for their turn: bounded, and useful even when far more come than can be served. */

/** `turn`: it may go. `late`: it waited as long as it may. `shed`: it gave its place to a newer one. */
export type WaitOutcome = "turn" | "late" | "shed";

/** Units: milliseconds. */
export interface LinePolicy {
  /** Requests that may wait; 0: none does. */
  readonly queue: number;
  /** How long each may. */
  readonly queueMs: number;
}

/**
 * When the oldest has waited this share of `queueMs`, more comes than is served. Short of that the line only evens out
 * bursts, and order is fair.
 */
const overloadedAtShare = 0.5;

/** One request's place in the line. Intrusive: the links belong to the line while it waits. */
export class Waiter {
  /** Called once, at the moment it leaves the line for another reason than `leave`. */
  readonly settle: (outcome: WaitOutcome) => void;
  /** The request's own end, when that comes before the line's. Units: milliseconds on the line's clock. */
  readonly deadlineMs: number;
  joinedMs = 0;
  older: Waiter | undefined;
  newer: Waiter | undefined;
  line: WaitingLine | undefined;

  constructor(settle: (outcome: WaitOutcome) => void, deadlineMs = Infinity) {
    this.settle = settle;
    this.deadlineMs = deadlineMs;
  }
}

/**
 * First come, first served, until the oldest has waited too long. From then on the newest is served first and the
 * oldest is let go to make room: under overload every place in a first-in line is served just when its caller gives up,
 * while here most of what is served has hardly waited. When the old ones are gone, order is fair again.
 *
 * Shape: whoever frees a place calls `take`; whoever owns the clock calls `expire` at `nextDueMs`. A request's own
 * shorter deadline is noticed when its turn comes, or when the line's own time has passed.
 * Cost: each call is a few links, whatever the length of the line.
 * Source: the idea of controlled delay with last-in-first-out, Maurer, "Fail at Scale", ACM Queue 13(8), 2015.
 */
export class WaitingLine {
  #policy: LinePolicy;
  #oldest: Waiter | undefined;
  #newest: Waiter | undefined;
  #length = 0;

  constructor(policy: LinePolicy) {
    this.#policy = policy;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes over a changed policy; who waits already stays, for the time it says. */
  apply(policy: LinePolicy): void {
    this.#policy = policy;
  }

  /** Whether more comes than is served. */
  overloaded(nowMs: number): boolean {
    return this.#oldest !== undefined &&
      nowMs - this.#oldest.joinedMs >= this.#policy.queueMs * overloadedAtShare;
  }

  /** Whether `join` would take a request now; changes nothing. */
  hasRoom(nowMs: number): boolean {
    const { queue } = this.#policy;
    return queue > 0 && (this.#length < queue || this.overloaded(nowMs));
  }

  /** Puts a request at the end. Shape: false when there is no room; nothing is settled then. */
  join(waiter: Waiter, nowMs: number): boolean {
    const { queue } = this.#policy;
    if (queue <= 0 || waiter.deadlineMs <= nowMs) return false;
    if (this.#length >= queue) {
      if (!this.overloaded(nowMs)) return false;
      this.#end(this.#oldest!, nowMs >= this.#dueMs(this.#oldest!) ? "late" : "shed");
    }
    waiter.joinedMs = nowMs;
    waiter.line = this;
    waiter.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = waiter;
    else this.#newest.newer = waiter;
    this.#newest = waiter;
    this.#length++;
    return true;
  }

  /** Gives a place that is free to whoever is next. Shape: whether anybody took it; its outcome is `turn`. */
  take(nowMs: number): boolean {
    for (;;) {
      const next = this.overloaded(nowMs) ? this.#newest : this.#oldest;
      if (next === undefined) return false;
      const late = nowMs >= this.#dueMs(next);
      this.#end(next, late ? "late" : "turn");
      if (!late) return true;
    }
  }

  /** Lets go whoever has waited as long as it may. Shape: how many. */
  expire(nowMs: number): number {
    let count = 0;
    while (this.#oldest !== undefined && nowMs >= this.#dueMs(this.#oldest)) {
      this.#end(this.#oldest, "late");
      count++;
    }
    return count;
  }

  /** The caller left. Shape: harmless when it does not wait any more; it is not settled. */
  leave(waiter: Waiter): void {
    if (waiter.line === this) this.#unlink(waiter);
  }

  /** When `expire` has something to do, at the earliest. Units: milliseconds on the line's clock; Infinity: never. */
  nextDueMs(): number {
    return this.#oldest === undefined ? Infinity : this.#dueMs(this.#oldest);
  }

  #dueMs(waiter: Waiter): number {
    return Math.min(waiter.deadlineMs, waiter.joinedMs + this.#policy.queueMs);
  }

  #end(waiter: Waiter, outcome: WaitOutcome): void {
    this.#unlink(waiter);
    waiter.settle(outcome);
  }

  #unlink(waiter: Waiter): void {
    if (waiter.older === undefined) this.#oldest = waiter.newer;
    else waiter.older.newer = waiter.newer;
    if (waiter.newer === undefined) this.#newest = waiter.older;
    else waiter.newer.older = waiter.older;
    waiter.older = waiter.newer = waiter.line = undefined;
    this.#length--;
  }
}
