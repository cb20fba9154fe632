/** A connected socket on the kernel's own calls. */
import { epollEvent, errno } from "../../../plane/linux.ts";
import { FAILED, type Socket, WAIT } from "../socket.ts";
import { Deadline } from "../timers.ts";
import type { NativeNet, Registered } from "./loop.ts";

const interest = epollEvent.IN | epollEvent.OUT | epollEvent.RDHUP | epollEvent.ET;

export class NativeSocket extends Deadline implements Socket, Registered {
  readonly generation: number;
  readonly fd: number;
  readonly remoteHost: string;
  // A new connection often carries its first bytes already; a try that finds none costs less than a turn.
  readReady = true;
  writeReady = true;
  hungUp = false;
  broken = false;
  timedOut = false;
  failure = "";
  closed = false;
  onTrouble: (() => void) | undefined;
  readonly #net: NativeNet;
  /** The peer's side ended by a reset, whatever the kernel says later. */
  #cut = false;
  #reader: (() => void) | undefined;
  #writer: (() => void) | undefined;

  /** Errors: MeshError when the kernel has no room; the descriptor is closed then. */
  constructor(net: NativeNet, fd: number, remoteHost: string) {
    super();
    this.#net = net;
    this.fd = fd;
    this.remoteHost = remoteHost;
    this.generation = net.nextGeneration();
    net.own(fd);
    try {
      net.register(fd, interest, this);
    } catch (error) {
      net.closeOwned(fd);
      throw error;
    }
  }

  /** The connection is being made: nothing can be written or read yet. */
  awaitConnect(): void {
    this.writeReady = false;
    this.readReady = false;
  }

  happened(events: number): void {
    const ended = events & (epollEvent.RDHUP | epollEvent.HUP | epollEvent.ERR);
    if (ended !== 0) {
      this.hungUp = true;
      if ((events & (epollEvent.HUP | epollEvent.ERR)) !== 0) this.broken = true;
    }
    if ((events & epollEvent.IN) !== 0 || ended !== 0) {
      this.readReady = true;
      this.#wakeReader();
    }
    if ((events & epollEvent.OUT) !== 0 || ended !== 0) {
      this.writeReady = true;
      this.#wakeWriter();
    }
    if (ended !== 0 && this.onTrouble !== undefined) this.onTrouble();
  }

  readonly #parkReader = (resolve: () => void): void => {
    this.#reader = resolve;
  };

  readonly #parkWriter = (resolve: () => void): void => {
    this.#writer = resolve;
  };

  readable(): Promise<void> {
    this.#net.activity++;
    // Nothing would wake whoever waits for what has happened already.
    if (this.readReady || this.closed) return Promise.resolve();
    return new Promise(this.#parkReader);
  }

  writable(): Promise<void> {
    this.#net.activity++;
    if (this.writeReady || this.closed) return Promise.resolve();
    return new Promise(this.#parkWriter);
  }

  #wakeReader(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    reader();
  }

  #wakeWriter(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    writer();
  }

  wake(): void {
    this.#wakeReader();
    this.#wakeWriter();
  }

  tryRead(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed) return FAILED;
    this.#net.activity++;
    for (;;) {
      const count = this.#net.libc.recv(this.fd, buffer, from, to);
      if (count > 0) {
        // A short read has emptied the socket, unless its end came with the same edge: that must still be read.
        if (count < to - from && !this.hungUp) this.readReady = false;
        return count;
      }
      if (count === 0) return this.ended();
      if (count === -errno.EINTR) continue;
      if (count === -errno.EAGAIN) {
        this.readReady = false;
        return WAIT;
      }
      return this.#fail(-count);
    }
  }

  tryWrite(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    if (this.closed) return FAILED;
    this.#net.activity++;
    for (;;) {
      const count = this.#net.libc.send(this.fd, buffer, from, to);
      if (count >= 0) return count;
      if (count === -errno.EINTR) continue;
      if (count === -errno.EAGAIN || count === -errno.ENOBUFS) {
        this.writeReady = false;
        return WAIT;
      }
      return this.#fail(-count);
    }
  }

  spliceTo(target: Socket, maxBytes: number): number | undefined {
    if (!(target instanceof NativeSocket) || this.closed || target.closed) return undefined;
    this.#net.activity++;
    return this.#net.pipes.move(this, target, maxBytes);
  }

  get pendingSplice(): boolean {
    return this.#net.pipes.holds(this);
  }

  /**
   * Notes that nothing more comes. Shape: 0, or FAILED after a reset: the kernel tells of that once, to a read or a
   * write, and then of an end of the stream, which would pass for the end of a whole message.
   */
  ended(): number {
    this.hungUp = true;
    this.readReady = true;
    return this.#cut ? FAILED : 0;
  }

  #fail(code: number): number {
    this.broken = this.hungUp = true;
    // After a proper end of the peer's side the kernel says EPIPE, and what it sent until then is whole.
    if (code !== errno.EPIPE) this.#cut = true;
    this.failure = code === errno.ECONNRESET || code === errno.EPIPE
      ? "reset by the peer"
      : `system error ${code}`;
    return FAILED;
  }

  /** Notes an error that the splice path met. */
  spliceFailed(code: number): number {
    return this.#fail(code);
  }

  expireAfter(ms: number): void {
    if (this.closed) return;
    this.timedOut = false;
    this.#net.timers.set(this, this.#net.now() + ms);
  }

  override expired(): void {
    this.timedOut = true;
    this.wake();
    this.onTrouble?.();
  }

  closeWrite(): void {
    if (!this.closed) this.#net.libc.shutdownWrite(this.fd);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#net.activity++;
    this.#net.timers.drop(this);
    this.#net.pipes.discard(this);
    this.#net.closeOwned(this.fd);
    this.onTrouble = undefined;
    this.wake();
  }

  abort(): void {
    if (this.closed) return;
    this.#net.libc.resetOnClose(this.fd);
    this.close();
  }
}
