/** An address that swallows connections: what a host that has gone from the network looks like. */
import { openLibc } from "../../lib/plane/libc.ts";

export interface BlackHole {
  readonly port: number;
  close(): void;
}

/**
 * A listener whose accept queue is full: the kernel answers no further connection, as if the host were gone.
 *
 * Shape: undefined where the C library cannot be had.
 */
export function blackHole(host = "127.0.0.1", port = 0): BlackHole | undefined {
  const libc = openLibc();
  if (libc === undefined) return undefined;
  const listener = libc.listenTcp({ host, port }, 0);
  if (listener < 0) throw new Error(`cannot listen on ${host}:${port}: system error ${-listener}`);
  const bound = libc.localAddress(listener);
  if ("path" in bound) throw new Error("unreachable");
  const fillers: Deno.TcpConn[] = [];
  const filler = Deno.connect({ hostname: host, port: bound.port });
  filler.then((conn) => fillers.push(conn), () => {});
  return {
    port: bound.port,
    close() {
      libc.close(listener);
      for (const conn of fillers) conn.close();
    },
  };
}
