/** The servers that mesher itself runs, over Deno.serve. */
import type { Address } from "../core/address.ts";
import { formatAddress } from "../core/address.ts";
import { AddressInUseError, type HttpServer, type ServeHttp } from "../core/ports.ts";

/** How long open requests may take when a server closes. Units: milliseconds. */
const closeMs = 500;

export const serveHttp: ServeHttp = (address, fetch): HttpServer => {
  let server: Deno.HttpServer;
  const shared = {
    onListen: () => {},
    onError: () => new Response("internal error\n", { status: 500 }),
  };
  try {
    server = "path" in address
      ? Deno.serve({ ...shared, path: address.path }, fetch)
      : Deno.serve({ ...shared, hostname: address.host, port: address.port }, fetch);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new AddressInUseError(
        `cannot listen on ${formatAddress(address)}: the address is in use by another program`,
        { cause: error },
      );
    }
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot listen on ${formatAddress(address)}: ${words}`, { cause: error });
  }
  const bound = server.addr as Deno.Addr;
  const actual: Address = bound.transport === "tcp"
    ? { host: bound.hostname, port: bound.port }
    : address;
  return {
    address: actual,
    async close() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, closeMs));
      // A server that shuts down cannot be aborted any more, so requests that hang are left to the process's end.
      await Promise.race([server.shutdown(), late]);
      clearTimeout(timer);
    },
  };
};

/** Turns a request into a web socket that pings its peer about every half minute. */
export function upgradeSocket(request: Request): { socket: WebSocket; response: Response } {
  return Deno.upgradeWebSocket(request, { idleTimeout: 60 });
}
