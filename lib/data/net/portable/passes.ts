/**
 * Tells when the event loop has been round once: everything that was ready by then has been looked at.
 *
 * A timer of 0 ms would tell it too, but takes a millisecond and more, in which a busy thread could have served dozens
 * of requests. A byte that goes to the kernel and comes back takes some microseconds.
 */

const byte = new Uint8Array(1);
/** A pair that nobody used for so long is closed. Units: milliseconds. */
const restMs = 1000;

export class Passes {
  readonly #buffer = new Uint8Array(16);
  #out: Deno.Conn | undefined;
  #back: Deno.Conn | undefined;
  #then: (() => void) | undefined;
  #opening = false;
  #closed = false;
  #usedAtMs = 0;

  /** Calls the function after the present pass. Shape: one at a time. */
  readonly after = (then: () => void): void => {
    this.#usedAtMs = performance.now();
    const [out, back] = [this.#out, this.#back];
    if (out === undefined || back === undefined) {
      // The first crowd comes before there is a pair; without one, timers have to do.
      if (!this.#opening && !this.#closed) this.#open();
      setTimeout(then, 0);
      return;
    }
    this.#then = then;
    back.read(this.#buffer).then(this.#came, this.#lost);
    out.write(byte).catch(this.#lost);
  };

  readonly #came = (count: number | null): void => {
    if (count === null) return this.#lost();
    this.#passed();
  };

  #passed(): void {
    const then = this.#then;
    this.#then = undefined;
    then?.();
  }

  readonly #lost = (): void => {
    this.#release();
    if (!this.#closed) setTimeout(() => this.#passed(), 0);
  };

  async #open(): Promise<void> {
    this.#opening = true;
    try {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const accepting = listener.accept();
      accepting.catch(() => {});
      const out = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
      this.#out = out;
      const back = await accepting;
      this.#back = back;
      out.setNoDelay(true);
      // Somebody else may have come first.
      if (back.remoteAddr.port !== out.localAddr.port || this.#closed) this.#release();
    } catch {
      this.#release();
    } finally {
      this.#opening = false;
    }
  }

  /** Closes what has not been used for a while; to be called now and then. */
  rest(nowMs: number): void {
    if (this.#then === undefined && nowMs - this.#usedAtMs > restMs) this.#release();
  }

  #release(): void {
    this.#out?.close();
    this.#back?.close();
    this.#out = this.#back = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }
}
