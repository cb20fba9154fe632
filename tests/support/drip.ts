/** A peer that sends drop by drop. */
import type { RawPeer } from "./raw.ts";

/** Sends one byte after the other until the connection has something to say or ends. */
export async function drip(peer: RawPeer, text: string): Promise<void> {
  for (const byte of text) {
    if (peer.pending !== "" || peer.end !== undefined) return;
    peer.send(byte);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
