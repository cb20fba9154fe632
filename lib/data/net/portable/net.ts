/** The portable maker: sockets on the event loop of the thread's runtime, for every platform and for tests. */
import type { Address } from "../../../core/address.ts";
import { formatAddress } from "../../../core/address.ts";
import { MeshError } from "../../../core/errors.ts";
import type { ListenerSpec } from "../../../plane/messages.ts";
import {
  type DescriptorBounds,
  descriptorBounds,
  descriptorLimit,
  noDescriptors,
  outOfDescriptors,
} from "../descriptors.ts";
import type { Listener, ListenHooks, Net, Socket } from "../socket.ts";
import { type Deadline, Timers } from "../timers.ts";
import { ConnSocket } from "./conn_socket.ts";
import { HandleSocket } from "./handle_socket.ts";
import { PortableListener } from "./listener.ts";
import type { SocketParts } from "./parts.ts";
import { Passes } from "./passes.ts";
import { StreamHandles } from "./stream_handles.ts";
import { Ticker } from "./ticker.ts";
import { ReadTurns } from "./turns.ts";

const tickMs = 16;
/** Without anything to do there is a look at the deadlines and at what may be closed only so often. */
const maxRestMs = 1000;
/** Buffers come in two sizes; so many of each are kept for the next one who needs one. */
const smallBytes = 4 * 1024;
const keptSmall = 1024;
const largeBytes = 96 * 1024;
const keptLarge = 32;
/** Descriptors that the rest of the process has open; a runtime with its files, registry and admin API. */
const usedElsewhere = 40;

export class PortableNet implements Net {
  readonly kind = "portable";
  readonly timers: Timers;
  /** Grows whenever something happens to a socket. */
  activity = 0;
  readonly #passes = new Passes();
  readonly turns = new ReadTurns(this.#passes.after);
  readonly #bounds: DescriptorBounds = descriptorBounds(descriptorLimit());
  readonly #small: Uint8Array<ArrayBuffer>[] = [];
  readonly #large: Uint8Array<ArrayBuffer>[] = [];
  readonly #handles: StreamHandles | undefined;
  #now = performance.now();
  readonly #sockets = new Set<ConnSocket | HandleSocket>();
  /** Descriptors of these sockets. */
  #opened = 0;
  /** Connections that are being made and have a descriptor already. */
  #dialling = 0;
  readonly #sleeping = new Set<() => void>();
  readonly #ticker: Ticker;
  #stopped = false;

  /** Without stream handles every socket is a `Deno.Conn`, as on runtimes that have none. */
  constructor({ handles = true }: { readonly handles?: boolean } = {}) {
    this.#handles = handles ? StreamHandles.find() : undefined;
    this.timers = new Timers(this.#now, tickMs);
    this.#ticker = new Ticker({
      beatMs: tickMs,
      beat: () => {
        this.turns.nextRound();
        this.timers.advance(this.#now = performance.now());
        this.#passes.rest(this.#now);
      },
      restMs: () => this.timers.waitMs(this.#now, maxRestMs),
    });
  }

  /** Whether the clock stands until something happens; for tests. */
  get resting(): boolean {
    return this.#ticker.resting;
  }

  /** Sockets that are open; for tests. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Whether so few descriptors are left that no client may be accepted. */
  get crowded(): boolean {
    return this.#descriptors >= this.#bounds.accept;
  }

  /** The runtime does not show descriptors; these are those that are known of. */
  get #descriptors(): number {
    return usedElsewhere + this.#opened + this.#dialling;
  }

  now(): number {
    if (this.#ticker.resting) this.#now = performance.now();
    return this.#now;
  }

  sinceTurn(): number {
    return performance.now() - this.now();
  }

  /** Reads the clock; called when something has happened, so that what follows needs not. */
  tick(): number {
    this.activity++;
    this.#ticker.touch();
    return this.#now = performance.now();
  }

  /** Sets the deadline of a socket. Units: milliseconds from now; Infinity for none. */
  expireAfter(item: Deadline, ms: number): void {
    this.timers.set(item, this.now() + ms);
    this.#ticker.touch();
  }

  /** A buffer of at least so many bytes, to be given back. */
  borrow(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes <= smallBytes) return this.#small.pop() ?? new Uint8Array(smallBytes);
    if (bytes <= largeBytes) return this.#large.pop() ?? new Uint8Array(largeBytes);
    return new Uint8Array(bytes);
  }

  /** Takes a borrowed buffer back once nobody uses it any more. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length === smallBytes) {
      if (this.#small.length < keptSmall) this.#small.push(buffer);
    } else if (buffer.length === largeBytes && this.#large.length < keptLarge) {
      this.#large.push(buffer);
    }
  }

  listen(spec: ListenerSpec, hooks: ListenHooks): Listener {
    return new PortableListener(this, spec.address, hooks);
  }

  /** Wraps a connection that was accepted or made. */
  adopt(conn: Deno.Conn): ConnSocket | HandleSocket {
    this.tick();
    const handle = this.#handles?.open(conn);
    const descriptors = handle === undefined ? 1 : 2;
    this.#opened += descriptors;
    const parts: SocketParts = {
      net: this,
      conn,
      released: () => {
        this.#opened -= descriptors;
        this.#sockets.delete(socket);
      },
    };
    const socket: ConnSocket | HandleSocket = handle === undefined
      ? new ConnSocket(parts)
      : new HandleSocket(this.#handles!, handle, parts);
    this.#sockets.add(socket);
    return socket;
  }

  async dial(address: Address, timeoutMs: number): Promise<Socket> {
    const endpoint = formatAddress(address);
    if (this.#descriptors >= this.#bounds.dial) {
      throw new MeshError("concurrency_limit", noDescriptors, { endpoint });
    }
    const giveUp = new AbortController();
    let late = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // Who judges by the time that was waited is not to read an older one.
        this.tick();
        late = true;
        giveUp.abort();
        reject(
          new MeshError("connect_timeout", `${endpoint} did not accept a connection in time`, {
            endpoint,
          }),
        );
      }, timeoutMs);
    });
    this.#dialling++;
    const connecting = this.#connect(address, giveUp.signal);
    // A connection that comes too late has no owner any more.
    connecting.then((socket) => late && socket.close(), () => {});
    try {
      return await Promise.race([connecting, timeout]);
    } catch (error) {
      if (error instanceof MeshError) throw error;
      if (outOfDescriptors(error)) {
        throw new MeshError("concurrency_limit", noDescriptors, { endpoint, cause: error });
      }
      const detail = error instanceof Error ? error.message : String(error);
      throw new MeshError("connect_refused", `${endpoint} refused the connection: ${detail}`, {
        endpoint,
        cause: error,
      });
    } finally {
      this.#dialling--;
      clearTimeout(timer);
    }
  }

  async #connect(address: Address, signal: AbortSignal): Promise<ConnSocket | HandleSocket> {
    if ("path" in address) {
      return this.adopt(await Deno.connect({ transport: "unix", path: address.path }));
    }
    // Not by a handle: among hundreds of busy ones those that connect are not looked at for seconds.
    const conn = await Deno.connect({ hostname: address.host, port: address.port, signal });
    conn.setNoDelay(true);
    return this.adopt(conn);
  }

  turn(): Promise<void> {
    // Not a timer: one of no time at all still takes a millisecond.
    return new Promise((resolve) => setImmediate(resolve));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#sleeping.delete(done);
        this.tick();
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#sleeping.add(done);
      if (this.#stopped) done();
    });
  }

  /** Closes every socket and ends every sleep. */
  stop(): void {
    this.#stopped = true;
    this.#ticker.stop();
    this.#passes.close();
    for (const socket of [...this.#sockets]) socket.abort();
    for (const done of [...this.#sleeping]) done();
  }
}
