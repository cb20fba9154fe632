/** The chunked coding: data, end and trailers found at every split, everything else refused. */
import { assertEquals, assertMatch } from "@test/assert";
import { ChunkScanner } from "../../../../lib/data/http1/chunked.ts";
import { MalformedHead } from "../../../../lib/data/http1/fields.ts";
import { seeded } from "../../../support/seeded.ts";
import { bytesOf, textOf } from "./support.ts";

interface Scanned {
  readonly data: string;
  readonly end: number;
  readonly done: boolean;
  readonly refused: string | undefined;
}

/** Scans a body in pieces that end at the cuts. */
function scan(text: string, cuts: readonly number[] = [], scanner = new ChunkScanner()): Scanned {
  const bytes = bytesOf(text);
  let data = "", at = 0;
  for (const to of [...cuts, bytes.length]) {
    try {
      const end = scanner.scan(bytes, at, {
        to,
        data: (from, until) => data += textOf(bytes, from, until),
      });
      if (end < to && !scanner.done) throw new Error(`stopped at ${end} of ${to}`);
      at = end;
    } catch (error) {
      if (!(error instanceof MalformedHead)) throw error;
      return { data, end: at, done: false, refused: error.message };
    }
    if (scanner.done) break;
  }
  return { data, end: at, done: scanner.done, refused: undefined };
}

const whole: readonly (readonly [title: string, text: string, data: string])[] = [
  ["no data", "0\r\n\r\n", ""],
  ["one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"],
  ["two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!"],
  ["hex in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"],
  ["leading zeros", "0000000000005\r\nhello\r\n000\r\n\r\n", "hello"],
  ["data that looks like framing", "7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n", "0\r\n\r\n5\r"],
  ["an extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"],
  ["an empty extension", "5;\r\nhello\r\n0\r\n\r\n", "hello"],
  ["a quoted extension", '5;a="\t;x"\r\nhello\r\n0\r\n\r\n', "hello"],
  ["trailers", "1\r\nx\r\n0\r\ngrpc-status: 0\r\nX-Y:\r\n\r\n", "x"],
  ["a trailer that contains a forbidden name", "0\r\nx-host: 1\r\nhostess: 2\r\n\r\n", ""],
];

for (const [title, text, data] of whole) {
  Deno.test(`chunked, ${title}: the same data and end at every split, nothing taken beyond`, () => {
    const next = "GET / HTTP/1.1\r\n";
    const expected = { data, end: text.length, done: true, refused: undefined };
    assertEquals(scan(text + next), expected);
    for (let cut = 0; cut <= text.length; cut++) assertEquals(scan(text + next, [cut]), expected);
    const every = Array.from({ length: text.length }, (_, index) => index + 1);
    assertEquals(scan(text + next, every), expected, "byte by byte");
    for (let to = 0; to < text.length; to++) {
      const part = scan(text.slice(0, to));
      assertEquals([part.done, part.refused, part.end], [false, undefined, to], `only ${to}`);
    }
  });
}

const refused: readonly (readonly [title: string, text: string, why: RegExp])[] = [
  ["no size", "\r\nhello\r\n0\r\n\r\n", /not a hex number/],
  ["a size that is no hex number", "g\r\n", /not a hex number/],
  ["a sign", "+5\r\nhello\r\n", /not a hex number/],
  ["a minus", "-5\r\n", /not a hex number/],
  ["0x", "0x5\r\nhello\r\n", /not a hex number/],
  ["a space before the size", " 5\r\nhello\r\n", /not a hex number/],
  ["a space after the size", "5 \r\nhello\r\n", /not a hex number/],
  ["a space before the extension", "5 ;a\r\nhello\r\n", /not a hex number/],
  ["an extension without a size", ";a\r\n", /not a hex number/],
  ["fourteen digits", "00000000000005\r\nhello\r\n", /too many digits/],
  ["a size that would wrap to zero in 64 bits", "10000000000000000\r\n", /too many digits/],
  ["a bare LF after the size", "5\nhello\r\n", /not a hex number/],
  ["a bare CR after the size", "5\rhello\r\n", /CR LF/],
  ["a bare LF in an extension", "5;a\nhello\r\n", /control byte/],
  ["a zero byte in an extension", "5;a\0\r\nhello\r\n", /control byte/],
  ["a bare CR in an extension", "5;a\rb\r\nhello\r\n", /CR LF/],
  ["a chunk longer than its size", "5\r\nhelloo\r\n0\r\n\r\n", /longer than its size/],
  ["a chunk shorter than its size", "5\r\nhell\r\n0\r\n\r\n", /longer than its size/],
  ["a bare LF after the data", "5\r\nhello\n0\r\n\r\n", /longer than its size/],
  ["a bare CR after the data", "5\r\nhello\r0\r\n\r\n", /CR LF/],
  ["a trailer without a colon", "0\r\nabc\r\n\r\n", /malformed trailer/],
  ["a trailer without a name", "0\r\n: x\r\n\r\n", /malformed trailer/],
  ["a space before the colon of a trailer", "0\r\na : x\r\n\r\n", /malformed trailer/],
  ["a folded trailer", "0\r\na: x\r\n y\r\n\r\n", /malformed trailer/],
  ["a bare LF in a trailer", "0\r\na: x\n\r\n", /control byte/],
  ["a bare CR in a trailer", "0\r\na: x\ry\r\n\r\n", /CR LF/],
  ["a bare CR at the end", "0\r\n\rx", /CR LF/],
  ["a bare LF at the end", "0\r\n\n", /malformed trailer/],
  ...["Content-Length", "transfer-encoding", "HOST", "Connection", "Authorization", "TE"].map(
    (name) => [`the trailer ${name}`, `0\r\n${name}: 1\r\n\r\n`, /in a trailer/] as const,
  ),
];

for (const [title, text, why] of refused) {
  Deno.test(`chunked, refused at every split: ${title}`, () => {
    const expected = scan(text);
    assertMatch(expected.refused ?? "accepted", why);
    for (let cut = 0; cut <= text.length; cut++) {
      assertEquals(scan(text, [cut]).refused, expected.refused, `cut at ${cut}`);
    }
  });
}

Deno.test("chunked, thirteen digits of size are counted exactly", () => {
  const scanner = new ChunkScanner();
  const head = bytesOf("fffffffffffff\r\n");
  scanner.scan(head, 0, { to: head.length });
  let seen = 0;
  scanner.scan(new Uint8Array(1000), 0, { to: 1000, data: (from, to) => seen += to - from });
  assertEquals([seen, scanner.done], [1000, false]);
});

Deno.test("chunked, extensions without data come to an end", () => {
  const text = `1;${"x".repeat(5000)}\r\n`;
  assertMatch(scan(text).refused ?? "", /extensions without end/);
  const many = `1;${"x".repeat(50)}\r\na\r\n`.repeat(200);
  assertMatch(scan(many).refused ?? "", /extensions without end/);
});

Deno.test("chunked, a long body may sign every chunk in its extension", () => {
  const one = `400;signature=${"f".repeat(64)}\r\n${"d".repeat(1024)}\r\n`;
  const { done, data, refused } = scan(one.repeat(300) + "0\r\n\r\n");
  assertEquals([done, data.length, refused], [true, 300 * 1024, undefined]);
});

Deno.test("chunked, trailers without end are refused", () => {
  const text = `0\r\n${"a: b\r\n".repeat(100)}\r\n`;
  assertEquals(scan(text, [], new ChunkScanner(700)).done, true);
  assertMatch(scan(text, [], new ChunkScanner(500)).refused ?? "", /trailer fields without end/);
});

Deno.test("chunked, random bodies come out whole at random splits", () => {
  const random = seeded(11);
  for (let round = 0; round < 300; round++) {
    let text = "", expected = "";
    for (let chunk = random.below(6); chunk > 0; chunk--) {
      const data = Array.from(
        { length: 1 + random.below(40) },
        () => String.fromCharCode(random.of([13, 10, 48, 59, random.below(256)])),
      ).join("");
      const size = data.length.toString(16).padStart(1 + random.below(6), "0");
      text += `${random.below(2) ? size : size.toUpperCase()}${
        random.of(["", ";a=b"])
      }\r\n${data}\r\n`;
      expected += data;
    }
    text += `0\r\n${random.of(["", "x: y\r\n"])}\r\n`;
    const cuts = Array.from({ length: random.below(8) }, () => random.below(text.length + 1));
    assertEquals(
      scan(text, cuts.sort((a, b) => a - b)),
      { data: expected, end: text.length, done: true, refused: undefined },
    );
  }
});
