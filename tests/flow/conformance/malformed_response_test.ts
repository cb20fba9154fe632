/** Malformed responses: what is ambiguous never reaches the client as something clean-looking. */
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
} from "../../support/conformance.ts";
import { head } from "../../support/raw.ts";

const interim = head("HTTP/1.1 102 Processing");

/** Answers whose head is refused. */
const heads: readonly (readonly [string, string, RegExp])[] = [
  [
    "both framings",
    head("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"),
    /both/,
  ],
  [
    "both framings, the other way round",
    head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 5"),
    /both/,
  ],
  [
    "two equal lengths",
    head("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 2") + "ok",
    /more than one/,
  ],
  [
    "two differing lengths",
    head("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 3") + "ok",
    /more than one/,
  ],
  ["a list of lengths", head("HTTP/1.1 200 OK", "Content-Length: 2, 2") + "ok", /plain number/],
  ["a negative length", head("HTTP/1.1 200 OK", "Content-Length: -2") + "ok", /plain number/],
  ["a length with a plus", head("HTTP/1.1 200 OK", "Content-Length: +2") + "ok", /plain number/],
  ["an empty length", head("HTTP/1.1 200 OK", "Content-Length: ") + "ok", /plain number/],
  [
    "a length beyond 64 bits",
    head("HTTP/1.1 200 OK", "Content-Length: 18446744073709551618") + "ok",
    /plain number/,
  ],
  ["an unknown coding", head("HTTP/1.1 200 OK", "Transfer-Encoding: x"), /other than chunked/],
  [
    "a coding before chunked",
    head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"),
    /other than chunked/,
  ],
  [
    "chunked twice",
    head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    /more than one/,
  ],
  ["identity", head("HTTP/1.1 200 OK", "Transfer-Encoding: identity"), /other than chunked/],
  [
    "chunked in HTTP/1.0",
    head("HTTP/1.0 200 OK", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    /HTTP\/1\.0/,
  ],
  ["a blank before a colon", head("HTTP/1.1 200 OK", "Content-Length : 2") + "ok", /space between/],
  ["a folded field", head("HTTP/1.1 200 OK", "A: b", " c") + "ok", /folded/],
  ["a bare LF after the status line", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", /CR LF/],
  ["a bare LF after a field", "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", /bare LF/],
  ["a bare CR in a field", head("HTTP/1.1 200 OK", "A: b\rc") + "ok", /bare CR/],
  ["a NUL in a field", head("HTTP/1.1 200 OK", "A: b\0c") + "ok", /0x00/],
  ["a NUL in the reason", head("HTTP/1.1 200 O\0K", "Content-Length: 0"), /CR LF|control/],
  ["a field without colon", head("HTTP/1.1 200 OK", "Abc"), /without a colon/],
  ["no version", head("200 OK", "Content-Length: 0"), /begin with HTTP\/1/],
  ["HTTP/2", head("HTTP/2.0 200 OK", "Content-Length: 0"), /begin with HTTP\/1/],
  ["HTTP/0.9", "<html>hello</html>", /begin with HTTP\/1/],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", /begin with HTTP\/1/],
  ["a version of two digits", head("HTTP/1.12 200 OK", "Content-Length: 0"), /version/],
  ["a status of two digits", head("HTTP/1.1 20 OK", "Content-Length: 0"), /three digits/],
  ["a status of four digits", head("HTTP/1.1 2000 OK", "Content-Length: 0"), /three digits/],
  ["a status that is no number", head("HTTP/1.1 2x0 OK", "Content-Length: 0"), /three digits/],
  ["a status below 100", head("HTTP/1.1 099 No", "Content-Length: 0"), /status 99/],
  ["a status beyond 599", head("HTTP/1.1 600 No", "Content-Length: 0"), /status 600/],
  ["a blank before the status line", " " + ok, /begin with HTTP\/1/],
  ["an empty line before the status line", "\r\n" + ok, /begin with HTTP\/1/],
  [
    "a switch of protocols nobody asked for",
    head("HTTP/1.1 101 Switching", "Upgrade: x", "Connection: Upgrade"),
    /without being asked/,
  ],
  ["a malformed interim answer", head("HTTP/1.1 103 Early", "A : b") + ok, /space between/],
  ["interim answers without end", interim.repeat(200) + ok, /interim/],
];

const refusedHeads: readonly Case[] = heads.map(([title, answer, detail]) => ({
  title: `${title} is a bad gateway`,
  upstream: "closed",
  async play(scene) {
    const { client, fill } = scene;
    client.send(fill(head("GET /a HTTP/1.1", "Host: {s}")));
    const upstream = await scene.accept();
    await expectBytes(scene, upstream, arrived("GET /a HTTP/1.1"));
    upstream.send(answer);
    // Those before the limit have gone on already.
    if (title.startsWith("interim")) await expectBytes(scene, client, interim.repeat(100));
    await checkProblem(client, problem(502, "protocol_error", detail));
  },
}));

/** Bodies that go wrong when the head is with the client already: all that is left is a cut. */
const chunked = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked");
const cuts: readonly (readonly [string, string, string])[] = [
  ["a chunk size that is no number", `${chunked}5\r\nhello\r\nx\r\n`, `${chunked}5\r\nhello\r\n`],
  ["a chunk longer than its size", `${chunked}5\r\nhello!\r\n0\r\n\r\n`, chunked],
  ["a chunk line with a bare LF", `${chunked}5\nhello\r\n0\r\n\r\n`, chunked],
  ["a length in the trailers", `${chunked}0\r\nContent-Length: 1\r\n\r\n`, chunked],
];

const cutBodies: readonly Case[] = cuts.map(([title, answer, least]) => ({
  title: `${title} in a body is a cut`,
  client: "closed",
  upstream: "closed",
  async play(scene) {
    const { client, fill } = scene;
    client.send(fill(head("GET /a HTTP/1.1", "Host: {s}")));
    const upstream = await scene.accept();
    await upstream.head();
    upstream.send(answer.slice(0, least.length));
    await expectBytes(scene, client, least);
    upstream.send(answer.slice(least.length));
    const { text } = await client.rest();
    if (text.includes("0\r\n\r\n")) throw new Error("the client got a clean end");
  },
}));

const leftovers: readonly Case[] = [
  {
    title: "bytes behind a whole answer are dropped with the connection",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    receives: ok,
    upstream: "closed",
  },
  {
    title: "a body of an answer to HEAD is dropped with the connection",
    send: head("HEAD /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("HEAD /a HTTP/1.1"),
    answer: ok,
    receives: ok.slice(0, -2),
    upstream: "closed",
  },
  {
    title: "a body of a 204 is dropped with the connection",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 204 No Content", "Content-Length: 4") + "evil",
    receives: head("HTTP/1.1 204 No Content"),
    upstream: "closed",
  },
  {
    title: "a body of a 304 is dropped with the connection",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 304 Not Modified", "Content-Length: 4") + "evil",
    receives: head("HTTP/1.1 304 Not Modified", "Content-Length: 4"),
    upstream: "closed",
  },
  {
    title: "bytes behind the last chunk are dropped with the connection",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: chunked + "0\r\n\r\nHTTP/1.1 200 OK\r\n",
    receives: chunked + "0\r\n\r\n",
    upstream: "closed",
  },
];

const ends: readonly Case[] = [
  {
    title: "an end before the head is complete is a bad gateway",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 0"),
    arrives: arrived("POST /a HTTP/1.1", "Content-Length: 0"),
    answer: "HTTP/1.1 200 OK\r\nContent-Le",
    then: "end",
    receives: problem(502, "reset", /before its answer/),
    upstream: "closed",
  },
  {
    title: "an end after an interim answer is a bad gateway",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 0")));
      const upstream = await scene.accept();
      await upstream.head();
      upstream.send(interim);
      upstream.endWrite();
      await expectBytes(scene, client, interim);
      await checkProblem(client, problem(502, "reset", /before its answer/));
    },
  },
];

conformance("malformed responses", [...refusedHeads, ...cutBodies, ...leftovers, ...ends]);
