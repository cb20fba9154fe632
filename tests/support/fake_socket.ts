/** A socket without a network: a test says what can be read and sees what was written. */
import { FAILED, type Socket, WAIT } from "../../lib/data/net/socket.ts";

/** The fake of the socket interface. Shape: writing always succeeds; nothing wakes by itself. */
export class FakeSocket implements Socket {
  hungUp = false;
  broken = false;
  timedOut = false;
  failure = "";
  closed = false;
  readonly remoteHost = "127.0.0.1";
  onTrouble: (() => void) | undefined;
  /** What `expireAfter` was called with last. */
  deadlineMs = Infinity;
  /** At most so many bytes go into one read. */
  maxRead = Infinity;
  /** Overrides the honest answer of `readReady`. */
  claimsReadReady = false;
  readonly written: number[] = [];
  #arrived: number[] = [];
  #ended = false;

  get readReady(): boolean {
    return this.claimsReadReady || this.#arrived.length > 0 || this.#ended;
  }

  /** Lets bytes arrive. */
  arrive(bytes: Iterable<number>): void {
    this.#arrived.push(...bytes);
  }

  /** The peer ends its side. */
  end(): void {
    this.#ended = this.hungUp = true;
    this.onTrouble?.();
  }

  tryRead(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed) return FAILED;
    if (!(from < to && to <= buffer.length)) throw new RangeError(`a read into ${from} to ${to}`);
    const bytes = this.#arrived.splice(0, Math.min(to - from, this.maxRead));
    if (bytes.length === 0) return this.#ended ? 0 : WAIT;
    buffer.set(bytes, from);
    return bytes.length;
  }

  tryWrite(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed) return FAILED;
    this.written.push(...buffer.subarray(from, to));
    return to - from;
  }

  readable(): Promise<void> {
    return Promise.resolve();
  }

  writable(): Promise<void> {
    return Promise.resolve();
  }

  closeWrite(): void {}

  close(): void {
    this.closed = true;
    this.onTrouble = undefined;
  }

  abort(): void {
    this.close();
  }

  expireAfter(ms: number): void {
    this.deadlineMs = ms;
  }

  wake(): void {}
}
