/** Slow upstreams, uploads and idle connections: every wait has an end, and none ends what goes on. */
import { assertEquals } from "@test/assert";
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
} from "../../support/conformance.ts";
import { drip } from "../../support/drip.ts";
import { answer, head } from "../../support/raw.ts";

const get = head("GET /a HTTP/1.1", "Host: {s}");

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
      const { client } = scene;
      const interim = head("HTTP/1.1 102 Processing");
      client.send(scene.fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      // If each of them won time, they would come for ever.
      const over = () => client.pending.replaceAll(interim, "") !== "" || client.end !== undefined;
      for (let sent = 0; !over() && sent < 500; sent++) {
        upstream.send(interim);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      client.pending = client.pending.replaceAll(interim, "");
      await checkProblem(client, problem(504, "response_timeout", /within 150 ms/));
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
    policy: { timeouts: { responseMs: 700 } },
    async play(scene) {
      const { client, fill, plane } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      await plane.setPolicy({ timeouts: { bodyIdleMs: 100, idleMs: 800, headMs: 100 } });
      upstream.send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"));
      await client.head();
      // Another client runs into its idle time meanwhile; its end is the proof that all the times have passed.
      const other = await plane.client();
      await other.closed();
      await plane.setPolicy({ timeouts: { idleMs: 100 } });
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
    title: "an upload that was held up once may take its time afterwards",
    policy: { timeouts: { bodyIdleMs: 1500 } },
    async play(scene) {
      const { client, fill } = scene;
      const [much, drops] = [12_000_000, 12];
      const bytes = new Uint8Array(much);
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", `Content-Length: ${much + drops}`)));
      const upstream = await scene.accept();
      await upstream.head();
      // More than all buffers on the way hold: the sidecar has to wait for the upstream to take it.
      upstream.pause();
      client.send(bytes);
      upstream.resume();
      await upstream.take(much);
      for (let sent = 0; sent < drops; sent++) {
        await new Promise((resolve) => setTimeout(resolve, 140));
        client.send("y");
      }
      await upstream.take(drops);
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "a tunnel that nobody uses is closed on both sides",
    policy: { timeouts: { tunnelIdleMs: 200 } },
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("CONNECT 127.0.0.1:{p} HTTP/1.1", "Host: x")) + "\x16x");
      await client.head();
      const upstream = await scene.accept();
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
      // The upload stands behind the request under way, so that it takes the connection as soon as that is in the pool.
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 6")) + "abc");
      upstream.send(ok);
      await client.message();
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

conformance("slow upstreams", upstreams);
