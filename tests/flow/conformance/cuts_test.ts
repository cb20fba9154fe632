/** Cuts: an upstream that ends in the middle of its body is never seen as a clean end. */
import { type Case, conformance, expectBytes } from "../../support/conformance.ts";
import { head } from "../../support/raw.ts";

const get = head("GET /a HTTP/1.1", "Host: {s}");
const oldGet = head("GET /a HTTP/1.0", "Host: {s}");
const chunked = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked");
const noReset = "Deno.Conn cannot send a reset, and HTTP/1.0 has no other sign of a cut";

/** Ends in the middle of a body: what the upstream sends, how it ends, what the client may have got by then. */
const cuts: readonly {
  readonly title: string;
  readonly request?: string;
  readonly sends: string;
  readonly how: "close" | "reset";
  readonly gets: string;
  readonly client?: "reset";
}[] = [
  {
    title: "a close in a body with a length",
    sends: head("HTTP/1.1 200 OK", "Content-Length: 10") + "hello",
    how: "close",
    gets: head("HTTP/1.1 200 OK", "Content-Length: 10") + "hello",
  },
  {
    title: "a reset in a body with a length",
    sends: head("HTTP/1.1 200 OK", "Content-Length: 10") + "hello",
    how: "reset",
    gets: head("HTTP/1.1 200 OK", "Content-Length: 10") + "hello",
  },
  {
    title: "a close in a chunk",
    sends: chunked + "a\r\nhello",
    how: "close",
    gets: chunked + "a\r\nhello",
  },
  {
    title: "a close between two chunks",
    sends: chunked + "5\r\nhello\r\n",
    how: "close",
    gets: chunked + "5\r\nhello\r\n",
  },
  {
    title: "a close before the last empty line",
    sends: chunked + "5\r\nhello\r\n0\r\n",
    how: "close",
    gets: chunked + "5\r\nhello\r\n0\r\n",
  },
  {
    title: "a reset between two chunks",
    sends: chunked + "5\r\nhello\r\n",
    how: "reset",
    gets: chunked + "5\r\nhello\r\n",
  },
  {
    title: "a reset in a body that ends with its connection",
    sends: head("HTTP/1.1 200 OK") + "hello",
    how: "reset",
    gets: chunked + "5\r\nhello\r\n",
  },
  {
    title: "a close in a body with a length for an HTTP/1.0 client",
    request: oldGet,
    sends: head("HTTP/1.1 200 OK", "Content-Length: 10") + "hello",
    how: "close",
    gets: head("HTTP/1.1 200 OK", "Content-Length: 10", "Connection: close") + "hello",
  },
  {
    title: "a reset in a body that ends with its connection for an HTTP/1.0 client",
    request: oldGet,
    sends: head("HTTP/1.1 200 OK") + "hello",
    how: "reset",
    gets: head("HTTP/1.1 200 OK", "Connection: close") + "hello",
    client: "reset",
  },
  {
    title: "a close in a chunked body for an HTTP/1.0 client",
    request: oldGet,
    sends: chunked + "a\r\nhello",
    how: "close",
    gets: head("HTTP/1.1 200 OK", "Connection: close") + "hello",
    client: "reset",
  },
];

const cutCases: readonly Case[] = cuts.map((cut) => ({
  title: `${cut.title} is a cut`,
  client: cut.client ?? "closed",
  upstream: "closed",
  ...(cut.client === "reset" ? { nativeOnly: noReset } : {}),
  async play(scene) {
    scene.client.send(scene.fill(cut.request ?? get));
    const upstream = await scene.accept();
    await upstream.head();
    upstream.send(cut.sends);
    await expectBytes(scene, scene.client, cut.gets);
    upstream[cut.how]();
  },
}));

conformance("cuts", cutCases);
