/**
 * Bytes received and not yet consumed.
 *
 * All inboxes of a thread read into one shared scratch buffer, so an idle connection owns no buffer. Unread bytes
 * move to memory of their own as soon as another inbox needs the scratch.
 */
import type { Socket } from "../net/socket.ts";

export class Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  holder: Inbox | undefined;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }
}

const smallest = 4096;

export class Inbox {
  bytes: Uint8Array<ArrayBuffer>;
  start = 0;
  end = 0;
  readonly socket: Socket;
  readonly #scratch: Scratch;

  constructor(socket: Socket, scratch: Scratch) {
    this.socket = socket;
    this.#scratch = scratch;
    this.bytes = scratch.bytes;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Shape: as Socket.tryRead; the bytes are appended to the unread ones. */
  fill(): number {
    const scratch = this.#scratch;
    if (this.start === this.end) {
      if (scratch.holder !== this) {
        scratch.holder?.leaveScratch();
        scratch.holder = this;
      }
      this.bytes = scratch.bytes;
      this.start = this.end = 0;
    } else {
      this.#makeRoom();
    }
    const count = this.socket.tryRead(this.bytes, this.end, this.bytes.length);
    if (count > 0) this.end += count;
    return count;
  }

  #makeRoom(): void {
    const { length } = this;
    if (this.bytes === this.#scratch.bytes) {
      this.leaveScratch();
      return;
    }
    if (this.end < this.bytes.length) return;
    if (this.start > 0 && length <= this.bytes.length / 2) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes.subarray(this.start, this.end));
      this.bytes = larger;
    }
    this.start = 0;
    this.end = length;
  }

  /** Moves unread bytes to own memory; called when the scratch is needed elsewhere. */
  leaveScratch(): void {
    if (this.bytes !== this.#scratch.bytes) return;
    if (this.#scratch.holder === this) this.#scratch.holder = undefined;
    const { length } = this;
    if (length === 0) {
      this.start = this.end = 0;
      return;
    }
    const own = new Uint8Array(Math.max(smallest, length * 2));
    own.set(this.bytes.subarray(this.start, this.end));
    this.bytes = own;
    this.start = 0;
    this.end = length;
  }

  /** Marks bytes as used. Positions into `bytes` end here. */
  consume(count: number): void {
    this.start += count;
    if (this.start >= this.end) {
      this.start = this.end = 0;
      // Own memory is given up at once; an idle connection holds none.
      this.bytes = this.#scratch.bytes;
    }
  }
}
