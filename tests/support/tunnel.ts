/** A tunnel through the outbound port to a host outside. */
import type { Plane } from "./plane.ts";
import { head, type RawUpstream } from "./raw.ts";

/** Shape: both ends of it, after the first six bytes of something that is no HTTP went through. */
export async function openTunnel(plane: Plane, server: RawUpstream) {
  const client = await plane.client();
  const authority = `127.0.0.1:${server.port}`;
  client.send(head(`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`));
  await client.head();
  const peer = await server.accept();
  client.send("\x16hello");
  return { authority, client, peer, first: await peer.take(6) };
}
