/** A portable listening socket: one accept loop that pauses instead of spinning when descriptors run out. */
import type { Address } from "../../../core/address.ts";
import type { Listener, ListenHooks } from "../socket.ts";
import type { PortableNet } from "./net.ts";

const pauseMs = 50;

export class PortableListener implements Listener {
  readonly address: Address;
  readonly #net: PortableNet;
  readonly #listener: Deno.Listener<Deno.Conn>;
  #closed = false;

  /** Errors: what Deno.listen throws when the address cannot be had. */
  constructor(net: PortableNet, address: Address, hooks: ListenHooks) {
    this.#net = net;
    this.#listener = "path" in address
      ? Deno.listen({ transport: "unix", path: address.path }) as Deno.Listener<Deno.Conn>
      : Deno.listen({ hostname: address.host, port: address.port });
    const bound = this.#listener.addr;
    this.address = bound.transport === "tcp" ? { host: bound.hostname, port: bound.port } : address;
    this.#run(hooks);
  }

  async #run(hooks: ListenHooks): Promise<void> {
    let pausing = false;
    const pause = async (): Promise<void> => {
      if (!pausing) hooks.pausing();
      pausing = true;
      await this.#net.sleep(pauseMs);
    };
    while (!this.#closed) {
      if (hooks.full() || this.#net.crowded) {
        await pause();
        continue;
      }
      let conn: Deno.Conn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        // Closed, or a caller that left before it was taken, or no descriptors; only the last asks for a pause.
        if (!this.#closed && !leftEarly(error)) await pause();
        continue;
      }
      pausing = false;
      try {
        if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
      } catch {
        // Some systems refuse it once the caller has left; reading will tell.
      }
      hooks.accepted(this.#net.adopt(conn));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

/** Whether accepting failed only because the caller was gone already. */
function leftEarly(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}
