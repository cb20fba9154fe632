/** The native maker: one epoll set, one thread, and nothing else to wait in. */
import type { Address } from "../../../core/address.ts";
import { formatAddress } from "../../../core/address.ts";
import { MeshError } from "../../../core/errors.ts";
import { type Libc } from "../../../plane/libc.ts";
import { epollEvent, EpollEvents, errno } from "../../../plane/linux.ts";
import { encodeAddress } from "../../../plane/socket_address.ts";
import type { SocketAddress } from "../../../plane/socket_address.ts";
import type { ListenerSpec } from "../../../plane/messages.ts";
import { type DescriptorBounds, descriptorBounds, descriptorLimit } from "../descriptors.ts";
import type { Listener, ListenHooks, Net, Socket } from "../socket.ts";
import { Deadline, Timers } from "../timers.ts";
import { dialFailure, notDialable } from "./dial_failure.ts";
import { NativeListener } from "./listener.ts";
import { PipePool } from "./pipes.ts";
import { NativeSocket } from "./socket.ts";

/** Whatever is registered in the epoll set. */
export interface Registered {
  readonly generation: number;
  /** `events` are the bits of one entry of epoll_wait. */
  happened(events: number): void;
}

/** epoll_wait never waits longer, so a lost wake-up costs a second, not a hang. */
const maxWaitMs = 1000;
/**
 * A turn is over when this many microtask hops have passed without any socket being touched: an async function that
 * returns through all layers of the engine needs fewer, so nobody is left half-way when the thread goes to sleep.
 */
const quietHops = 8;

export class NativeNet implements Net {
  readonly kind = "native";
  readonly timers: Timers;
  readonly libc: Libc;
  readonly pipes: PipePool;
  readonly bounds: DescriptorBounds = descriptorBounds(descriptorLimit());
  /** Grows whenever a socket is touched; tells the loop that the turn goes on. */
  activity = 0;
  readonly #epoll: number;
  readonly #owned: Uint8Array;
  readonly #events = new EpollEvents(512);
  readonly #registered: (Registered | undefined)[] = [];
  readonly #addresses = new Map<string, SocketAddress>();
  #generation = 0;
  #now = performance.now();
  #turnWaiters: (() => void)[] = [];
  #turns = 0;
  #ended = false;

  /** Shape: `descriptors` gets a 1 at every descriptor that this thread owns. */
  constructor(libc: Libc, descriptors: Uint8Array = new Uint8Array(0)) {
    this.libc = libc;
    this.#owned = descriptors;
    this.#epoll = libc.epollCreate();
    if (this.#epoll < 0) {
      throw new Error(`no epoll set could be made: system error ${-this.#epoll}`);
    }
    this.own(this.#epoll);
    this.timers = new Timers(this.#now);
    this.pipes = new PipePool(this);
  }

  now(): number {
    return this.#now;
  }

  sinceTurn(): number {
    return performance.now() - this.#now;
  }

  get turns(): number {
    return this.#turns;
  }

  nextGeneration(): number {
    this.#generation = (this.#generation + 1) | 0;
    return this.#generation;
  }

  /** Adds a descriptor to the set. Errors: MeshError when the kernel has no room. */
  register(fd: number, events: number, owner: Registered): void {
    const result = this.libc.epollAdd(this.#epoll, fd, events, owner.generation);
    if (result < 0) throw new MeshError("internal", `epoll_ctl failed: system error ${-result}`);
    this.#registered[fd] = owner;
  }

  /** Notes that this thread has to close a descriptor. */
  own(fd: number): void {
    this.#owned[fd] = 1;
  }

  /** Closes an own descriptor, which also takes it out of the set. */
  closeOwned(fd: number): void {
    this.#registered[fd] = undefined;
    this.#owned[fd] = 0;
    this.libc.close(fd);
  }

  /** Whether so few descriptors are left that no client may be accepted. Cost: two system calls. */
  crowded(): boolean {
    const lowest = this.libc.eventFd();
    if (lowest < 0) return true;
    this.libc.close(lowest);
    return lowest >= this.bounds.accept;
  }

  /** Takes a descriptor out of the set while it stays open. */
  suspend(fd: number): void {
    this.#registered[fd] = undefined;
    // After the loop's end the number of its set may already be another thread's.
    if (!this.#ended) this.libc.epollRemove(this.#epoll, fd);
  }

  listen(spec: ListenerSpec, hooks: ListenHooks): Listener {
    return new NativeListener(this, spec, hooks);
  }

  async dial(address: Address, timeoutMs: number): Promise<Socket> {
    // A dial that fails at once touches no socket; the turn goes on all the same until its caller has seen it.
    this.activity++;
    let encoded: SocketAddress;
    try {
      encoded = this.#encode(address);
    } catch (cause) {
      throw notDialable(cause, address);
    }
    const fd = this.libc.connect(encoded);
    if (fd < 0) throw dialFailure(-fd, address);
    if (fd >= this.bounds.dial) {
      this.libc.close(fd);
      throw dialFailure(errno.EMFILE, address);
    }
    const socket = new NativeSocket(this, fd, "host" in address ? address.host : "unix");
    socket.awaitConnect();
    socket.expireAfter(timeoutMs);
    while (!socket.writeReady && !socket.timedOut && !socket.broken) await socket.writable();
    // A connection that failed is broken and writable at once; the pending error tells the two apart.
    const error = socket.writeReady || socket.broken ? this.libc.socketError(fd) : errno.ETIMEDOUT;
    if (error !== 0) {
      socket.close();
      throw dialFailure(error, address);
    }
    socket.expireAfter(Infinity);
    return socket;
  }

  #encode(address: Address): SocketAddress {
    const key = formatAddress(address);
    let encoded = this.#addresses.get(key);
    if (encoded === undefined) {
      if (this.#addresses.size >= 10_000) this.#addresses.clear();
      encoded = encodeAddress(address);
      this.#addresses.set(key, encoded);
    }
    return encoded;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => this.#turnWaiters.push(resolve));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timers.set(new Sleep(resolve), this.#now + ms);
    });
  }

  /**
   * Runs until `stopped` says so.
   *
   * Shape: `messages` is awaited after `wakeFd` was written, and in each further turn until it says that the thread
   * has all its messages.
   */
  async run(
    wakeFd: number,
    hooks: { stopped(): boolean; messages(): Promise<boolean>; turned(now: number): void },
  ): Promise<void> {
    let woken = false;
    const wake: Registered = {
      generation: this.nextGeneration(),
      happened: () => {
        woken = true;
        this.libc.clear(wakeFd);
      },
    };
    this.register(wakeFd, epollEvent.IN, wake);
    while (!hooks.stopped()) {
      const goesOn = woken || this.#turnWaiters.length > 0;
      const waitMs = goesOn ? 0 : this.timers.waitMs(this.#now, maxWaitMs);
      const count = this.libc.epollWait(this.#epoll, this.#events, waitMs);
      this.#now = performance.now();
      this.#turns++;
      if (count > 0) this.#dispatch(count);
      this.timers.advance(this.#now);
      this.#releaseTurnWaiters();
      hooks.turned(this.#now);
      if (woken) {
        woken = !await hooks.messages();
      }
      await this.#settle();
    }
    this.pipes.close();
    this.#ended = true;
    this.closeOwned(this.#epoll);
  }

  #dispatch(count: number): void {
    const events = this.#events;
    for (let index = 0; index < count; index++) {
      const owner = this.#registered[events.fd(index)];
      // A number closed in this batch may already stand for another connection.
      if (owner === undefined || owner.generation !== events.generation(index)) continue;
      owner.happened(events.events(index));
    }
  }

  #releaseTurnWaiters(): void {
    if (this.#turnWaiters.length === 0) return;
    const waiters = this.#turnWaiters;
    this.#turnWaiters = [];
    for (const resolve of waiters) resolve();
  }

  async #settle(): Promise<void> {
    let seen: number;
    do {
      seen = this.activity;
      for (let hop = 0; hop < quietHops; hop++) await null;
    } while (seen !== this.activity);
  }
}

class Sleep extends Deadline {
  readonly #resolve: () => void;

  constructor(resolve: () => void) {
    super();
    this.#resolve = resolve;
  }

  override expired(): void {
    this.#resolve();
  }
}
