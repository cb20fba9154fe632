/** Sends bytes whole: at once where the kernel takes them, else waiting with what is left. */
import { FAILED, type Socket, WAIT } from "../net/socket.ts";

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
