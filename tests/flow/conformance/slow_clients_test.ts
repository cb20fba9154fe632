/** Slow clients: every wait has an end, and both connections are given up in order. */
import { assert } from "@test/assert";
import {
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
} from "../../support/conformance.ts";
import { drip } from "../../support/drip.ts";
import { head } from "../../support/raw.ts";

const get = head("GET /a HTTP/1.1", "Host: {s}");

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
    policy: {},
    async play(scene) {
      const { client, fill, plane } = scene;
      client.send(fill(get));
      const upstream = await scene.accept();
      await upstream.head();
      // Only now: the request itself has all the time it needs.
      await plane.setPolicy({ timeouts: { idleMs: 150 } });
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
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

conformance("slow clients", clients);
