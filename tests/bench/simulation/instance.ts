/** One simulated instance: a few workers, a bounded queue before them. */
import type { Random } from "../../../lib/core/ports.ts";
import type { EventQueue } from "./event_queue.ts";

export type Condition = "well" | "slow" | "dead";
export type Outcome = "ok" | "refused" | "connect_timeout" | "busy" | "error";

export interface InstanceTraits {
  readonly name: string;
  readonly zone: string;
  readonly condition: Condition;
  readonly workers: number;
  readonly maxQueue: number;
  /** Mean time of one call in a worker. */
  readonly serviceMs: number;
  /** Share of calls that a working instance fails at once. */
  readonly flakyShare: number;
}

/** How long a call to a host that does not answer is tried. Units: milliseconds. */
const connectTimeoutMs = 1_000;

export class Instance {
  readonly traits: InstanceTraits;
  /** Calls that came since counting began. */
  received = 0;
  readonly #events: EventQueue;
  readonly #random: Random;
  readonly #queue: (() => void)[] = [];
  #busy = 0;

  constructor(traits: InstanceTraits, events: EventQueue, random: Random) {
    this.traits = traits;
    this.#events = events;
    this.#random = random;
  }

  /** Takes a call; `done` is told how it ended, at that time. */
  call(done: (outcome: Outcome) => void): void {
    this.received++;
    if (this.traits.condition === "dead") {
      // Half of the time the host says so, half of the time it says nothing.
      if (this.#random() < 0.5) done("refused");
      else this.#events.after(connectTimeoutMs, () => done("connect_timeout"));
      return;
    }
    if (this.#random() < this.traits.flakyShare) {
      done("error");
    } else if (this.#busy < this.traits.workers) {
      this.#work(done);
    } else if (this.#queue.length < this.traits.maxQueue) {
      this.#queue.push(() => this.#work(done));
    } else {
      done("busy");
    }
  }

  #work(done: (outcome: Outcome) => void): void {
    this.#busy++;
    // A fifth of the time is always needed, the rest varies.
    const { serviceMs } = this.traits;
    const ms = serviceMs * (0.2 - 0.8 * Math.log(1 - this.#random()));
    this.#events.after(ms, () => {
      this.#busy--;
      this.#queue.shift()?.();
      done("ok");
    });
  }
}
