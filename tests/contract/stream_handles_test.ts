/** Stream handles of the runtime: what portable sockets use that its documentation does not promise. */
import { assert, assertEquals } from "@test/assert";
import { ConnSocket } from "../../lib/data/net/portable/conn_socket.ts";
import { HandleSocket } from "../../lib/data/net/portable/handle_socket.ts";
import { PortableNet } from "../../lib/data/net/portable/net.ts";
import { StreamHandles } from "../../lib/data/net/portable/stream_handles.ts";

/** Both ends of a connection, as the runtime gives them. */
async function ends(): Promise<readonly [Deno.Conn, Deno.Conn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
}

Deno.test("stream handles, the pinned runtime has them", () => {
  assert(StreamHandles.find() !== undefined, "portable sockets fall back to Deno.Conn");
});

Deno.test("stream handles, a portable socket uses one, and none where it is told not to", async () => {
  for (const [handles, kind] of [[true, HandleSocket], [false, ConnSocket]] as const) {
    const net = new PortableNet({ handles });
    const [mine, peer] = await ends();
    assert(net.adopt(mine) instanceof kind, `handles: ${handles}`);
    net.stop();
    peer.close();
  }
});

Deno.test("stream handles, a unix socket stays what it is", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  {
    using listener = Deno.listen({ transport: "unix", path });
    const [mine, peer] = await Promise.all([
      Deno.connect({ transport: "unix", path }),
      listener.accept(),
    ]);
    assertEquals(StreamHandles.find()!.open(mine), undefined);
    mine.close();
    peer.close();
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stream handles, bytes that wait for the peer are not those written later", async () => {
  const net = new PortableNet();
  const [mine, peer] = await ends();
  const socket = net.adopt(mine);
  const buffer = new Uint8Array(64 * 1024);
  let sent = 0;
  // Every write fills the same buffer with another byte, until the kernel takes no more.
  for (let value = 1;; value++) {
    buffer.fill(value);
    const count = socket.tryWrite(buffer, 0, buffer.length);
    if (count < 0) break;
    assertEquals(count, buffer.length);
    sent += count;
  }
  const got = new Uint8Array(256 * 1024);
  for (let at = 0; at < sent;) {
    const count = await peer.read(got);
    assert(count !== null, `the end after ${at} of ${sent} bytes`);
    for (let index = 0; index < count; index++) {
      const value = (Math.floor((at + index) / buffer.length) + 1) & 255;
      if (got[index] !== value) {
        throw new Error(`byte ${at + index} is ${got[index]}, not ${value}`);
      }
    }
    at += count;
  }
  net.stop();
  peer.close();
});
