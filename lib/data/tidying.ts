/** Finds the moments in which a data thread gives memory back: after its start, and when a time of much work is over. */

/** A little less than an idle loop waits, so that each of its turns is a look. */
const lookMs = 900;
/** A thread that touches its sockets no more often between two looks serves some ten requests. */
const fewTouches = 100;
/**
 * So many such looks in a row, half a minute, and the work is over. Not sooner: what the engine has compiled goes as
 * well, and a crowd that comes back after some seconds would pay for it.
 */
const quietLooks = 33;
/** Sockets touched less often than this, in a thousand requests, leave nothing behind that is worth a collection. */
const muchWork = 10_000;

/** What is seen of the loop. */
export interface Loop {
  now(): number;
  /** Grows whenever a socket is touched. */
  readonly activity: number;
}

export class Tidying {
  readonly #loop: Loop;
  readonly #giveBack: () => void;
  #lookAtMs: number;
  #quiet = 0;
  #begun = false;
  /** Of the loop, at the last look and when memory was last given back. */
  #seen = 0;
  #tidied = 0;

  constructor(loop: Loop, giveBack: () => void) {
    this.#loop = loop;
    this.#lookAtMs = loop.now() + lookMs;
    this.#giveBack = giveBack;
  }

  /** To be called after every turn of the loop. Shape: `clients` are the connections that are open. */
  turned(clients: number): void {
    const nowMs = this.#loop.now();
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + lookMs;
    const { activity } = this.#loop;
    this.#quiet = activity - this.#seen > fewTouches ? 0 : this.#quiet + 1;
    this.#seen = activity;
    const worked = this.#quiet >= quietLooks && activity - this.#tidied >= muchWork;
    if (worked || (!this.#begun && clients === 0)) this.#tidy();
  }

  #tidy(): void {
    this.#begun = true;
    this.#tidied = this.#loop.activity;
    this.#giveBack();
  }
}
