/** Conformance cases of an open byte stream, whatever opened it: both ways, half-closed, reset. */
import { assert, assertEquals } from "@test/assert";
import type { Case, Scene } from "./conformance.ts";
import type { RawPeer } from "./raw.ts";

/** Sends words through a stream in both directions. */
export async function echoBothWays(client: RawPeer, upstream: RawPeer): Promise<void> {
  for (const word of ["\x81\x05hello", "\0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "x".repeat(200_000)]) {
    client.send(word);
    assert(await upstream.take(word.length) === word, "the word on its way up");
    upstream.send(word);
    assert(await client.take(word.length) === word, "the word on its way back");
  }
}

/** What two ends of an open byte stream may do to each other. */
export function byteStream(
  kind: string,
  open: (scene: Scene) => Promise<RawPeer>,
): readonly Case[] {
  return [
    {
      title: `${kind}: bytes pass both ways`,
      client: "closed",
      upstream: "closed",
      async play(scene) {
        const upstream = await open(scene);
        await echoBothWays(scene.client, upstream);
        upstream.close();
      },
    },
    {
      title: `${kind}: a client that ends its side still hears the other`,
      client: "closed",
      upstream: "closed",
      async play(scene) {
        const upstream = await open(scene);
        scene.client.send("bye");
        scene.client.endWrite();
        assertEquals(await upstream.rest(), { text: "bye", end: "end" });
        upstream.send("still here");
        assertEquals(await scene.client.take(10), "still here");
        upstream.endWrite();
      },
    },
    {
      title: `${kind}: an upstream that ends its side still hears the other`,
      client: "closed",
      upstream: "closed",
      async play(scene) {
        const upstream = await open(scene);
        upstream.send("bye");
        upstream.endWrite();
        assertEquals(await scene.client.take(3), "bye");
        await scene.client.closed();
        scene.client.send("still here");
        assertEquals(await upstream.take(10), "still here");
        scene.client.endWrite();
      },
    },
    {
      title: `${kind}: a reset of the upstream is no orderly end for the client`,
      client: "reset",
      upstream: "closed",
      nativeOnly: "Deno.Conn cannot send a reset",
      async play(scene) {
        const upstream = await open(scene);
        upstream.reset();
        await upstream.closed();
      },
    },
    {
      title: `${kind}: a reset of the client reaches the upstream`,
      client: "reset",
      upstream: "closed",
      async play(scene) {
        const upstream = await open(scene);
        scene.client.reset();
        await upstream.closed();
        // The own reset is how the client's connection ended.
        scene.client.end = "reset";
      },
    },
  ];
}
