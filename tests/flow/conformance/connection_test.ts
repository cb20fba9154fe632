/** Connection handling: who keeps which connection, pipelining, HTTP/1.0, half-closed clients. */
import {
  arrived,
  type Case,
  conformance,
  expectBytes,
  ok,
  problem,
} from "../../support/conformance.ts";
import { answer, head, type RawPeer } from "../../support/raw.ts";

const get = head("GET /a HTTP/1.1", "Host: {s}");
const closed = answer("ok", "200 OK").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
const kept = answer("ok", "200 OK").replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n");

const keeping: readonly Case[] = [
  {
    title: "HTTP/1.1 keeps both connections",
    send: get + get,
    turns: [{ arrives: arrived("GET /a HTTP/1.1") }, { arrives: arrived("GET /a HTTP/1.1") }],
  },
  {
    title: "a client that wants to close is closed; the upstream is kept",
    send: head("GET /a HTTP/1.1", "Host: {s}", "Connection: close"),
    arrives: arrived("GET /a HTTP/1.1"),
    receives: closed,
    client: "closed",
  },
  {
    title: "close among other words is a close",
    send: head("GET /a HTTP/1.1", "Host: {s}", "Connection: foo,CLOSE"),
    arrives: arrived("GET /a HTTP/1.1"),
    receives: closed,
    client: "closed",
  },
  {
    title: "what comes behind a request that closes is not served",
    send: head("GET /a HTTP/1.1", "Host: {s}", "Connection: close") + get,
    arrives: arrived("GET /a HTTP/1.1"),
    receives: closed,
    client: "closed",
  },
  {
    title: "an upstream that wants to close is closed; the client is kept",
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", "Connection: close"),
    receives: ok,
    upstream: "closed",
  },
  {
    title: "an HTTP/1.0 client is closed",
    send: head("GET /a HTTP/1.0", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    receives: closed,
    client: "closed",
  },
  {
    title: "an HTTP/1.0 client that asks for it is kept",
    send: head("GET /a HTTP/1.0", "Host: {s}", "Connection: Keep-Alive"),
    arrives: arrived("GET /a HTTP/1.1"),
    receives: kept,
  },
  {
    title: "an HTTP/1.0 client that is kept learns it from a failure as well",
    send: head("GET http://Nobody/ HTTP/1.0", "Connection: keep-alive"),
    receives: /^HTTP\/1\.1 503 [^]*\r\nConnection: keep-alive\r\n\r\n/,
  },
  {
    title: "an HTTP/1.0 client with an absolute target needs no Host",
    send: head("GET http://{s}/a HTTP/1.0"),
    arrives: arrived("GET /a HTTP/1.1"),
    receives: closed,
    client: "closed",
  },
  {
    title: "an HTTP/1.0 client without a destination is refused",
    send: head("GET /a HTTP/1.0"),
    receives: problem(400, "destination_invalid", /no Host/),
    client: "closed",
  },
  {
    title: "a later minor version is spoken to as HTTP/1.1",
    send: head("GET /a HTTP/1.7", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
  },
  {
    title: "an HTTP/1.0 upstream is not kept",
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: ok.replace("1.1", "1.0"),
    receives: ok,
    upstream: "closed",
  },
  {
    title: "an HTTP/1.0 upstream that offers it is kept",
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", "Connection: keep-alive").replace("1.1", "1.0"),
    receives: ok,
  },
  {
    title: "an HTTP/1.0 client gets no interim answers",
    send: head("GET /a HTTP/1.0", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 103 Early Hints") + ok,
    receives: closed,
    client: "closed",
  },
  {
    title: "an HTTP/1.0 client gets a HEAD answer without a coding that it does not know",
    send: head("HEAD /a HTTP/1.0", "Host: {s}", "Connection: keep-alive"),
    arrives: arrived("HEAD /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"),
    receives: head("HTTP/1.1 200 OK", "Connection: keep-alive"),
  },
  {
    title: "an HTTP/1.0 client may not switch protocols",
    send: head("GET /a HTTP/1.0", "Host: {s}", "Connection: upgrade", "Upgrade: websocket"),
    arrives: arrived("GET /a HTTP/1.1"),
    receives: closed,
    client: "closed",
  },
  {
    title: "the upstream of a failed request is reused when its answer was whole",
    send: get + get,
    turns: [
      { arrives: arrived("GET /a HTTP/1.1"), answer: answer("no", "503 No") },
      { arrives: arrived("GET /a HTTP/1.1") },
    ],
  },
];

const pipelining: readonly Case[] = [
  {
    title: "pipelined requests are answered in order, one after the other",
    async play(scene) {
      const { client, fill } = scene;
      const names = ["one", "two", "three", "four"];
      client.send(fill(names.map((name) => head(`GET /${name} HTTP/1.1`, "Host: {s}")).join("")));
      const upstream = await scene.accept();
      for (const name of names) {
        await expectBytes(scene, upstream, arrived(`GET /${name} HTTP/1.1`));
        if (upstream.pending !== "") throw new Error("the next request came before its turn");
        upstream.send(answer(name));
        await expectBytes(scene, client, answer(name));
      }
    },
  },
  {
    title: "pipelined requests with bodies keep their borders",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 3") + "abc" +
      head("PUT /b HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked") + "2\r\nde\r\n0\r\n\r\n" +
      get,
    turns: [
      { arrives: arrived("POST /a HTTP/1.1", "Content-Length: 3") + "abc" },
      {
        arrives: arrived("PUT /b HTTP/1.1", "Transfer-Encoding: chunked") + "2\r\nde\r\n0\r\n\r\n",
      },
      { arrives: arrived("GET /a HTTP/1.1") },
    ],
  },
  {
    title: "a pipelined request for nobody is answered in its place",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(get + head("GET / HTTP/1.1", "Host: Nobody") + get));
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, arrived("GET /a HTTP/1.1"));
      upstream.send(ok);
      await expectBytes(scene, client, ok);
      const { head: failed } = await client.message();
      if (!failed.startsWith("HTTP/1.1 503 ")) throw new Error(failed);
      await expectBytes(scene, upstream, arrived("GET /a HTTP/1.1"));
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "a hundred pipelined requests in one write",
    send: get.repeat(100),
    turns: Array.from({ length: 100 }, () => ({ arrives: arrived("GET /a HTTP/1.1") })),
  },
];

/** Sends text one byte at a time, each in a packet of its own as far as the system lets it. */
async function dribble(peer: RawPeer, text: string): Promise<void> {
  for (const byte of text) {
    peer.send(byte);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

const dribbling: readonly Case[] = [
  {
    title: "a request that comes byte by byte is the same request",
    async play(scene) {
      const { client, fill } = scene;
      const sent = head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked") +
        "2\r\nhe\r\n0\r\nA: b\r\n\r\n";
      await dribble(client, fill(sent));
      const upstream = await scene.accept();
      await expectBytes(
        scene,
        upstream,
        arrived("POST /a HTTP/1.1", "Transfer-Encoding: chunked") + "2\r\nhe\r\n0\r\nA: b\r\n\r\n",
      );
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "an answer that comes byte by byte is the same answer",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      const sent = head("HTTP/1.1 103 Early", "A: b") +
        head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "2\r\nhe\r\n0\r\nA: b\r\n\r\n";
      await dribble(upstream, sent);
      await expectBytes(scene, client, sent);
    },
  },
  {
    title: "two requests cut at an odd place are two requests",
    async play(scene) {
      const { client, fill } = scene;
      const both = fill(get + get);
      client.send(both.slice(0, get.length + 20));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(ok);
      await expectBytes(scene, client, ok);
      client.send(both.slice(get.length + 20));
      await expectBytes(scene, upstream, arrived("GET /a HTTP/1.1"));
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
];

const halfClosed: readonly Case[] = [
  {
    title: "a client that said it closes may end its side and still gets its answer",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("GET /a HTTP/1.1", "Host: {s}", "Connection: close")));
      client.endWrite();
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(ok);
      await expectBytes(scene, client, closed);
    },
    client: "closed",
  },
  {
    title: "a client that ends its side without a word is gone, and its request is cancelled",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      client.endWrite();
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a client that ends its side between two requests is closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(ok);
      await expectBytes(scene, client, ok);
      client.endWrite();
    },
    client: "closed",
  },
  {
    title: "a client that ends its side in a head is closed",
    send: "GET /a HTTP/1.1\r\nHo",
    sendEnds: true,
    receives: "",
    client: "closed",
  },
  {
    title: "a client that sends nothing and ends its side is closed",
    send: "",
    sendEnds: true,
    receives: "",
    client: "closed",
  },
  {
    title: "a refused client that has ended its side can still read why",
    send: "BROKEN\r\n\r\n" + "x".repeat(100_000),
    sendEnds: true,
    receives: problem(400, "request_malformed", /method/),
    client: "closed",
  },
];

conformance("connections", [...keeping, ...pipelining, ...dribbling, ...halfClosed]);
