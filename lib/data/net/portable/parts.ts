/** What both kinds of portable sockets are made of. */
import type { PortableNet } from "./net.ts";

export interface SocketParts {
  readonly net: PortableNet;
  readonly conn: Deno.Conn;
  /** Called once, when the socket is closed and nothing of it is open. */
  readonly released: () => void;
}

/** Peer's host as an IP literal, or `unix`. */
export function remoteHostOf(conn: Deno.Conn): string {
  const remote = conn.remoteAddr;
  if (remote.transport !== "tcp") return "unix";
  // A caller by IPv4 on a listener for both families is named by its IPv4 address.
  return remote.hostname.replace(/^::ffff:(?=\d+\.)/i, "");
}
