/** Moves large bodies from socket to socket inside the kernel, through a few pipes that are lent out. */
import { errno } from "../../../plane/linux.ts";
import { WAIT } from "../socket.ts";
import type { NativeNet } from "./loop.ts";
import type { NativeSocket } from "./socket.ts";

const pipeBytes = 1 << 20;
const kept = 8;

interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

export class PipePool {
  readonly #net: NativeNet;
  readonly #idle: Pipe[] = [];
  /** Bytes of a source that are in a pipe and not yet at their target. */
  readonly #holding = new Map<NativeSocket, { readonly pipe: Pipe; bytes: number }>();

  constructor(net: NativeNet) {
    this.#net = net;
  }

  /** Pipes lent out with bytes inside; for tests. */
  get busy(): number {
    return this.#holding.size;
  }

  /**
   * Moves bytes from one socket to another.
   *
   * Shape: bytes that reached the target's socket buffer; 0 at the end of the source; WAIT when neither side can go
   * on, with `readReady` and `writeReady` telling which to wait for; FAILED; undefined without a pipe. The target
   * keeps its claim on the source's bytes between calls, until `release`.
   */
  move(source: NativeSocket, target: NativeSocket, maxBytes: number): number | undefined {
    let holding = this.#holding.get(source);
    if (holding === undefined) {
      const pipe = this.#idle.pop() ?? this.#open();
      if (pipe === undefined) return undefined;
      holding = { pipe, bytes: 0 };
      this.#holding.set(source, holding);
    }
    const { pipe } = holding;
    const room = Math.min(maxBytes - holding.bytes, pipeBytes - holding.bytes);
    if (room > 0 && source.readReady) {
      const count = this.#splice(source.fd, pipe.writeFd, room);
      if (count > 0) {
        holding.bytes += count;
      } else if (count === -errno.EAGAIN) {
        // With bytes in the pipe this may also mean a full pipe; then the write below makes room.
        if (holding.bytes === 0) source.readReady = source.hungUp;
      } else {
        // What is in the pipe still goes out; the next call finds the end again.
        const end = count === 0 ? source.ended() : source.spliceFailed(-count);
        if (holding.bytes === 0) {
          this.release(source);
          return end;
        }
      }
    }
    if (holding.bytes === 0) {
      this.release(source);
      return WAIT;
    }
    const sent = this.#splice(pipe.readFd, target.fd, holding.bytes);
    if (sent > 0) {
      holding.bytes -= sent;
      if (holding.bytes === 0) this.release(source);
      return sent;
    }
    if (sent === -errno.EAGAIN) {
      target.writeReady = false;
      return WAIT;
    }
    this.discard(source);
    return target.spliceFailed(-sent);
  }

  #splice(fromFd: number, toFd: number, maxBytes: number): number {
    for (;;) {
      const count = this.#net.libc.splice(fromFd, toFd, maxBytes);
      if (count !== -errno.EINTR) return count;
    }
  }

  /** Whether bytes of this source wait in a pipe for their target. */
  holds(source: NativeSocket): boolean {
    return this.#holding.has(source);
  }

  /** Gives an empty pipe back. */
  release(source: NativeSocket): void {
    const holding = this.#holding.get(source);
    if (holding === undefined) return;
    if (holding.bytes > 0) return this.discard(source);
    this.#holding.delete(source);
    if (this.#idle.length < kept) this.#idle.push(holding.pipe);
    else this.#close(holding.pipe);
  }

  /** Throws away a pipe whose bytes nobody will take: it must never reach another connection. */
  discard(source: NativeSocket): void {
    const holding = this.#holding.get(source);
    if (holding === undefined) return;
    this.#holding.delete(source);
    this.#close(holding.pipe);
  }

  #open(): Pipe | undefined {
    const pipe = this.#net.libc.pipe(pipeBytes);
    if (pipe !== undefined) {
      this.#net.own(pipe.readFd);
      this.#net.own(pipe.writeFd);
    }
    return pipe;
  }

  #close(pipe: Pipe): void {
    this.#net.closeOwned(pipe.readFd);
    this.#net.closeOwned(pipe.writeFd);
  }

  close(): void {
    for (const source of [...this.#holding.keys()]) this.discard(source);
    for (const pipe of this.#idle.splice(0)) this.#close(pipe);
  }
}
