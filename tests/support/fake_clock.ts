/** A clock that stands still until a test moves it: sleepers wake in the order of their due times, nothing waits for real. */
import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/core/ports.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/**
 * The fake of the clock port.
 *
 * Shape: `advance` stops at every due sleeper, so a loop that sleeps again inside the span is woken again.
 */
export class FakeClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(options: { readonly nowMs?: number; readonly wallMs?: number } = {}) {
    this.#nowMs = options.nowMs ?? 1_000;
    this.#wallOffsetMs = (options.wallMs ?? 1_700_000_000_000) - this.#nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wall(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        dueMs: this.#nowMs + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  /** How many sleeps are pending; zero after everything has been stopped. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Time until the next sleeper is due, undefined when nobody sleeps. */
  get nextDueInMs(): number | undefined {
    const next = this.#next();
    return next && next.dueMs - this.#nowMs;
  }

  /** Moves both clocks on by `ms`, waking everybody who is due on the way and letting them run. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(); next && next.dueMs <= endMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /** Sets the wall clock forward or back, as a time server does; the monotonic clock does not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #next(): Sleeper | undefined {
    let found: Sleeper | undefined;
    for (const one of this.#sleepers) {
      if (
        !found || one.dueMs < found.dueMs || (one.dueMs === found.dueMs && one.order < found.order)
      ) {
        found = one;
      }
    }
    return found;
  }
}

/** Lets everything that is ready to run do so, without any time passing on the fake clock. */
export async function settle(): Promise<void> {
  // Promise jobs drain completely between two turns; a few turns cover streams that hop through the event loop.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
