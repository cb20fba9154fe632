/** Slow peers: every wait has an end, and both connections are given up in order. */
import { assert, assertEquals } from "@test/assert";
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
} from "../../support/conformance.ts";
import { answer, head, type RawPeer } from "../../support/raw.ts";

const get = head("GET /a HTTP/1.1", "Host: {s}");

/** Sends one byte after the other until the connection has something to say or ends. */
async function drip(peer: RawPeer, text: string): Promise<void> {
  for (const byte of text) {
    if (peer.pending !== "" || peer.end !== undefined) return;
    peer.send(byte);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const clients: readonly Case[] = [
  {
    title: "a client that sends nothing is closed without a word",
    policy: { timeouts: { idleMs: 150 } },
    send: "",
    receives: "",
    client: "closed",
  },
  {
    title: "a client that sends nothing after an answer is closed without a word",
    policy: { timeouts: { idleMs: 150 } },
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    client: "closed",
  },
  {
    title: "a head that does not go on is a timeout, however long a client may be idle",
    policy: { timeouts: { headMs: 150 } },
    async play({ client }) {
      client.send("GET /a HTTP/1.1\r\nHo");
      await checkProblem(client, problem(408, "request_malformed", /not complete after 150 ms/));
    },
    client: "closed",
  },
  {
    title: "a head that drips in is a timeout counted from its first byte",
    policy: { timeouts: { headMs: 150 } },
    async play({ client }) {
      await drip(client, `GET /${"a".repeat(500)}`);
      await checkProblem(client, problem(408, "request_malformed", /not complete after 150 ms/));
    },
    client: "closed",
  },
  {
    title: "the second head of a connection has no more time than the first",
    policy: { timeouts: { headMs: 150 } },
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(ok);
      await expectBytes(scene, client, ok);
      await drip(client, `GET /${"a".repeat(500)}`);
      await checkProblem(client, problem(408, "request_malformed", /not complete after 150 ms/));
    },
    client: "closed",
  },
  {
    title: "empty lines that drip in are no request",
    policy: { timeouts: { headMs: 150 } },
    async play({ client }) {
      await drip(client, "\r\n".repeat(200));
      await checkProblem(client, problem(408, "request_malformed", /not complete/));
    },
    client: "closed",
  },
  {
    title: "a body that does not go on is a timeout, and the upstream never gets it whole",
    policy: { timeouts: { bodyIdleMs: 150 } },
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 9")) + "abc");
      const upstream = await scene.accept();
      await upstream.until("abc");
      await checkProblem(client, problem(408, "request_malformed", /rest of the request body/));
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a chunked body that does not go on is a timeout",
    policy: { timeouts: { bodyIdleMs: 150 } },
    async play(scene) {
      const { client, fill } = scene;
      const sent = head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked");
      client.send(fill(sent) + "3\r\nabc\r\n");
      const upstream = await scene.accept();
      await upstream.until("abc\r\n");
      await checkProblem(client, problem(408, "request_malformed", /rest of the request body/));
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a client that takes nothing of its answer is given up, and the upstream with it",
    policy: { timeouts: { bodyIdleMs: 300 } },
    async play(scene) {
      const { client, fill, plane } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      client.pause();
      upstream.send(head("HTTP/1.1 200 OK", "Content-Length: 100000000"));
      upstream.send(new Uint8Array(30_000_000));
      await upstream.closed();
      await plane.until(() => plane.gauge("clientsOpen") === 0, "the client's end");
      client.resume();
      const { text } = await client.rest();
      assert(text.length < 30_000_000, "the client got it all");
      client.end = "end";
    },
    client: "closed",
    upstream: "closed",
  },
];

const upstreams: readonly Case[] = [
  {
    title: "an upstream that never answers is a timeout",
    policy: { timeouts: { responseMs: 150 } },
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: "",
    receives: problem(504, "response_timeout", /within 150 ms/),
    upstream: "closed",
  },
  {
    title: "an upstream that never answers a body is a timeout",
    policy: { timeouts: { responseMs: 150 } },
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 3") + "abc",
    arrives: arrived("POST /a HTTP/1.1", "Content-Length: 3") + "abc",
    answer: "",
    receives: problem(504, "response_timeout", /within 150 ms/),
    upstream: "closed",
  },
  {
    title: "half a head of an answer is a timeout",
    policy: { timeouts: { responseMs: 150 } },
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: "HTTP/1.1 200 OK\r\nConte",
    receives: problem(504, "response_timeout", /within 150 ms/),
    upstream: "closed",
  },
  {
    title: "a head of an answer that drips in is a timeout all the same",
    policy: { timeouts: { responseMs: 150 } },
    async play(scene) {
      scene.client.send(scene.fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      await drip(upstream, `HTTP/1.1 200 OK\r\nA: ${"b".repeat(500)}`);
      await checkProblem(scene.client, problem(504, "response_timeout", /within 150 ms/));
    },
    upstream: "closed",
  },
  {
    title: "interim answers win no time",
    policy: { timeouts: { responseMs: 150 } },
    async play(scene) {
      const interim = head("HTTP/1.1 102 Processing");
      scene.client.send(scene.fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(interim);
      await expectBytes(scene, scene.client, interim);
      await checkProblem(scene.client, problem(504, "response_timeout", /within 150 ms/));
    },
    upstream: "closed",
  },
  {
    title: "a body with a length that stops is a cut",
    policy: { timeouts: { bodyIdleMs: 150 } },
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK", "Content-Length: 9") + "abc",
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a stream of events may be silent for longer than a body",
    policy: { timeouts: { bodyIdleMs: 100, idleMs: 100, headMs: 100, responseMs: 100 } },
    async play(scene) {
      const { client, fill, plane } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"));
      await client.head();
      // Another client runs into the same idle time meanwhile; its end is the proof that the time has passed.
      const other = await plane.client();
      await other.closed();
      upstream.send("1\r\nx\r\n0\r\n\r\n");
      assertEquals(await client.take(11), "1\r\nx\r\n0\r\n\r\n");
      upstream.close();
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "an upstream that takes no more of the body is a timeout",
    policy: { timeouts: { bodyIdleMs: 300 } },
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 100000000")));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.pause();
      client.send(new Uint8Array(30_000_000));
      await checkProblem(client, problem(504, "response_timeout", /./));
      upstream.resume();
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a tunnel that nobody uses is closed on both sides",
    policy: { timeouts: { tunnelIdleMs: 200 } },
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("CONNECT 127.0.0.1:{p} HTTP/1.1", "Host: x")));
      await client.head();
      const upstream = await scene.accept();
      client.send("\x16x");
      await upstream.take(2);
    },
    client: "closed",
    upstream: "closed",
  },
  {
    title: "a connection that rests in the pool for too long is closed",
    policy: { timeouts: { poolIdleMs: 150 } },
    send: get,
    arrives: arrived("GET /a HTTP/1.1"),
    upstream: "closed",
  },
  {
    title: "an upload on a connection from the pool has its own time",
    policy: { timeouts: { poolIdleMs: 300 } },
    async play(scene) {
      const { client, fill, plane, upstream: listener } = scene;
      // Two connections go into the pool; the end of the other one shows that their time has passed.
      const other = await plane.client();
      other.send(fill(get));
      const otherUpstream = await listener.accept();
      await otherUpstream.head();
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      otherUpstream.send(ok);
      await other.message();
      upstream.send(ok);
      await client.message();
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 6")) + "abc");
      await upstream.until("abc");
      await otherUpstream.closed();
      client.send("def");
      await upstream.until("def");
      upstream.send(answer("done"));
      assertEquals((await client.message()).body, "done");
      other.close();
      client.close();
      await upstream.closed();
    },
    client: "closed",
    upstream: "closed",
  },
];

conformance("slow peers", [...clients, ...upstreams]);
