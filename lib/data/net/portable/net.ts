/** The portable maker: `Deno.Conn` on the thread's own event loop, for every platform and for tests. */
import type { Address } from "../../../core/address.ts";
import { formatAddress } from "../../../core/address.ts";
import { MeshError } from "../../../core/errors.ts";
import type { ListenerSpec } from "../../../plane/messages.ts";
import type { Listener, Net, Socket } from "../socket.ts";
import { Timers } from "../timers.ts";
import { PortableListener } from "./listener.ts";
import { PortableSocket } from "./socket.ts";

const tickMs = 16;

export class PortableNet implements Net {
  readonly kind = "portable";
  readonly timers: Timers;
  readonly #sockets = new Set<PortableSocket>();
  readonly #sleeping = new Set<() => void>();
  readonly #ticker: ReturnType<typeof setInterval>;
  #stopped = false;

  constructor() {
    this.timers = new Timers(performance.now(), tickMs);
    this.#ticker = setInterval(() => this.timers.advance(performance.now()), tickMs);
    Deno.unrefTimer(Number(this.#ticker));
  }

  /** Sockets that are open; for tests. */
  get open(): number {
    return this.#sockets.size;
  }

  now(): number {
    return performance.now();
  }

  listen(spec: ListenerSpec, accepted: (socket: Socket) => void, paused: () => boolean): Listener {
    return new PortableListener(this, spec.address, { accepted, paused });
  }

  /** Wraps a connection that was accepted or made. */
  adopt(conn: Deno.Conn): PortableSocket {
    const socket = new PortableSocket(this, conn, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    return socket;
  }

  async dial(address: Address, timeoutMs: number): Promise<Socket> {
    const endpoint = formatAddress(address);
    const giveUp = new AbortController();
    let late = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late = true;
        giveUp.abort();
        reject(
          new MeshError("connect_timeout", `${endpoint} did not accept a connection in time`, {
            endpoint,
          }),
        );
      }, timeoutMs);
    });
    const connecting = "path" in address
      ? Deno.connect({ transport: "unix", path: address.path })
      : Deno.connect({ hostname: address.host, port: address.port, signal: giveUp.signal });
    // A connection that comes too late has no owner any more.
    connecting.then((conn) => late && conn.close(), () => {});
    try {
      const conn = await Promise.race([connecting, timeout]);
      if ("setNoDelay" in conn) conn.setNoDelay(true);
      return this.adopt(conn);
    } catch (error) {
      if (error instanceof MeshError) throw error;
      const detail = error instanceof Error ? error.message : String(error);
      throw new MeshError("connect_refused", `${endpoint} refused the connection: ${detail}`, {
        endpoint,
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  turn(): Promise<void> {
    return this.sleep(0);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#sleeping.delete(done);
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
    clearInterval(this.#ticker);
    for (const socket of [...this.#sockets]) socket.abort();
    for (const done of [...this.#sleeping]) done();
  }
}
