/** A sleep that something else can cut short: what the loops of the control plane wait with. */
import type { Clock } from "../../core/ports.ts";

/** One waiter at a time; a wake-up that meets nobody asleep is not remembered, so check the reason before sleeping. */
export class Wakeup {
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  #current = new AbortController();

  /** `stop` ends every sleep for good. */
  constructor(clock: Clock, stop: AbortSignal) {
    this.#clock = clock;
    this.#stop = stop;
    stop.addEventListener("abort", () => this.wake(), { once: true });
  }

  async sleep(ms: number): Promise<void> {
    if (!this.#stop.aborted) await this.#clock.sleep(ms, this.#current.signal);
  }

  wake(): void {
    const woken = this.#current;
    this.#current = new AbortController();
    woken.abort();
  }
}
