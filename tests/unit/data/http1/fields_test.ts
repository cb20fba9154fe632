/** Header fields: which are known, what Connection takes along, what the flags say. */
import { assertEquals } from "@test/assert";
import { hasHeadEnd, type Kind, kind } from "../../../../lib/data/http1/fields.ts";
import { bytesOf, request, textOf } from "./support.ts";

const names: readonly (readonly [name: string, kind: Kind])[] = [
  ["host", kind.host],
  ["connection", kind.connection],
  ["content-length", kind.contentLength],
  ["transfer-encoding", kind.transferEncoding],
  ["upgrade", kind.upgrade],
  ["keep-alive", kind.keepAlive],
  ["proxy-connection", kind.proxyConnection],
  ["proxy-authorization", kind.proxyAuthorization],
  ["te", kind.te],
  ["expect", kind.expect],
  ["x-cse-context", kind.cseContext],
  ["x-cse-src-microservice", kind.cseSource],
  ["x-forwarded-port", kind.forwardedPort],
  ["x-forwarded-host", kind.forwardedHost],
  ["x-forwarded-for", kind.forwardedFor],
  ["x-forwarded-proto", kind.forwardedProto],
  ["x-mesher-hops", kind.hops],
  ["x-mesher-unsent", kind.unsent],
  ["x-mesher-draining", kind.draining],
  ["via", kind.via],
  ["x-request-id", kind.other],
  ["hosts", kind.other],
  ["hos", kind.other],
  ["h0st", kind.other],
  ["x_forwarded_for", kind.other],
  ["a-name-longer-than-any-that-is-known-here", kind.other],
];

function parse(fields: string) {
  const text = `GET / HTTP/1.1\r\n${fields}\r\n`;
  const { verdict, head, bytes } = request(
    /^host:/im.test(fields) ? text : text.replace("\r\n", "\r\nHost: a\r\n"),
  );
  assertEquals(verdict.kind, "head", fields);
  return { fields: head.fields, bytes };
}

for (const [name, expected] of names) {
  Deno.test(`fields, ${name} is known as kind ${expected} in any case of letters`, () => {
    const value = name === "content-length" ? "5" : name === "transfer-encoding" ? "chunked" : "v";
    const mixed = [...name].map((char, i) => i % 2 ? char : char.toUpperCase()).join("");
    for (const spelling of [name, name.toUpperCase(), mixed]) {
      const { fields } = parse(`${spelling}: ${value}\r\n`);
      assertEquals(fields.kindOf(fields.count - 1), expected, spelling);
      assertEquals(fields.has(expected), true);
      assertEquals(fields.find(expected) >= 0, true);
    }
  });
}

Deno.test("fields, no character but a letter's case is taken for another one's lower case", () => {
  // 0x20 apart, like a letter and its lower case: a comparison that sets that bit would take one for the other.
  for (const name of ["x\rcse-context", "h\x6f\x53t", "te", "x-mesher\rhops", "HOST"]) {
    const { verdict } = request(`GET / HTTP/1.1\r\nHost: a\r\n${name}: 1\r\n\r\n`);
    if (name.includes("\r")) assertEquals(verdict.kind, "refused", name);
  }
  const { fields } = parse("x^cse-context: 1\r\nx~mesher-hops: 1\r\n");
  assertEquals([fields.has(kind.cseContext), fields.has(kind.hops)], [false, false]);
});

Deno.test("fields, those that Connection names are marked, those that frame or route are not", () => {
  const { fields, bytes } = parse(
    "Connection: X-One , host,content-length, ,te\r\nx-one: 1\r\nX-ONE: 2\r\nx-two: 3\r\n" +
      "connection: X-Two, via, x-three\r\nHost: a\r\nContent-Length: 3\r\nVia: 1.1 v\r\nTE: x\r\nx-on: 4\r\n",
  );
  const marked = Array.from({ length: fields.count }, (_, index) => index)
    .filter((index) => fields.kindOf(index) === kind.nominated)
    .map((index) => textOf(bytes, fields.nameFrom(index), fields.nameTo(index)));
  assertEquals(marked, ["x-one", "X-ONE", "x-two"]);
  assertEquals([fields.has(kind.host), fields.contentLength, fields.has(kind.via)], [
    true,
    3,
    true,
  ]);
});

const flags: readonly (readonly [fields: string, on: readonly string[]])[] = [
  ["Connection: close\r\n", ["connectionClose"]],
  ["Connection: keep-alive\r\n", ["connectionKeepAlive"]],
  ["Connection: Upgrade\r\n", ["connectionUpgrade"]],
  ["Connection: Keep-Alive, UPGRADE,close\r\n", [
    "connectionClose",
    "connectionKeepAlive",
    "connectionUpgrade",
  ]],
  ["Connection: ,,\t,\r\n", []],
  ["Connection:\r\n", []],
  ["Expect: 100-Continue\r\n", ["expectContinue"]],
  ["Expect: 200-ok\r\n", []],
  ["TE: gzip, Trailers\r\n", ["teTrailers"]],
  ["TE: trailers;q=1\r\n", []],
];

for (const [text, on] of flags) {
  Deno.test(`fields, ${JSON.stringify(text)} sets ${on.join(", ") || "nothing"}`, () => {
    const { fields } = parse(text);
    const all = [
      "connectionClose",
      "connectionKeepAlive",
      "connectionUpgrade",
      "expectContinue",
      "teTrailers",
    ] as const;
    assertEquals(all.filter((name) => fields[name]), [...on]);
  });
}

Deno.test("fields, each line reaches to the start of the next and the last to the empty line", () => {
  const text = "GET / HTTP/1.1\r\nHost: a\r\nb:c\r\nlong:  x  \r\n\r\n";
  const { head, bytes } = request(text);
  const { fields } = head;
  const lines = Array.from(
    { length: fields.count },
    (_, index) => textOf(bytes, fields.nameFrom(index), fields.lineTo(index)),
  );
  assertEquals(lines, ["Host: a\r\n", "b:c\r\n", "long:  x  \r\n"]);
  assertEquals(head.fieldsFrom, fields.nameFrom(0));
});

Deno.test("fields, a Connection field full of names does not hold up the thread", () => {
  const connection = "a,".repeat(30_000);
  const rest = Array.from({ length: 98 }, (_, index) => `f${index}: v\r\n`).join("");
  const startMs = performance.now();
  const { fields } = parse(`Connection: ${connection}b\r\n${rest}`);
  assertEquals(fields.has(kind.nominated), false);
  const tookMs = performance.now() - startMs;
  assertEquals(tookMs < 1000, true, `${tookMs} ms`);
});

Deno.test("end of a head, found from three bytes before the last look on, whatever the split", () => {
  const ends = ["a: b\r\n\r\n", "a: b\n\n", "a: b\n\r\n", "a\r\n\n"];
  for (const text of ends) {
    const bytes = bytesOf(text);
    for (let looked = 0; looked < text.length; looked++) {
      assertEquals(hasHeadEnd(bytes, 0, looked), false, `${JSON.stringify(text)} to ${looked}`);
      const from = Math.max(0, looked - 3);
      assertEquals(hasHeadEnd(bytes, from, text.length), true, `${JSON.stringify(text)} ${looked}`);
    }
  }
  assertEquals(hasHeadEnd(bytesOf("a\r\nb\r\n\r"), 0, 7), false);
});
