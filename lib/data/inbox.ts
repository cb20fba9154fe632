/** Lets what control posted into a data thread, between turns of its loop and without holding calls up. */

export interface InboxOptions {
  /** Int32Array(1): sequence number of the newest message that was posted. */
  readonly announced: Int32Array;
  /** Lets the runtime deliver what has arrived. */
  readonly deliver: () => Promise<void>;
  /** Units: milliseconds. */
  readonly now: () => number;
}

/** When so much of a turn went into messages, the others wait for the next one. */
const turnMs = 1;
/** Times in a row that nothing was delivered before a message is given up; each takes far less than a millisecond. */
const maxIdle = 1000;

export class Inbox {
  readonly #options: InboxOptions;
  #received = 0;
  #idle = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** A message has come. */
  received(sequence: number): void {
    this.#received = sequence;
    this.#idle = 0;
  }

  /** Takes in what was posted. Shape: false when more is on its way; the wake-up may be sooner than its message. */
  async take(): Promise<boolean> {
    const { announced, deliver, now } = this.#options;
    const untilMs = now() + turnMs;
    do {
      await deliver();
      if (this.#received >= Atomics.load(announced, 0)) return true;
      if (++this.#idle >= maxIdle) {
        this.#idle = 0;
        return true;
      }
    } while (now() < untilMs);
    return false;
  }
}
