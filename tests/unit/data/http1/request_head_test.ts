/** The parser of request heads: what is accepted and read out of it, what is refused with which status. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { looksLikeRequest, RequestHead } from "../../../../lib/data/http1/request_head.ts";
import { bytesOf, fieldList, request, textOf } from "./support.ts";

const get = "GET / HTTP/1.1\r\nHost: a\r\n";

Deno.test("request head, method, target and fields are read out as they stand", () => {
  const text = "PATCH /a?b=c HTTP/1.1\r\nHost:x\r\nX-Two: \t v w \t\r\nx-empty:\r\n\r\nBODY";
  const { verdict, head, bytes } = request(text);
  assertEquals(verdict, { kind: "head", end: text.length - 4 });
  assertEquals(textOf(bytes, head.methodFrom, head.methodTo), "PATCH");
  assertEquals(textOf(bytes, head.targetFrom, head.targetTo), "/a?b=c");
  assertEquals(fieldList(bytes, head.fields), [["Host", "x"], ["X-Two", "v w"], ["x-empty", ""]]);
  assertEquals(head.end, text.length - 4);
  assertEquals(head.minor, 1);
});

const accepted: readonly {
  readonly title: string;
  readonly text: string;
  readonly expected: Partial<
    Record<
      "bodyLength" | "keepAlive" | "isHead" | "isConnect" | "isIdempotent" | "minor",
      unknown
    >
  >;
}[] = [
  { title: "a GET keeps the connection", text: get, expected: { keepAlive: true, bodyLength: 0 } },
  {
    title: "HTTP/1.0 does not",
    text: "GET / HTTP/1.0\r\n",
    expected: { keepAlive: false, minor: 0 },
  },
  {
    title: "HTTP/1.0 does when it asks for it",
    text: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n",
    expected: { keepAlive: true },
  },
  {
    title: "close wins over keep-alive",
    text: get + "Connection: keep-alive, close\r\n",
    expected: { keepAlive: false },
  },
  {
    title: "close in a second Connection field counts",
    text: get + "Connection: x\r\nCONNECTION: \t, ,CLOSE ,\r\n",
    expected: { keepAlive: false },
  },
  {
    title: "a word that contains close is not close",
    text: get + "Connection: closed, xclose\r\n",
    expected: { keepAlive: true },
  },
  {
    title: "a later minor version counts as 1.1",
    text: "GET / HTTP/1.7\r\nHost: a\r\n",
    expected: { minor: 1, keepAlive: true },
  },
  {
    title: "Content-Length frames",
    text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0012\r\n",
    expected: { bodyLength: 12, isIdempotent: false },
  },
  {
    title: "fifteen digits of Content-Length are exact",
    text: get + "Content-Length: 999999999999999\r\n",
    expected: { bodyLength: 999999999999999 },
  },
  {
    title: "chunked in any case of letters frames",
    text: "PUT / HTTP/1.1\r\nHost: a\r\ntRANSFER-eNCODING:\tChunKed \r\n",
    expected: { bodyLength: -1, isIdempotent: true },
  },
  {
    title: "an empty Host is for routing to judge",
    text: "GET / HTTP/1.1\r\nHost:\r\n",
    expected: {},
  },
  { title: "HTTP/1.0 needs no Host", text: "GET / HTTP/1.0\r\n", expected: { bodyLength: 0 } },
  {
    title: "HEAD",
    text: "HEAD / HTTP/1.1\r\nHost: a\r\n",
    expected: { isHead: true, isIdempotent: true },
  },
  {
    title: "CONNECT",
    text: "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n",
    expected: { isConnect: true, isIdempotent: false },
  },
  {
    title: "methods are case-sensitive",
    text: "get / HTTP/1.1\r\nHost: a\r\n",
    expected: { isIdempotent: false },
  },
  {
    title: "three letters beginning with G are not GET yet",
    text: "GOT / HTTP/1.1\r\nHost: a\r\n",
    expected: { isIdempotent: false },
  },
  ...["OPTIONS", "TRACE", "PUT", "DELETE"].map((method) => ({
    title: `${method} may be sent twice`,
    text: `${method} * HTTP/1.1\r\nHost: a\r\n`,
    expected: { isIdempotent: true, isHead: false, isConnect: false },
  })),
  ...["POST", "PATCH", "HEADS", "LINK", "M-SEARCH", "PUTT", "CONNECTED"].map((method) => ({
    title: `${method} may not`,
    text: `${method} * HTTP/1.1\r\nHost: a\r\n`,
    expected: { isIdempotent: false, isHead: false, isConnect: false },
  })),
  {
    title: "empty lines before the request line are passed over",
    text: "\r\n\r\n" + get,
    expected: { bodyLength: 0 },
  },
  {
    title: "the upper half of bytes is fine in target and value",
    text: "GET /\xe4\x80 HTTP/1.1\r\nHost: a\r\nx: \xff\x80\r\n",
    expected: {},
  },
  {
    title: "every token character is fine in method and name",
    text: "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: v\r\n",
    expected: {},
  },
];

for (const { title, text, expected } of accepted) {
  Deno.test(`request head, accepted: ${title}`, () => {
    const { verdict, head } = request(text + "\r\n");
    assertEquals(verdict, { kind: "head", end: text.length + 2 });
    for (const [name, value] of Object.entries(expected)) {
      assertEquals(head[name as keyof RequestHead], value, name);
    }
  });
}

const refused: readonly (readonly [title: string, text: string, status: number, why: RegExp])[] = [
  ["a bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, /bare LF/],
  ["a bare CR after the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, /after the HTTP/],
  ["a bare LF after a field", get.slice(0, -2) + "\nb: c\r\n\r\n", 400, /bare LF/],
  ["a bare CR inside a value", get + "b: c\rd\r\n\r\n", 400, /bare CR/],
  ["a bare LF as the empty line", get + "\n", 400, /bare LF/],
  ["a CR without LF as the empty line", get + "\rx", 400, /bare CR/],
  ["a folded line", get + "b: c\r\n d\r\n\r\n", 400, /folded/],
  ["a folded line with a tab", get + "b: c\r\n\td\r\n\r\n", 400, /folded/],
  ["a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, /folded/],
  ["a space before the colon", get + "b : c\r\n\r\n", 400, /space between/],
  ["a tab before the colon", get + "b\t: c\r\n\r\n", 400, /space between/],
  ["a field without a name", get + ": c\r\n\r\n", 400, /without a name/],
  ["a field without a colon", get + "bc\r\n\r\n", 400, /without a colon/],
  ["a zero byte in a name", get + "b\0: c\r\n\r\n", 400, /0x00/],
  ["a zero byte in a value", get + "b: \0\r\n\r\n", 400, /0x00/],
  ["a DEL in a value", get + "b: \x7f\r\n\r\n", 400, /0x7f/],
  ["an escape byte in a value", get + "b: \x1b[1m\r\n\r\n", 400, /0x1b/],
  ["the upper half in a name", get + "b\xe4: c\r\n\r\n", 400, /0xe4/],
  ["a quote in a name", get + '"b": c\r\n\r\n', 400, /0x22/],
  ["no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400, /without a method/],
  ["a method with a slash", "G/T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, /without a method/],
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaa", 400, /without a method/],
  ["two spaces after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, /not method, target/],
  ["a tab after the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, /without a method/],
  ["two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, /without an HTTP/],
  ["a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, /without an HTTP/],
  ["a zero byte in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, /not method, target/],
  ["a DEL in the target", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, /not method, target/],
  ["no version (HTTP/0.9)", "GET /\r\n\r\n", 400, /not method, target/],
  ["a space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, /after the HTTP/],
  ["a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, /without an HTTP/],
  ["another protocol", "GET / ICAP/1.0\r\nHost: a\r\n\r\n", 400, /without an HTTP/],
  ["a version without a dot", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400, /without an HTTP/],
  ["a version of two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, /after the HTTP/],
  ["HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, /HTTP\/2\.0/],
  ["HTTP/0.9 spelled out", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, /HTTP\/0\.9/],
  ["two Content-Length", get + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, /more than/],
  ["a list in Content-Length", get + "Content-Length: 5, 5\r\n\r\n", 400, /plain number/],
  ["a signed Content-Length", get + "Content-Length: +5\r\n\r\n", 400, /plain number/],
  ["a negative Content-Length", get + "Content-Length: -1\r\n\r\n", 400, /plain number/],
  ["a hex Content-Length", get + "Content-Length: 0x5\r\n\r\n", 400, /plain number/],
  ["an empty Content-Length", get + "Content-Length: \r\n\r\n", 400, /plain number/],
  ["a space in Content-Length", get + "Content-Length: 1 0\r\n\r\n", 400, /plain number/],
  ["an endless Content-Length", get + `Content-Length: ${"9".repeat(16)}\r\n\r\n`, 400, /plain/],
  [
    "Content-Length and Transfer-Encoding",
    get + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    400,
    /both/,
  ],
  [
    "Transfer-Encoding and Content-Length",
    get + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    400,
    /both/,
  ],
  [
    "Transfer-Encoding twice",
    get + "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
    400,
    /more than one/,
  ],
  [
    "Transfer-Encoding twice, the first unknown",
    get + "Transfer-Encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n",
    400,
    /more than one/,
  ],
  ["chunked, chunked", get + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501, /other than/],
  ["gzip, chunked", get + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, /other than/],
  ["chunked, identity", get + "Transfer-Encoding: chunked, identity\r\n\r\n", 501, /other than/],
  ["identity", get + "Transfer-Encoding: identity\r\n\r\n", 501, /other than/],
  ["an empty Transfer-Encoding", get + "Transfer-Encoding:\r\n\r\n", 501, /other than/],
  ["chunked with a parameter", get + "Transfer-Encoding: chunked;a=b\r\n\r\n", 501, /other than/],
  ["chunked with a byte behind", get + "Transfer-Encoding: chunked\x0b\r\n\r\n", 400, /0x0b/],
  ["xchunked", get + "Transfer-Encoding: xchunked\r\n\r\n", 501, /other than/],
  [
    "Transfer-Encoding in HTTP/1.0",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    400,
    /HTTP\/1\.0/,
  ],
  ["no Host in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", 400, /no Host/],
  ["two Hosts", get + "host: a\r\n\r\n", 400, /more than one Host/],
  ["two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, /more than one H/],
];

for (const [title, text, status, why] of refused) {
  Deno.test(`request head, refused: ${title}`, () => {
    const { verdict } = request(text);
    assert.ok(verdict.kind === "refused", `taken as ${JSON.stringify(verdict)}`);
    assertEquals(verdict.status, status);
    assertMatch(verdict.why, why);
  });
}

Deno.test("request head, every proper prefix of a valid head is incomplete and throws nothing", () => {
  for (const { text } of accepted) {
    const whole = text + "\r\n";
    for (let cut = 0; cut < whole.length; cut++) {
      assertEquals(
        request(whole.slice(0, cut)).verdict,
        { kind: "incomplete" },
        JSON.stringify(whole.slice(0, cut)),
      );
    }
  }
});

Deno.test("request head, a refusal is the same whenever it is seen, however the bytes arrive", () => {
  for (const [title, text] of refused) {
    const whole = request(text).verdict;
    for (let cut = 0; cut < text.length; cut++) {
      const { verdict } = request(text.slice(0, cut));
      if (verdict.kind === "refused") assertEquals(verdict, whole, `${title} at ${cut}`);
      else assertEquals(verdict, { kind: "incomplete" }, `${title} at ${cut}`);
    }
  }
});

Deno.test("request head, more fields than allowed are refused with 431", () => {
  const fields = (count: number) =>
    Array.from({ length: count }, (_, index) => `f${index}: v\r\n`).join("");
  const text = (count: number) => `GET / HTTP/1.1\r\nHost: a\r\n${fields(count - 1)}\r\n`;
  assertEquals(request(text(7), { maxFields: 7 }).verdict.kind, "head");
  assertEquals(request(text(8), { maxFields: 7 }).verdict, {
    kind: "refused",
    status: 431,
    why: "more than 7 fields",
  });
});

Deno.test("request head, hundreds of fields keep their places", () => {
  const names = Array.from({ length: 700 }, (_, index) => `field-${index}`);
  const text = `GET / HTTP/1.1\r\nHost: a\r\n${
    names.map((name) => `${name}: ${name}!\r\n`).join("")
  }\r\n`;
  const { head, bytes } = request(text, { maxFields: 1000 });
  assertEquals(
    fieldList(bytes, head.fields).slice(1),
    names.map((name) => [name, `${name}!`]),
  );
});

Deno.test("request head, one object used again forgets everything of the head before", () => {
  const head = new RequestHead();
  const loaded =
    "HEAD / HTTP/1.0\r\nHost: a\r\nConnection: close, upgrade, x\r\nUpgrade: b\r\nx: 1\r\n" +
    "Content-Length: 5\r\nExpect: 100-continue\r\nTE: trailers\r\nVia: 1.1 x\r\n\r\n";
  const plain = "POST /x HTTP/1.1\r\nHost: a\r\n\r\n";
  request(loaded, { head });
  assert.ok(head.fields.teTrailers && head.fields.expectContinue && head.fields.connectionUpgrade);
  request(plain, { head });
  const fresh = request(plain).head;
  const view = (one: RequestHead) => ({
    ...one,
    fields: undefined,
    bodyLength: one.bodyLength,
    keepAlive: one.keepAlive,
    flags: { ...one.fields },
    kinds: Array.from({ length: 22 }, (_, which) => one.fields.has(which as 0)),
  });
  assertEquals(view(head), view(fresh));
  request("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", { head });
  request("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", { head });
  request(plain, { head });
  assertEquals(view(head), view(fresh), "after a refusal and an unfinished head");
});

Deno.test("request head, bytes beyond the limit given are not looked at", () => {
  const text = get + "\r\n";
  for (let to = 0; to < text.length; to++) {
    const bytes = bytesOf(text.slice(0, to) + "\0\0\0\0 HTTP/9.9\r\n\r\n");
    assertEquals(new RequestHead().parse(bytes, 0, { to, maxFields: 10 }), 0, `to ${to}`);
  }
});

Deno.test("request head, a head in the middle of a buffer has its own offsets", () => {
  const before = "POST /first HTTP/1.1\r\nHost: a\r\n\r\n";
  const bytes = bytesOf(before + get + "\r\nrest");
  const head = new RequestHead();
  const end = head.parse(bytes, before.length, { to: bytes.length, maxFields: 10 });
  assertEquals(end, bytes.length - 4);
  assertEquals(textOf(bytes, head.methodFrom, head.targetTo), "GET /");
});

const guesses: readonly (readonly [text: string, expected: "yes" | "no" | "maybe"])[] = [
  ["", "maybe"],
  ["GE", "maybe"],
  ["GET ", "yes"],
  ["GET / HTTP/1.1\r\n", "yes"],
  ["\x16\x03\x01", "no"],
  ["SSH-2.0-x\r\n", "no"],
  [" GET", "no"],
  ["A".repeat(23), "maybe"],
  ["A".repeat(24), "maybe"],
  ["A".repeat(25), "no"],
  ["PRI ", "maybe"],
  ["PRI * HTTP/", "maybe"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no"],
  ["PRI * HTTP/1.1\r\n", "yes"],
  ["PRIVATE / HTTP/1.1", "yes"],
];

for (const [text, expected] of guesses) {
  Deno.test(`first bytes ${JSON.stringify(text)}, an HTTP/1 request: ${expected}`, () => {
    const bytes = bytesOf(text + "* HTTP/2.0");
    assertEquals(looksLikeRequest(bytes, 0, text.length), expected);
  });
}
