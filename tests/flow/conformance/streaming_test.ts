/** Streaming: bodies flow as they come, in both directions at once, and a cut is never a clean end. */
import { assert, assertEquals } from "@test/assert";
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
  type Scene,
} from "../../support/conformance.ts";
import { answer, head, type RawPeer } from "../../support/raw.ts";

const get = head("GET /a HTTP/1.1", "Host: {s}");
const oldGet = head("GET /a HTTP/1.0", "Host: {s}");
const post = (...fields: readonly string[]) => head("POST /a HTTP/1.1", "Host: {s}", ...fields);

/** Sends a request and returns the upstream connection with its head read. */
async function begin(scene: Scene, request: string): Promise<RawPeer> {
  scene.client.send(scene.fill(request));
  const upstream = await scene.accept();
  await upstream.head();
  return upstream;
}

const uploads: readonly Case[] = [
  {
    title: "a body with a length goes on piece by piece",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 9"));
      for (const piece of ["abc", "def", "ghi"]) {
        client.send(piece);
        await expectBytes(scene, upstream, piece);
      }
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "a chunked body goes on piece by piece, wherever it is cut",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Transfer-Encoding: chunked"));
      for (
        const piece of ["3", "\r", "\nab", "c\r\n1", "0\r\n0123456789abcdef\r", "\n0\r\n\r", "\n"]
      ) {
        client.send(piece);
        await expectBytes(scene, upstream, piece);
      }
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "an expectation waits for the upstream's word",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 3", "Expect: 100-continue"));
      upstream.send(head("HTTP/1.1 100 Continue"));
      await expectBytes(scene, client, head("HTTP/1.1 100 Continue"));
      client.send("abc");
      await expectBytes(scene, upstream, "abc");
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "an expectation that fails is answered, and the body is not waited for",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 3", "Expect: 100-continue"));
      upstream.send(answer("", "417 Expectation Failed"));
      await expectBytes(
        scene,
        client,
        head("HTTP/1.1 417 Expectation Failed", "Content-Length: 0", "Connection: close"),
      );
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a client that does not wait for 100 is served all the same",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(
        scene,
        post("Content-Length: 3", "Expect: 100-continue") + "abc",
      );
      await expectBytes(scene, upstream, "abc");
      upstream.send(head("HTTP/1.1 100 Continue") + ok);
      await expectBytes(scene, client, head("HTTP/1.1 100 Continue") + ok);
    },
  },
  {
    title: "an expectation for nobody is answered at once",
    async play({ client }) {
      client.send(
        head("POST / HTTP/1.1", "Host: Nobody", "Content-Length: 3", "Expect: 100-continue"),
      );
      const sent = await checkProblem(client, problem(503, "service_unknown", /Nobody/));
      assert(sent.includes("\r\nConnection: close\r\n"));
    },
    client: "closed",
  },
];

const early: readonly Case[] = [
  {
    title: "an answer before the end of the body ends both connections in order",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 100") + "begun");
      upstream.send(answer("too much", "413 Content Too Large"));
      await expectBytes(
        scene,
        client,
        answer("too much", "413 Content Too Large").replace(
          "\r\n\r\n",
          "\r\nConnection: close\r\n\r\n",
        ),
      );
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "an answer before the end arrives although the client goes on sending",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 3000000") + "begun");
      upstream.send(answer("stop", "403 Forbidden"));
      await client.head();
      client.send("x".repeat(2_000_000));
      assertEquals(await client.take(4), "stop");
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "an answer of an upstream that takes nothing more is not held up by the body",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 100000000"));
      upstream.pause();
      // More than all buffers on the way hold, so that the upload stands still.
      client.send(new Uint8Array(20_000_000));
      upstream.send(answer("stop", "403 Forbidden"));
      await client.head();
      assertEquals(await client.take(4), "stop");
      await client.closed();
      upstream.resume();
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "an answer that streams while the body is still coming lets both finish",
    async play(scene) {
      const { client } = scene;
      const chunked = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked");
      const upstream = await begin(scene, post("Content-Length: 6") + "abc");
      await expectBytes(scene, upstream, "abc");
      upstream.send(chunked + "3\r\nABC\r\n");
      await client.head();
      await expectBytes(scene, client, "3\r\nABC\r\n");
      client.send("def");
      await expectBytes(scene, upstream, "def");
      upstream.send("3\r\nDEF\r\n0\r\n\r\n");
      await expectBytes(scene, client, "3\r\nDEF\r\n0\r\n\r\n");
    },
    // The answer began before the request had ended, so the client was told of the end.
    client: "closed",
  },
  {
    title: "a reset behind an early answer does not take the answer away",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, post("Content-Length: 100") + "begun");
      upstream.send(answer("no", "403 Forbidden"));
      await client.head();
      assertEquals(await client.take(2), "no");
      upstream.reset();
    },
    client: "closed",
    upstream: "closed",
  },
];

const streams: readonly Case[] = [
  {
    title: "events are handed on one by one",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, get);
      const answered = head(
        "HTTP/1.1 200 OK",
        "Content-Type: text/event-stream",
        "Transfer-Encoding: chunked",
      );
      upstream.send(answered);
      await expectBytes(scene, client, answered);
      for (const line of ["data: 1\n\n", "data: 2\n\n", ": ping\n\n"]) {
        const chunk = `${line.length.toString(16)}\r\n${line}\r\n`;
        upstream.send(chunk);
        await expectBytes(scene, client, chunk);
      }
      upstream.send("0\r\n\r\n");
      await expectBytes(scene, client, "0\r\n\r\n");
    },
  },
  {
    title: "a body that ends with its connection is put into chunks, one by one",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, get);
      upstream.send(head("HTTP/1.1 200 OK", "Content-Type: text/event-stream"));
      await expectBytes(
        scene,
        client,
        head("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"),
      );
      for (const line of ["data: 1\n\n", "data: 22\n\n"]) {
        upstream.send(line);
        await expectBytes(scene, client, `${line.length.toString(16)}\r\n${line}\r\n`);
      }
      upstream.endWrite();
      await expectBytes(scene, client, "0\r\n\r\n");
    },
    upstream: "closed",
  },
  {
    title: "a body that ends with its connection ends that of an HTTP/1.0 client",
    async play(scene) {
      const { client } = scene;
      const upstream = await begin(scene, oldGet);
      upstream.send(head("HTTP/1.0 200 OK") + "hello");
      await expectBytes(scene, client, head("HTTP/1.1 200 OK", "Connection: close") + "hello");
      upstream.close();
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "an empty body that ends with its connection",
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK"),
    then: "end",
    receives: head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    upstream: "closed",
  },
  {
    title: "chunks are taken off for an HTTP/1.0 client, trailers too",
    send: oldGet,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") +
      "3;x\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n",
    receives: head("HTTP/1.1 200 OK", "Connection: close") + "abcde",
    client: "closed",
  },
];

conformance("streaming", [...uploads, ...early, ...streams]);
