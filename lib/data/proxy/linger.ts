/** The end of a client's connection: in such a way that its last answer arrives. */
import { FAILED, WAIT } from "../net/socket.ts";
import type { Client } from "./client.ts";

/** How long a client that is being closed may still send: without a pause longer than this, and in all. */
const lingerPauseMs = 1000;
const lingerMs = 5000;
/** What is read of it before others have their turn. */
const lingerBytesPerTurn = 256 * 1024;

/**
 * Closes so that the answer arrives: bytes that nobody reads would turn the close into a reset, which takes the
 * answer from the client's hands. Source: RFC 9112 section 9.6.
 */
export async function linger({ context, inbox, socket }: Client): Promise<void> {
  if (socket.closed || socket.broken) return;
  socket.closeWrite();
  const endMs = context.net.now() + lingerMs;
  let readInTurn = 0;
  while (context.net.now() < endMs) {
    inbox.consume(inbox.length);
    const count = socket.readReady ? inbox.fill() : WAIT;
    if (count === 0 || count === FAILED) return;
    if (count > 0) {
      readInTurn += count;
      if (readInTurn < lingerBytesPerTurn) continue;
      readInTurn = 0;
      await context.net.turn();
    } else {
      socket.expireAfter(lingerPauseMs);
      await socket.readable();
      if (socket.timedOut) return;
    }
    if (socket.closed) return;
  }
}
