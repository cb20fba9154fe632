/** Upgrade: protocols that are switched, and what goes through afterwards. */
import { assertEquals } from "@test/assert";
import { byteStream } from "../../support/byte_stream.ts";
import {
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  problem,
  type Scene,
} from "../../support/conformance.ts";
import { answer, head, type RawPeer } from "../../support/raw.ts";

const ask = head(
  "GET /chat HTTP/1.1",
  "Host: {s}",
  "Upgrade: websocket",
  "Connection: keep-alive, Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
);
const asked = head(
  "GET /chat HTTP/1.1",
  "Host: {s}",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "x-mesher-hops: 1",
);
const switched = head(
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  "Connection: Upgrade",
);
async function upgrade(scene: Scene): Promise<RawPeer> {
  scene.client.send(scene.fill(ask));
  const upstream = await scene.accept();
  await expectBytes(scene, upstream, asked);
  upstream.send(switched);
  await expectBytes(scene, scene.client, switched);
  return upstream;
}

const upgrades: readonly Case[] = [
  ...byteStream("upgrade", upgrade),
  {
    title: "upgrade: what the upstream sends right behind its 101 is not lost",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      scene.client.send(scene.fill(ask));
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, asked);
      upstream.send(switched + "\x81\x02hi");
      await expectBytes(scene, scene.client, switched + "\x81\x02hi");
      upstream.close();
    },
  },
  {
    title: "upgrade: what the client sends right behind its request is not lost",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      scene.client.send(scene.fill(ask) + "\x81\x02hi");
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, asked);
      assertEquals(upstream.pending, "", "nothing may come before the switch");
      upstream.send(switched);
      await expectBytes(scene, scene.client, switched);
      await expectBytes(scene, upstream, "\x81\x02hi");
      upstream.close();
    },
  },
  {
    title: "an upgrade that the upstream ignores is an ordinary request",
    send: ask,
    arrives: asked,
  },
  {
    title: "an upgrade that the upstream refuses is an ordinary answer",
    send: ask,
    arrives: asked,
    answer: answer("no", "403 Forbidden"),
  },
  {
    title: "a switch in the middle of the request is a bad gateway",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head(
        "POST /chat HTTP/1.1",
        "Host: {s}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Content-Length: 10",
      )));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(switched);
      await checkProblem(client, problem(502, "protocol_error", /middle of the request/));
    },
  },
];

conformance("upgrade", upgrades);
