/** A connected socket over a stream handle: bytes are kept when they come and go out when they are given. */
import { FAILED, type Socket, WAIT } from "../socket.ts";
import { Deadline } from "../timers.ts";
import type { PortableNet } from "./net.ts";
import { remoteHostOf, type SocketParts } from "./parts.ts";
import type { StreamHandle, StreamHandles } from "./stream_handles.ts";
import { Waiting } from "./waiting.ts";

/** With so many unread bytes no more are read until they have been taken. */
const enoughBytes = 32 * 1024;
const mostPerWrite = 64 * 1024;

export class HandleSocket extends Deadline implements Socket {
  readonly remoteHost: string;
  hungUp = false;
  broken = false;
  timedOut = false;
  failure = "";
  closed = false;
  onTrouble: (() => void) | undefined;
  readonly #net: PortableNet;
  readonly #handles: StreamHandles;
  readonly #handle: StreamHandle;
  readonly #conn: Deno.Conn;
  readonly #released: () => void;
  readonly #waiting = new Waiting();
  /** What came and was not taken yet; nothing is kept for a socket that rests. */
  #unread: Uint8Array<ArrayBuffer> | undefined;
  #start = 0;
  #end = 0;
  /** Reading has stopped until what is unread has been taken. */
  #paused = false;
  /** What is still on its way out. */
  #outgoing: Uint8Array<ArrayBuffer> | undefined;
  #ended = false;
  /** The peer's side ended by a reset; what arrived before it can still be read. */
  #cut = false;
  #endWrite = false;
  #free = false;

  /** The handle is one on the socket of the connection. */
  constructor(handles: StreamHandles, handle: StreamHandle, parts: SocketParts) {
    super();
    this.#net = parts.net;
    this.#handles = handles;
    this.#handle = handle;
    this.#conn = parts.conn;
    this.#released = parts.released;
    this.remoteHost = remoteHostOf(parts.conn);
    this.#handle.onread = this.#came;
    this.#startRead();
  }

  get readReady(): boolean {
    return this.#end > this.#start || this.#ended || this.#cut;
  }

  #startRead(): void {
    const code = this.#handle.readStart();
    if (code !== 0) this.#readFailed(code);
  }

  readonly #came = (): void => {
    if (this.closed) return;
    this.#net.tick();
    const count = this.#handles.came;
    if (count > 0) {
      this.#keep(count);
      this.#waiting.wakeReader();
    } else {
      this.#readFailed(count);
    }
  };

  /** The peer's side has ended, one way or the other. */
  #readFailed(code: number): void {
    const name = this.#handles.errorName(code);
    if (name !== "EOF") {
      this.#fail(name);
      this.#cut = true;
    } else if (this.broken) {
      // A reset is told once. The write that met it was told, and reading meets an end that is none.
      this.#cut = true;
    } else {
      this.#ended = this.hungUp = true;
    }
    this.#waiting.wakeReader();
    this.onTrouble?.();
  }

  #keep(count: number): void {
    let unread = this.#unread;
    if (unread === undefined) {
      unread = this.#net.borrow(count);
      this.#start = this.#end = 0;
    } else if (this.#end + count > unread.length) {
      const have = this.#end - this.#start;
      const larger = this.#net.borrow(have + count);
      larger.set(unread.subarray(this.#start, this.#end));
      this.#net.giveBack(unread);
      unread = larger;
      this.#start = 0;
      this.#end = have;
    }
    this.#unread = unread;
    unread.set(this.#handles.buffer.subarray(0, count), this.#end);
    this.#end += count;
    if (this.#end - this.#start < enoughBytes) return;
    this.#paused = true;
    this.#handle.readStop();
  }

  tryRead(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed) return FAILED;
    const have = this.#end - this.#start;
    if (have > 0) {
      const count = Math.min(have, to - from);
      buffer.set(this.#unread!.subarray(this.#start, this.#start + count), from);
      this.#start += count;
      if (this.#start === this.#end) this.#taken();
      return count;
    }
    if (this.#cut) return FAILED;
    return this.#ended ? 0 : WAIT;
  }

  #taken(): void {
    this.#forgetUnread();
    if (!this.#paused) return;
    this.#paused = false;
    this.#startRead();
  }

  #forgetUnread(): void {
    if (this.#unread === undefined) return;
    this.#net.giveBack(this.#unread);
    this.#unread = undefined;
    this.#start = this.#end = 0;
  }

  tryWrite(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed || this.broken) return FAILED;
    if (this.#outgoing !== undefined) return WAIT;
    const count = Math.min(to - from, mostPerWrite);
    // What does not go out at once is taken from where it lies later, so it lies where nobody else writes.
    const outgoing = this.#net.borrow(count);
    outgoing.set(buffer.subarray(from, from + count));
    const left = this.#handles.write(this.#handle, outgoing.subarray(0, count));
    if (typeof left === "object") {
      this.#outgoing = outgoing;
      left.oncomplete = this.#written;
      return count;
    }
    this.#net.giveBack(outgoing);
    if (left === 0) return count;
    this.#fail(this.#handles.errorName(left));
    return FAILED;
  }

  readonly #written = (code: number): void => {
    this.#net.tick();
    this.#net.giveBack(this.#outgoing!);
    this.#outgoing = undefined;
    if (this.closed) return this.#release();
    if (code !== 0) this.#fail(this.#handles.errorName(code));
    this.#waiting.wakeWriter();
    if (code === 0) return;
    this.#waiting.wakeReader();
    this.onTrouble?.();
  };

  #fail(name: string): void {
    this.broken = this.hungUp = true;
    this.failure = name === "ECONNRESET" || name === "EPIPE"
      ? "reset by the peer"
      : `system error ${name}`;
  }

  readable(): Promise<void> {
    // Nothing would wake whoever waits for what has happened already.
    if (this.readReady || this.closed) return Promise.resolve();
    return this.#waiting.reader();
  }

  writable(): Promise<void> {
    if (this.#outgoing === undefined || this.closed) return Promise.resolve();
    return this.#waiting.writer();
  }

  wake(): void {
    this.#waiting.wake();
  }

  expireAfter(ms: number): void {
    if (this.closed) return;
    this.timedOut = false;
    this.#net.expireAfter(this, ms);
  }

  override expired(): void {
    this.timedOut = true;
    this.wake();
    this.onTrouble?.();
  }

  closeWrite(): void {
    if (this.closed || this.#endWrite) return;
    this.#endWrite = true;
    this.#handles.end(this.#handle, (code) => {
      if (!this.closed) this.#fail(this.#handles.errorName(code));
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#net.timers.drop(this);
    this.onTrouble = undefined;
    this.#forgetUnread();
    this.wake();
    // Bytes already taken by tryWrite are still delivered; a peer that takes none is cut off by `stop` or its reset.
    if (this.#outgoing === undefined) this.#release();
  }

  /**
   * The socket cannot be reset: closing the connection ends its writing side first. The engine frames bodies so that
   * an early end is seen all the same.
   */
  abort(): void {
    this.close();
    this.#release();
  }

  #release(): void {
    if (this.#free) return;
    this.#free = true;
    this.#handle.close();
    this.#conn.close();
    this.#released();
  }
}
