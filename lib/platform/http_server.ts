/** The servers that mesher itself runs, over Deno.serve. */
import type { Address } from "../core/address.ts";
import { formatAddress } from "../core/address.ts";
import { AddressInUseError, type HttpServer, type ServeHttp } from "../core/ports.ts";

/** How long open requests may take when a server closes. Units: milliseconds. */
const closeMs = 500;

/** How long a server rests that could not accept. Units: milliseconds. */
const restMs = 100;

export const serveHttp: ServeHttp = (address, fetch): HttpServer => {
  let server = open(address, fetch);
  const actual = boundTo(server, address);
  let closing = false;
  let resting: ReturnType<typeof setTimeout> | undefined;
  // The runtime's server ends at the first call that it cannot accept, as when no file descriptor is left; unwatched,
  // that would end the process. It is opened again where it was until it stands.
  const watch = (): void => {
    server.finished.catch(() => {
      if (!closing) resting = setTimeout(reopen, restMs);
    });
  };
  const reopen = (): void => {
    if (closing) return;
    try {
      server = open(actual, fetch);
      watch();
    } catch {
      resting = setTimeout(reopen, restMs);
    }
  };
  watch();
  return {
    address: actual,
    async close() {
      closing = true;
      clearTimeout(resting);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, closeMs));
      // A server that shuts down cannot be aborted any more, so requests that hang are left to the process's end.
      await Promise.race([server.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
};

function open(address: Address, fetch: Parameters<ServeHttp>[1]): Deno.HttpServer {
  const shared = {
    onListen: () => {},
    onError: () => new Response("internal error\n", { status: 500 }),
  };
  try {
    return "path" in address
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
}

/** Port 0 has become a real one. */
function boundTo(server: Deno.HttpServer, address: Address): Address {
  const bound = server.addr as Deno.Addr;
  return bound.transport === "tcp" ? { host: bound.hostname, port: bound.port } : address;
}

/** Turns a request into a web socket that pings its peer about every half minute. */
export function upgradeSocket(request: Request): { socket: WebSocket; response: Response } {
  return Deno.upgradeWebSocket(request, { idleTimeout: 60 });
}
