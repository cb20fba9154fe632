/** Framing and smuggling: whatever two readers could split in two ways is refused and never goes on. */
import { assert } from "@test/assert";
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
  refused,
} from "../../support/conformance.ts";
import { head } from "../../support/raw.ts";

/** What an attacker wants the upstream to take for a request of its own. */
const smuggled = head("GET /smuggled HTTP/1.1", "Host: {s}");
const inner = head("GET /smuggled HTTP/1.1", "Host: inner");

/** Lengths that are no plain number, or differ. */
const lengths: readonly (readonly [string, readonly string[]])[] = [
  ["two equal lengths", ["Content-Length: 5", "Content-Length: 5"]],
  ["two differing lengths", ["Content-Length: 5", "Content-Length: 6"]],
  ["a list of equal lengths", ["Content-Length: 5, 5"]],
  ["a list of differing lengths", ["Content-Length: 5,6"]],
  ["a length with a plus", ["Content-Length: +5"]],
  ["a length with a minus", ["Content-Length: -5"]],
  ["a hex length", ["Content-Length: 0x5"]],
  ["a length with a fraction", ["Content-Length: 5.0"]],
  ["a length with an exponent", ["Content-Length: 5e0"]],
  ["a length with a blank inside", ["Content-Length: 5 5"]],
  ["a length with an underscore", ["Content-Length: 5_0"]],
  ["an empty length", ["Content-Length:"]],
  ["a length beyond 64 bits", ["Content-Length: 18446744073709551621"]],
  ["a length beyond 53 bits", ["Content-Length: 9007199254740993"]],
  ["a length in other digits", ["Content-Length: \xd9\xa5"]],
  ["a quoted length", ['Content-Length: "5"']],
];

/** Transfer codings that are not plainly chunked. */
const codings: readonly (readonly [string, readonly string[], number])[] = [
  ["both framings", ["Content-Length: 5", "Transfer-Encoding: chunked"], 400],
  ["both framings, the other way round", ["Transfer-Encoding: chunked", "Content-Length: 5"], 400],
  ["both framings with an unknown coding", ["Transfer-Encoding: x", "Content-Length: 5"], 400],
  ["chunked twice in one field", ["Transfer-Encoding: chunked, chunked"], 501],
  ["chunked in two fields", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400],
  ["identity beside chunked", ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"], 400],
  ["identity alone", ["Transfer-Encoding: identity"], 501],
  ["an unknown coding", ["Transfer-Encoding: xchunked"], 501],
  ["a coding before chunked", ["Transfer-Encoding: gzip, chunked"], 501],
  ["a coding after chunked", ["Transfer-Encoding: chunked, gzip"], 501],
  ["chunked with a parameter", ["Transfer-Encoding: chunked;q=1"], 501],
  ["quoted chunked", ['Transfer-Encoding: "chunked"'], 501],
  ["an empty coding", ["Transfer-Encoding:"], 501],
  ["an empty list element", ["Transfer-Encoding: ,chunked"], 501],
  ["a vertical tab before chunked", ["Transfer-Encoding: \x0bchunked"], 400],
  ["a form feed after chunked", ["Transfer-Encoding: chunked\x0c"], 400],
  ["a no-break space before chunked", ["Transfer-Encoding: \xa0chunked"], 501],
  ["a blank before the colon", ["Transfer-Encoding : chunked"], 400],
  ["a tab before the colon", ["Transfer-Encoding\t: chunked"], 400],
  ["a folded coding", ["Transfer-Encoding:\r\n chunked"], 400],
  ["a coding behind a bare CR", ["A: b\rTransfer-Encoding: chunked"], 400],
  ["a coding behind a bare LF", ["A: b\nTransfer-Encoding: chunked"], 400],
  ["a coding behind a NUL", ["A: b\0Transfer-Encoding: chunked"], 400],
  ["a NUL in the field's name", ["Transfer-Encoding\0: chunked"], 400],
];

const heads: readonly Case[] = [
  ...lengths.map(([title, fields]) =>
    refused(
      title,
      head("POST /a HTTP/1.1", "Host: {s}", ...fields) + "hello" + smuggled,
      { detail: /Content-Length/ },
    )
  ),
  ...codings.map(([title, fields, status]) =>
    refused(
      title,
      head("POST /a HTTP/1.1", "Host: {s}", ...fields) + "0\r\n\r\n" + smuggled,
      { status, detail: /./ },
    )
  ),
  refused(
    "a transfer coding in HTTP/1.0",
    head("POST /a HTTP/1.0", "Host: {s}", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    { detail: /HTTP\/1\.0/ },
  ),
];

/** Chunk lines and ends that are wrong. */
const chunks: readonly (readonly [string, string])[] = [
  ["a chunk size that is no number", "x\r\n"],
  ["an empty chunk size", "\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a negative chunk size", "-1\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a blank before a chunk size", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a blank after a chunk size", "5 \r\nhello\r\n0\r\n\r\n"],
  ["a chunk size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size beyond 53 bits", "40000000000000\r\nhello\r\n0\r\n\r\n"],
  ["a chunk size of endless zeros", `${"0".repeat(20)}5\r\nhello\r\n0\r\n\r\n`],
  ["a chunk line that ends in a bare LF", "5\nhello\r\n0\r\n\r\n"],
  ["a chunk line that ends in a bare CR", "5\rhello\r\n0\r\n\r\n"],
  ["a chunk that ends in a bare LF", "5\r\nhello\n0\r\n\r\n"],
  ["a chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n"],
  ["a chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n"],
  ["a bare LF in a chunk extension", "5;a\nhello\r\n0\r\n\r\n"],
  ["a bare CR in a chunk extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["a NUL in a chunk extension", "5;a\0b\r\nhello\r\n0\r\n\r\n"],
  ["a last chunk that ends in a bare LF", "0\n\r\n"],
  ["trailers that end in a bare LF", "0\r\n\n"],
  ["a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"],
  ["a trailer without colon", "0\r\nA\r\n\r\n"],
  ["a trailer with a blank before the colon", "0\r\nA : b\r\n\r\n"],
  ["a length in the trailers", "0\r\nContent-Length: 5\r\n\r\n"],
  ["a transfer coding in the trailers", "0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a Host in the trailers", "0\r\nHost: Other\r\n\r\n"],
];

const bodies: readonly Case[] = chunks.map(([title, body]) =>
  refused(
    title,
    head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked") + body + smuggled,
    { detail: /./ },
  )
);

/** Obfuscations that are harmless because every reader takes them alike. */
const accepted: readonly Case[] = [
  ["chunked in another case", "Transfer-Encoding: ChUnKeD"],
  ["the field in another case", "TRANSFER-encoding: chunked"],
  ["blanks round chunked", "Transfer-Encoding: \t chunked \t"],
].map(([title, field]) => ({
  title: `${title} is chunked`,
  send: head("POST /a HTTP/1.1", "Host: {s}", field!) + "5\r\nhello\r\n0\r\n\r\n",
  arrives: arrived("POST /a HTTP/1.1", field!) + "5\r\nhello\r\n0\r\n\r\n",
}));

const boundaries: readonly Case[] = [
  {
    title: "what follows a body with a length is the next request",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 3") + "abc" + smuggled,
    turns: [
      { arrives: arrived("POST /a HTTP/1.1", "Content-Length: 3") + "abc" },
      { arrives: arrived("GET /smuggled HTTP/1.1") },
    ],
  },
  {
    title: "what follows the last chunk is the next request",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked") +
      "0\r\n\r\n" + smuggled,
    turns: [
      { arrives: arrived("POST /a HTTP/1.1", "Transfer-Encoding: chunked") + "0\r\n\r\n" },
      { arrives: arrived("GET /smuggled HTTP/1.1") },
    ],
  },
  {
    title: "a body of a GET is its body, not the next request",
    send: head("GET /a HTTP/1.1", "Host: {s}", `Content-Length: ${inner.length}`) + inner,
    arrives: arrived("GET /a HTTP/1.1", `Content-Length: ${inner.length}`) + inner,
  },
  {
    title: "what follows a GET without a length is the next request",
    send: head("GET /a HTTP/1.1", "Host: {s}") + smuggled,
    turns: [
      { arrives: arrived("GET /a HTTP/1.1") },
      { arrives: arrived("GET /smuggled HTTP/1.1") },
    ],
  },
  {
    title: "a stray CR LF between two requests is skipped",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 1") + "x\r\n" + smuggled,
    turns: [
      { arrives: arrived("POST /a HTTP/1.1", "Content-Length: 1") + "x" },
      { arrives: arrived("GET /smuggled HTTP/1.1") },
    ],
  },
  {
    title: "a request behind a refused one is never served",
    client: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(
        head("GET /a HTTP/1.1", "Host: {s}") +
          head("POST /b HTTP/1.1", "Host: {s}", "Content-Length: x") + smuggled,
      ));
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, arrived("GET /a HTTP/1.1"));
      upstream.send(ok);
      await expectBytes(scene, client, ok);
      await checkProblem(client, problem(400, "request_malformed", /Content-Length/));
    },
  },
  {
    title: "a chunk that turns out wrong later never reaches the upstream as a whole body",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      const sent = head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked");
      client.send(fill(sent) + "3\r\nabc\r\n");
      const upstream = await scene.accept();
      await expectBytes(
        scene,
        upstream,
        arrived("POST /a HTTP/1.1", "Transfer-Encoding: chunked") + "3\r\nabc\r\n",
      );
      client.send("3\r\nabcd\r\n0\r\n\r\n" + fill(smuggled));
      await checkProblem(client, problem(400, "request_malformed", /chunk/));
      await upstream.closed();
      assert(!upstream.all.includes("\r\n0\r\n\r\n"), "the upstream got the end of a broken body");
    },
  },
  {
    title: "a chunk extension without end is refused wherever it stands",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      const sent = head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked");
      client.send(fill(sent) + "3\r\nabc\r\n");
      const upstream = await scene.accept();
      await upstream.until("abc\r\n");
      client.send(`5;${"a".repeat(5000)}\r\nhello\r\n0\r\n\r\n`);
      await checkProblem(client, problem(400, "request_malformed", /chunk/));
    },
  },
  {
    title: "a body that ends before its length never reaches the upstream as a whole body",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 10")) + "abc");
      const upstream = await scene.accept();
      await expectBytes(
        scene,
        upstream,
        arrived("POST /a HTTP/1.1", "Content-Length: 10") + "abc",
      );
      client.endWrite();
    },
  },
];

conformance("framing of requests", [...heads, ...bodies, ...accepted, ...boundaries]);
