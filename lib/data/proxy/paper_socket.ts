/** A socket of paper: the bytes of one request and nobody behind it; for asking what would become of a request. */
import { FAILED, type Socket, WAIT } from "../net/socket.ts";

export class PaperSocket implements Socket {
  readonly hungUp = false;
  readonly broken = false;
  readonly timedOut = false;
  readonly failure = "";
  readonly closed = false;
  readonly remoteHost = "127.0.0.1";
  onTrouble: (() => void) | undefined;
  #left: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#left = bytes;
  }

  get readReady(): boolean {
    return this.#left.length > 0;
  }

  readable(): Promise<void> {
    return Promise.resolve();
  }

  writable(): Promise<void> {
    return Promise.resolve();
  }

  tryRead(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.#left.length === 0) return WAIT;
    const count = Math.min(this.#left.length, to - from);
    buffer.set(this.#left.subarray(0, count), from);
    this.#left = this.#left.subarray(count);
    return count;
  }

  tryWrite(): number {
    return FAILED;
  }

  closeWrite(): void {}
  close(): void {}
  abort(): void {}
  expireAfter(): void {}
  wake(): void {}
}
