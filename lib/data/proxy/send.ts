/** Sends bytes whole: at once where the kernel takes them, else waiting with what is left. */
import { MeshError } from "../../core/errors.ts";
import { slot } from "../../plane/counters.ts";
import { FAILED, type Socket, WAIT } from "../net/socket.ts";
import type { Client } from "./client.ts";

/**
 * Sends `bytes[from..to)`.
 *
 * Shape: true when all went out, false when the peer is gone or took nothing for `idleMs`; a promise of the same
 * when the kernel's buffer was full. The bytes may be used again as soon as this returns.
 */
export function sendAll(
  socket: Socket,
  bytes: Uint8Array<ArrayBuffer>,
  { from, to, idleMs }: { from: number; to: number; idleMs: number },
): boolean | Promise<boolean> {
  let at = from;
  while (at < to) {
    const count = socket.tryWrite(bytes, at, to);
    if (count === FAILED) return false;
    if (count === WAIT) return sendRest(socket, bytes.slice(at, to), idleMs);
    at += count;
  }
  return true;
}

/** Sends an answer of mesher's own that is no failure. Errors: MeshError client_gone. */
export async function sendOwnAnswer(
  client: Client,
  bytes: Uint8Array<ArrayBuffer>,
  status = 200,
): Promise<void> {
  const { context, exchange, socket } = client;
  exchange.status = status;
  context.count(exchange.block, slot.status + Math.floor(status / 100) - 1);
  const sent = await sendAll(socket, bytes, {
    from: 0,
    to: bytes.length,
    idleMs: context.policy.timeouts.bodyIdleMs,
  });
  if (!sent) throw new MeshError("client_gone", "the client went away before its answer");
}

async function sendRest(
  socket: Socket,
  bytes: Uint8Array<ArrayBuffer>,
  idleMs: number,
): Promise<boolean> {
  let at = 0;
  socket.expireAfter(idleMs);
  while (at < bytes.length) {
    const count = socket.tryWrite(bytes, at, bytes.length);
    if (count === FAILED) return false;
    if (count === WAIT) {
      if (socket.timedOut) return false;
      await socket.writable();
    } else {
      at += count;
      socket.expireAfter(idleMs);
    }
  }
  return true;
}
