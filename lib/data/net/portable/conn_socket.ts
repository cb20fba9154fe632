/** A connected socket over `Deno.Conn`: reads ahead into a small buffer and writes behind, so that trying never waits. */
import { FAILED, type Socket, WAIT } from "../socket.ts";
import { Deadline } from "../timers.ts";
import type { PortableNet } from "./net.ts";
import { remoteHostOf, type SocketParts } from "./parts.ts";
import type { Reading } from "./turns.ts";
import { Waiting } from "./waiting.ts";

const idleBytes = 4 * 1024;
const busyBytes = 64 * 1024;

export class ConnSocket extends Deadline implements Socket, Reading {
  readonly remoteHost: string;
  servedIn = 0;
  hungUp = false;
  broken = false;
  timedOut = false;
  failure = "";
  closed = false;
  onTrouble: (() => void) | undefined;
  readonly #net: PortableNet;
  readonly #conn: Deno.Conn;
  readonly #released: () => void;
  #buffer = new Uint8Array(idleBytes);
  #start = 0;
  #end = 0;
  #reading = false;
  #writing = false;
  /** Bytes on their way out, and how far they have gone. */
  #outgoing: Uint8Array<ArrayBuffer> | undefined;
  #outgoingEnd = 0;
  #sent = 0;
  #ended = false;
  /** The peer's side ended by a reset; what arrived before it can still be read. */
  #cut = false;
  #endWrite = false;
  readonly #waiting = new Waiting();

  constructor(parts: SocketParts) {
    super();
    this.#net = parts.net;
    this.#conn = parts.conn;
    this.#released = parts.released;
    this.remoteHost = remoteHostOf(parts.conn);
    this.#readAhead();
  }

  get readReady(): boolean {
    return this.#end > this.#start || this.#ended || this.#cut;
  }

  #readAhead(): void {
    if (this.#reading || this.#ended || this.#cut || this.closed) return;
    this.#reading = true;
    this.#start = this.#end = 0;
    this.#net.turns.read(this);
  }

  startRead(): void {
    if (this.closed) return;
    this.#conn.read(this.#buffer).then(this.#arrived, this.#readFailed);
  }

  readonly #arrived = (count: number | null): void => {
    this.#net.tick();
    if (count === null) {
      this.#ended = this.hungUp = true;
    } else {
      this.#end = count;
      this.#net.turns.served(this);
    }
    this.#readDone();
  };

  readonly #readFailed = (error: unknown): void => {
    this.#fail(error);
    this.#cut = true;
    this.#readDone();
  };

  #readDone(): void {
    this.#reading = false;
    if (this.closed) return;
    this.#waiting.wakeReader();
    if (this.hungUp) this.onTrouble?.();
  }

  tryRead(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed) return FAILED;
    const have = this.#end - this.#start;
    if (have > 0) {
      const count = Math.min(have, to - from);
      buffer.set(this.#buffer.subarray(this.#start, this.#start + count), from);
      this.#start += count;
      if (this.#start === this.#end) {
        // A full buffer means that a body flows; a small one is enough while nothing does.
        if (have === this.#buffer.length && have < busyBytes) {
          this.#buffer = new Uint8Array(busyBytes);
        } else if (this.#buffer.length === busyBytes && have < idleBytes) {
          this.#buffer = new Uint8Array(idleBytes);
        }
        this.#readAhead();
      }
      return count;
    }
    if (this.#cut) return FAILED;
    if (this.#ended) return 0;
    this.#readAhead();
    return WAIT;
  }

  tryWrite(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed || this.broken) return FAILED;
    if (this.#writing) return WAIT;
    const count = Math.min(to - from, busyBytes);
    this.#writing = true;
    // A copy stays as it is while it is written.
    this.#outgoing = this.#net.borrow(count);
    this.#outgoing.set(buffer.subarray(from, from + count));
    this.#outgoingEnd = count;
    this.#sent = 0;
    this.#writeRest();
    return count;
  }

  #writeRest(): void {
    const { length } = this.#outgoing!;
    const whole = this.#sent === 0 && this.#outgoingEnd === length;
    const bytes = whole ? this.#outgoing! : this.#outgoing!.subarray(this.#sent, this.#outgoingEnd);
    this.#conn.write(bytes).then(this.#written, this.#writeFailed);
  }

  readonly #written = (count: number): void => {
    this.#net.tick();
    this.#sent += count;
    if (this.#sent < this.#outgoingEnd) return this.#writeRest();
    if (this.#endWrite) {
      this.#shutdown().then(() => this.#writeDone(), this.#writeFailed);
    } else {
      this.#writeDone();
    }
  };

  readonly #writeFailed = (error: unknown): void => {
    this.#fail(error);
    this.#writeDone();
  };

  #writeDone(): void {
    this.#writing = false;
    this.#net.giveBack(this.#outgoing!);
    this.#outgoing = undefined;
    if (this.closed) return this.#release();
    this.#waiting.wakeWriter();
    if (this.broken) {
      this.#waiting.wakeReader();
      this.onTrouble?.();
    }
  }

  #fail(error: unknown): void {
    this.#net.tick();
    this.broken = this.hungUp = true;
    this.failure = error instanceof Error ? error.message : String(error);
    // A reset that a write met is not told to the next read. Other failures of a write leave the peer's last words
    // readable: an answer may say why the rest was not wanted.
    if (error instanceof Deno.errors.ConnectionReset) this.#cut = true;
  }

  readable(): Promise<void> {
    if (this.readReady || this.closed) return Promise.resolve();
    return this.#waiting.reader();
  }

  writable(): Promise<void> {
    if (!this.#writing || this.closed) return Promise.resolve();
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
    if (!this.#writing) this.#shutdown().catch((error) => this.#fail(error));
  }

  async #shutdown(): Promise<void> {
    await this.#conn.closeWrite();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#net.timers.drop(this);
    this.onTrouble = undefined;
    this.wake();
    // Bytes already taken by tryWrite are still delivered; a peer that takes none is cut off by `stop` or its reset.
    if (!this.#writing) this.#release();
  }

  /** `Deno.Conn` cannot send a reset; the engine frames bodies so that an early end is seen all the same. */
  abort(): void {
    const writing = this.#writing;
    this.close();
    if (writing) this.#release();
  }

  #freed = false;
  #release(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#released();
    this.#conn.close();
  }
}
