/**
 * The C library's sockets: one small file of typed functions, each with its arguments checked.
 *
 * A wrong length here is memory corruption, so nothing else of the data plane calls a foreign function. Only the loop
 * of a data thread and the supervisor that shares descriptors with it use it. Linux only; elsewhere `openLibc` answers
 * undefined and the portable sockets take over.
 */
import type { Address } from "../core/address.ts";
import { socketSymbols } from "./libc_symbols.ts";
import { checkInt, EpollEvents, epollLayout, errno } from "./linux.ts";
import {
  AF_INET6,
  AF_UNIX,
  decodeAddress,
  encodeAddress,
  type SocketAddress,
} from "./socket_address.ts";

const SOCK_STREAM = 1, SOCK_NONBLOCK = 0o4000, SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_KEEPALIVE = 9, SO_LINGER = 13;
const IPPROTO_TCP = 6, TCP_NODELAY = 1, TCP_KEEPIDLE = 4, TCP_KEEPINTVL = 5, TCP_KEEPCNT = 6;
const IPPROTO_IPV6 = 41, IPV6_V6ONLY = 26;
const MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, MSG_PEEK = 2;
const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2;

const maxInt32 = 0x7fffffff;

function checkRange(buffer: Uint8Array, from: number, to: number): void {
  const whole = Number.isInteger(from) && Number.isInteger(to);
  if (!(whole && from >= 0 && from <= to && to <= buffer.length && to - from <= maxInt32)) {
    throw new RangeError(`bytes ${from} to ${to} of a buffer of ${buffer.length}`);
  }
}

/** Foreign calls cut numbers down to 32 bits, so that one too large would be another descriptor. */
function checkFd(fd: number): void {
  if ((fd | 0) !== fd || fd < 0) throw new RangeError(`${fd} is not a descriptor`);
}

/**
 * The C library as this program uses it.
 *
 * Shape: functions that can fail answer a negative error number, never -1 alone.
 * Errors: RangeError for arguments that no call may have; the kernel is not reached then.
 */
export class Libc {
  readonly #c: Deno.DynamicLibrary<typeof socketSymbols>["symbols"];
  readonly #errno: Int32Array;
  readonly #event = new Uint8Array(16);
  readonly #eventView = new DataView(this.#event.buffer);
  readonly #int = new Int32Array(1);
  readonly #intBytes = new Uint8Array(this.#int.buffer);
  readonly #length = new Int32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  readonly #eight = new Uint8Array(8);
  readonly #accepted = new Uint8Array(128);

  constructor(library: Deno.DynamicLibrary<typeof socketSymbols>) {
    this.#c = library.symbols;
    // errno is the thread's own memory, so every thread has to open its own Libc.
    const location = this.#c.__errno_location();
    if (location === null) throw new Error("the C library has no errno");
    this.#errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
  }

  #result(value: number): number {
    return value < 0 ? -this.#errno[0]! : value;
  }

  /** Opens a listening socket that does not block. Negative: error number. */
  listenTcp(address: Address, backlog = 4096): number {
    checkInt(backlog, 0, maxInt32, "a backlog");
    const socketAddress = encodeAddress(address);
    const fd = this.#socket(socketAddress.family);
    if (fd < 0) return fd;
    this.#setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    // "::" takes both families where the system allows it.
    if (socketAddress.family === AF_INET6) this.#setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    const { bytes } = socketAddress;
    let result = this.#result(this.#c.bind(fd, bytes, bytes.length));
    if (result >= 0) result = this.#result(this.#c.listen(fd, backlog));
    if (result < 0) {
      this.close(fd);
      return result;
    }
    return fd;
  }

  /** The address a socket is bound to; port 0 has become a real one. Errors: Error when it is no socket. */
  localAddress(fd: number): Address {
    checkFd(fd);
    this.#length[0] = this.#accepted.length;
    const result = this.#result(this.#c.getsockname(fd, this.#accepted, this.#lengthBytes));
    if (result < 0) throw new Error(`no address of descriptor ${fd}: system error ${-result}`);
    return decodeAddress(this.#accepted);
  }

  /** Accepts one connection that does not block, with Nagle off. Negative: error number. */
  accept(listener: number): number {
    checkFd(listener);
    this.#length[0] = this.#accepted.length;
    const fd = this.#result(
      this.#c.accept4(listener, this.#accepted, this.#lengthBytes, SOCK_NONBLOCK | SOCK_CLOEXEC),
    );
    if (fd >= 0) this.#setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
  }

  /** Host of the connection that `accept` returned last; `unix` for a unix socket. */
  acceptedHost(): string {
    const address = decodeAddress(this.#accepted);
    return "path" in address ? "unix" : address.host;
  }

  #socket(family: number): number {
    return this.#result(this.#c.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }

  /**
   * Starts a connection. The socket becomes writable when it stands or failed; `socketError` then tells which.
   *
   * Shape: the new descriptor, or a negative error number when it failed at once.
   */
  connect(address: SocketAddress): number {
    const fd = this.#socket(address.family);
    if (fd < 0) return fd;
    if (address.family !== AF_UNIX) {
      this.#setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      // A peer that vanished without a word is noticed after about a minute of silence.
      this.#setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      this.#setInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
      this.#setInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
      this.#setInt(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    }
    const result = this.#result(this.#c.connect(fd, address.bytes, address.bytes.length));
    if (result < 0 && result !== -errno.EINPROGRESS && result !== -errno.EINTR) {
      this.close(fd);
      return result;
    }
    return fd;
  }

  /** The pending error of a socket, 0 for none. */
  socketError(fd: number): number {
    checkFd(fd);
    this.#length[0] = 4;
    this.#int[0] = 0;
    this.#c.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#intBytes, this.#lengthBytes);
    return this.#int[0]!;
  }

  #setInt(fd: number, level: number, option: number, value: number): void {
    this.#int[0] = value;
    this.#c.setsockopt(fd, level, option, this.#intBytes, 4);
  }

  /** Makes the next close send a reset and drop what was not sent. */
  resetOnClose(fd: number): void {
    checkFd(fd);
    this.#eight.set([1, 0, 0, 0, 0, 0, 0, 0]);
    this.#c.setsockopt(fd, SOL_SOCKET, SO_LINGER, this.#eight, 8);
  }

  /**
   * Bytes read into `buffer[from..to)`, 0 at the end of the stream, negative error number.
   *
   * Errors: RangeError also for an empty range, since its 0 would be taken for the end of the stream.
   */
  recv(fd: number, buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    checkFd(fd);
    checkRange(buffer, from, to);
    if (from === to) throw new RangeError("a read into an empty range");
    const view = from === 0 ? buffer : buffer.subarray(from, to);
    return this.#result(this.#c.recv(fd, view, to - from, MSG_DONTWAIT));
  }

  /** Whether bytes wait (1), the stream has ended (0), or a negative error number. Consumes nothing. */
  peek(fd: number): number {
    checkFd(fd);
    return this.#result(this.#c.recv(fd, this.#eight, 1, MSG_DONTWAIT | MSG_PEEK));
  }

  /** Bytes taken from `buffer[from..to)`, negative error number. */
  send(fd: number, buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number {
    checkFd(fd);
    checkRange(buffer, from, to);
    const view = from === 0 ? buffer : buffer.subarray(from, to);
    return this.#result(this.#c.send(fd, view, to - from, MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  /** Ends listening for everybody who shares the descriptor: callers are refused from then on. */
  stopListening(fd: number): void {
    checkFd(fd);
    this.#c.shutdown(fd, 0);
  }

  shutdownWrite(fd: number): void {
    checkFd(fd);
    this.#c.shutdown(fd, 1);
  }

  /** Shape: a negative number, as a failed call leaves it, is passed over. */
  close(fd: number): void {
    if (fd < 0) return;
    checkFd(fd);
    this.#c.close(fd);
  }

  /** A pipe that holds about `bytes`. Undefined when no descriptors are left. */
  pipe(bytes: number): { readonly readFd: number; readonly writeFd: number } | undefined {
    checkInt(bytes, 1, maxInt32, "the size of a pipe");
    if (this.#c.pipe2(this.#eight, SOCK_NONBLOCK | SOCK_CLOEXEC) < 0) return undefined;
    const view = new DataView(this.#eight.buffer);
    const readFd = view.getInt32(0, true), writeFd = view.getInt32(4, true);
    // Refused beyond the user's limit on pipe memory; the default size then has to do.
    this.#c.fcntl(writeFd, F_SETPIPE_SZ, bytes);
    return { readFd, writeFd };
  }

  /** Bytes moved inside the kernel, 0 at the end of the stream, negative error number. */
  splice(fromFd: number, toFd: number, maxBytes: number): number {
    checkFd(fromFd);
    checkFd(toFd);
    checkInt(maxBytes, 1, maxInt32, "a number of bytes to move");
    return this.#result(
      this.#c.splice(fromFd, null, toFd, null, maxBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK),
    );
  }

  /** A counter that ends epoll_wait when written. */
  eventFd(): number {
    return this.#result(this.#c.eventfd(0, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

  /** Adds one to an eventfd. */
  signal(eventFd: number): void {
    checkFd(eventFd);
    this.#eight.set([1, 0, 0, 0, 0, 0, 0, 0]);
    this.#c.write(eventFd, this.#eight, 8);
  }

  /** Sets an eventfd back to zero. */
  clear(eventFd: number): void {
    checkFd(eventFd);
    this.#c.read(eventFd, this.#eight, 8);
  }

  epollCreate(): number {
    return this.#result(this.#c.epoll_create1(SOCK_CLOEXEC));
  }

  /** Adds a descriptor; `generation` comes back with its events. Negative: error number. */
  epollAdd(epoll: number, fd: number, events: number, generation: number): number {
    checkFd(epoll);
    checkFd(fd);
    checkInt(events, -maxInt32 - 1, 0xffffffff, "a set of events");
    checkInt(generation, -maxInt32 - 1, maxInt32, "a generation");
    this.#eventView.setUint32(0, events >>> 0, true);
    this.#eventView.setInt32(epollLayout.data, fd, true);
    this.#eventView.setInt32(epollLayout.data + 4, generation, true);
    return this.#result(this.#c.epoll_ctl(epoll, 1, fd, this.#event));
  }

  epollRemove(epoll: number, fd: number): void {
    checkFd(epoll);
    checkFd(fd);
    this.#c.epoll_ctl(epoll, 2, fd, this.#event);
  }

  /** Gives what the heaps of all threads have free back to the system. Cost: about a millisecond. */
  trimHeaps(): void {
    this.#c.malloc_trim(0n);
  }

  /** Number of entries in `events`; 0 after `timeoutMs` (-1: no limit); negative error number. */
  epollWait(epoll: number, events: EpollEvents, timeoutMs: number): number {
    checkFd(epoll);
    checkInt(timeoutMs, -1, maxInt32, "a waiting time");
    if (!(events instanceof EpollEvents)) throw new RangeError("no room for events");
    return this.#result(this.#c.epoll_wait(epoll, events.bytes, events.capacity, timeoutMs));
  }
}

/**
 * Opens the C library for the calling thread. Every thread opens its own, since errno is per thread.
 *
 * Errors: none; undefined off Linux, with another C library, or without the permission for foreign functions.
 */
export function openLibc(): Libc | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    return new Libc(Deno.dlopen("libc.so.6", socketSymbols));
  } catch {
    // No such library (musl) or no permission: both mean that the portable sockets have to do.
    return undefined;
  }
}
