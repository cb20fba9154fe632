/** Feels the pulse of all event loops: how late timers of this thread come, and when each data thread last turned. */
import type { Clock } from "../../core/ports.ts";
import { threadSlot } from "../../plane/counters.ts";
import type { ThreadReader } from "./endpoint_state.ts";

/** Units: milliseconds. */
const beatMs = 1000;
/** Beats that the largest delay is taken over. */
const remembered = 60;

/** Cost: one timer a second. */
export class Pulse {
  readonly #clock: Clock;
  readonly #reader: ThreadReader;
  readonly #stop = new AbortController();
  readonly #delaysMs = new Float64Array(remembered);
  #beats = 0;
  /** Of each thread: the count of turns and when it was first seen. */
  readonly #turns: { count: number | undefined; seenAtMs: number }[] = [];
  readonly #ended: Promise<void>;

  constructor(clock: Clock, reader: ThreadReader) {
    this.#clock = clock;
    this.#reader = reader;
    this.#look();
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      const startMs = this.#clock.now();
      await this.#clock.sleep(beatMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const lateMs = this.#clock.now() - startMs - beatMs;
      this.#delaysMs[this.#beats++ % remembered] = Math.max(0, lateMs);
      this.#look();
    }
  }

  /** A thread's own clock cannot be compared with this one, but that its count of turns stands still can be seen. */
  #look(): void {
    const nowMs = this.#clock.now();
    for (let thread = 0; thread < this.#reader.threads; thread++) {
      const count = this.#reader.read(thread, threadSlot.loopTurns);
      const known = this.#turns[thread];
      if (known === undefined) this.#turns[thread] = { count, seenAtMs: nowMs };
      else if (count !== known.count) {
        known.count = count;
        known.seenAtMs = nowMs;
      }
    }
  }

  /** The most that a timer came late within the last minute. Units: milliseconds. */
  get loopDelayMs(): number {
    return this.#delaysMs.reduce((most, ms) => Math.max(most, ms), 0);
  }

  /** Since each thread was last seen to turn. Units: milliseconds. */
  turnAgesMs(): readonly number[] {
    this.#look();
    const nowMs = this.#clock.now();
    return this.#turns.map(({ seenAtMs }) => nowMs - seenAtMs);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}
