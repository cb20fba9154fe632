/** A listening socket in the epoll set: accepts in batches, and pauses instead of spinning when it must not. */
import type { Address } from "../../../core/address.ts";
import { epollEvent, errno } from "../../../plane/linux.ts";
import type { ListenerSpec } from "../../../plane/messages.ts";
import type { Listener, ListenHooks } from "../socket.ts";
import { Deadline } from "../timers.ts";
import type { NativeNet, Registered } from "./loop.ts";
import { NativeSocket } from "./socket.ts";

/** Connections taken in one turn, so that a storm of them does not hold up the ones that stand. */
const perTurn = 64;
const pauseMs = 50;

export class NativeListener extends Deadline implements Listener, Registered {
  readonly generation: number;
  readonly address: Address;
  readonly #net: NativeNet;
  readonly #fd: number;
  readonly #hooks: ListenHooks;
  #closed = false;

  constructor(net: NativeNet, spec: ListenerSpec, hooks: ListenHooks) {
    super();
    if (spec.fd === undefined) throw new Error("a native listener needs a shared descriptor");
    this.#net = net;
    this.#fd = spec.fd;
    this.address = spec.address;
    this.#hooks = hooks;
    this.generation = net.nextGeneration();
    this.#resume();
  }

  #resume(): void {
    this.#net.register(this.#fd, epollEvent.IN | epollEvent.EXCLUSIVE, this);
  }

  happened(): void {
    for (let taken = 0; taken < perTurn; taken++) {
      if (this.#hooks.full()) return this.#pause();
      const fd = this.#net.libc.accept(this.#fd);
      if (fd >= 0) {
        // The kernel gives out the lowest number that is free, so a high one tells that few are left.
        if (!this.#take(fd) || fd >= this.#net.bounds.accept) return this.#pause();
      } else if (fd === -errno.EAGAIN) {
        return;
      } else if (fd !== -errno.ECONNABORTED && fd !== -errno.EINTR) {
        // No descriptors or no memory: whoever waits in the kernel's queue waits a little longer.
        return this.#pause();
      }
    }
  }

  #take(fd: number): boolean {
    let socket: NativeSocket;
    try {
      socket = new NativeSocket(this.#net, fd, this.#net.libc.acceptedHost());
    } catch {
      // The kernel's limit of watched descriptors; the descriptor is closed and the next ones wait.
      return false;
    }
    this.#hooks.accepted(socket);
    return true;
  }

  #pause(): void {
    this.#hooks.pausing();
    this.#net.suspend(this.#fd);
    this.#net.timers.set(this, this.#net.now() + pauseMs);
  }

  override expired(): void {
    if (this.#closed) return;
    if (this.#hooks.full() || this.#net.crowded()) {
      this.#net.timers.set(this, this.#net.now() + pauseMs);
    } else this.#resume();
  }

  /**
   * Stops listening. The descriptor is control's and stays open; that alone would let callers wait for ever in the
   * kernel's queue.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#net.timers.drop(this);
    this.#net.suspend(this.#fd);
    this.#takeWaiting();
    this.#net.libc.stopListening(this.#fd);
  }

  /** Callers whom the kernel has taken already are served. */
  #takeWaiting(): void {
    for (;;) {
      const fd = this.#net.libc.accept(this.#fd);
      if (fd >= 0) {
        if (!this.#take(fd)) return;
      } else if (fd !== -errno.ECONNABORTED && fd !== -errno.EINTR) {
        return;
      }
    }
  }
}
