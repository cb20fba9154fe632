/** Mutated messages against the reference reading: same verdict, same framing, whatever the split; no other error. */
import { assert, assertEquals } from "@test/assert";
import { ChunkScanner } from "../../lib/data/http1/chunked.ts";
import { MalformedHead } from "../../lib/data/http1/fields.ts";
import type { Fields } from "../../lib/data/http1/fields.ts";
import { RequestHead } from "../../lib/data/http1/request_head.ts";
import { ResponseHead } from "../../lib/data/http1/response_head.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { chunkedBodies, mutate, requestHeads, responseHeads } from "../support/http1_mutate.ts";
import {
  readChunked,
  type Reading,
  readRequest,
  readResponse,
} from "../support/http1_reference.ts";
import { bytesOf, fieldList, textOf, type Verdict, verdictOf } from "../unit/data/http1/support.ts";

const maxFields = 9;
/** Lets every line that has begun end, and then some, so that a late refusal must have come. */
const flush = "\r\n\r\nxxxxxxxxxxxxx";

interface Kind {
  readonly name: string;
  readonly seeds: readonly string[];
  parse(bytes: Uint8Array, to: number): number;
  read(input: string): Reading;
  /** Where the first line of the accepted head begins. */
  from(): number;
  facts(bytes: Uint8Array): unknown;
  expected(reading: Extract<Reading, { kind: "head" }>): unknown;
  fields(): Fields;
  fieldsFrom(): number;
}

function requestKind(): Kind {
  const head = new RequestHead();
  return {
    name: "request",
    seeds: requestHeads,
    parse: (bytes, to) => head.parse(bytes, 0, { to, maxFields }),
    read: (input) => readRequest(input, maxFields),
    from: () => head.methodFrom,
    fields: () => head.fields,
    fieldsFrom: () => head.fieldsFrom,
    facts: (bytes) => [
      textOf(bytes, head.methodFrom, head.methodTo),
      textOf(bytes, head.targetFrom, head.targetTo),
      head.minor,
      head.bodyLength,
      head.keepAlive,
      head.isIdempotent,
      [head.isHead, head.isConnect],
      fieldList(bytes, head.fields),
      head.end,
    ],
    expected: ({ start, bodyLength, keepAlive, fields, end }) => [
      start[0],
      start[1],
      start[3] === "0" ? 0 : 1,
      bodyLength,
      keepAlive,
      /^(?:GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/.test(start[0]!),
      [start[0] === "HEAD", start[0] === "CONNECT"],
      fields,
      end,
    ],
  };
}

function responseKind(): Kind {
  const head = new ResponseHead();
  return {
    name: "response",
    seeds: responseHeads,
    parse: (bytes, to) => head.parse(bytes, 0, { to, maxFields }),
    read: (input) => readResponse(input, maxFields),
    from: () => 0,
    fields: () => head.fields,
    fieldsFrom: () => head.fieldsFrom,
    facts: (bytes) => [
      head.status,
      head.minor,
      textOf(bytes, head.reasonFrom, head.reasonTo),
      head.fields.chunked ? -1 : Math.max(0, head.fields.contentLength),
      head.fields.contentLength,
      head.keepAlive,
      fieldList(bytes, head.fields),
      head.end,
    ],
    expected: ({ start, bodyLength, contentLength, keepAlive, fields, end }) => [
      Number(start[1]),
      start[0] === "0" ? 0 : 1,
      start[2],
      bodyLength,
      contentLength,
      keepAlive,
      fields,
      end,
    ],
  };
}

/** The verdict as far as the reference has one. */
function comparable(verdict: Verdict | Reading): unknown {
  switch (verdict.kind) {
    case "refused":
      return `refused ${verdict.status}`;
    case "head":
      return `head of ${verdict.end}`;
    default:
      return verdict.kind;
  }
}

/** Holds one input against the reference and against itself. Shape: the verdict in a word. */
function check(kind: Kind, input: string, random: Seeded): string {
  const parse = (bytes: Uint8Array, to: number) => verdictOf(() => kind.parse(bytes, to));
  const whole = bytesOf(input);
  const reading = kind.read(input);
  // Bytes behind the limit must not change anything, nor be needed.
  const followed = bytesOf(input + random.of(["\r\n\r\n", "\n", " HTTP/2.0\r\n\r\n", ":\0\xff"]));
  const behind = comparable(parse(followed, whole.length));
  const verdict = parse(whole, whole.length);
  assertEquals(behind, comparable(verdict), "bytes behind the limit were read");
  if (reading.kind !== "refused") assertEquals(comparable(verdict), comparable(reading));
  else assert.ok(verdict.kind !== "head", "taken although the reference refuses it");
  if (verdict.kind === "head" && reading.kind === "head") {
    assertEquals(kind.facts(whole), kind.expected(reading));
    assertEquals(serialised(kind, whole), input.slice(kind.from(), verdict.end));
  }
  // What arrives in pieces is judged as what arrives at once.
  const cut = random.below(whole.length + 1);
  const early = parse(whole, cut);
  if (early.kind !== "incomplete") assertEquals(comparable(early), comparable(verdict));
  // With the end of every line there, nobody can still be waiting.
  const flushed = bytesOf(input + flush);
  const last = comparable(parse(flushed, flushed.length));
  assertEquals(last, comparable(kind.read(input + flush)), "with an end");
  if (verdict.kind === "refused") assertEquals(last, comparable(verdict));
  return verdict.kind;
}

/** The head put together again from its ranges. */
function serialised(kind: Kind, bytes: Uint8Array): string {
  const fields = kind.fields();
  let text = textOf(bytes, kind.from(), kind.fieldsFrom());
  for (let index = 0; index < fields.count; index++) {
    text += textOf(bytes, fields.nameFrom(index), fields.nameTo(index)) +
      textOf(bytes, fields.nameTo(index), fields.valueFrom(index)) +
      textOf(bytes, fields.valueFrom(index), fields.valueTo(index)) +
      textOf(bytes, fields.valueTo(index), fields.lineTo(index));
  }
  return text + "\r\n";
}

const rounds = { request: 60_000, response: 20_000, chunked: 20_000 };

for (const kind of [requestKind(), responseKind()]) {
  const count = rounds[kind.name as "request" | "response"];
  Deno.test(`fuzz, ${count} mutated ${kind.name} heads are read as the reference reads them`, () => {
    const random = seeded(1);
    const verdicts = new Map<string, number>();
    for (let round = 0; round < count; round++) {
      const input = mutate(random, random.of(kind.seeds), kind.seeds);
      try {
        const verdict = check(kind, input, random);
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      } catch (error) {
        throw new Error(`round ${round}: ${JSON.stringify(input)}`, { cause: error });
      }
    }
    // A fuzzer whose inputs all fail at the first byte, or never, tells nothing.
    for (const verdict of ["head", "refused", "incomplete"]) {
      assert.ok((verdicts.get(verdict) ?? 0) > count / 200, `${verdict}: ${verdicts.get(verdict)}`);
    }
  });
}

interface Scanned {
  readonly kind: "whole" | "incomplete" | "refused";
  readonly end?: number;
  readonly data?: string;
}

function scanPieces(input: string, cuts: readonly number[]): Scanned {
  const bytes = bytesOf(input);
  const scanner = new ChunkScanner();
  let at = 0, data = "";
  try {
    for (const to of [...cuts, bytes.length]) {
      if (scanner.done) break;
      at = scanner.scan(bytes, at, { to, data: (from, end) => data += textOf(bytes, from, end) });
      assert.ok(at <= to, "went beyond its limit");
    }
  } catch (error) {
    if (error instanceof MalformedHead) return { kind: "refused" };
    throw error;
  }
  return scanner.done ? { kind: "whole", end: at, data } : { kind: "incomplete" };
}

Deno.test(`fuzz, ${rounds.chunked} mutated chunked bodies are read as the reference reads them`, () => {
  const random = seeded(2);
  const kinds = new Map<string, number>();
  for (let round = 0; round < rounds.chunked; round++) {
    const input = mutate(random, random.of(chunkedBodies), chunkedBodies);
    const expected = readChunked(input);
    const cuts = Array.from({ length: random.below(5) }, () => random.below(input.length + 1));
    cuts.sort((a, b) => a - b);
    const message = `round ${round}: ${JSON.stringify(input)}`;
    assertEquals(scanPieces(input, []), { ...expected }, message);
    assertEquals(scanPieces(input, cuts), { ...expected }, `${message} cut at ${cuts}`);
    kinds.set(expected.kind, (kinds.get(expected.kind) ?? 0) + 1);
  }
  for (const kind of ["whole", "incomplete", "refused"]) {
    assert.ok((kinds.get(kind) ?? 0) > rounds.chunked / 200, `${kind}: ${kinds.get(kind)}`);
  }
});

Deno.test("fuzz, no byte outside the given range is ever asked for", () => {
  const random = seeded(3);
  const kinds = [requestKind(), responseKind()];
  for (let round = 0; round < 4000; round++) {
    const kind = random.of(kinds);
    const input = mutate(random, random.of(kind.seeds), kind.seeds);
    const to = random.below(input.length + 1);
    const bytes = new Proxy(bytesOf(input), {
      get(target, key) {
        if (typeof key === "string" && /^-?\d+$/.test(key)) {
          assert.ok(Number(key) >= 0 && Number(key) < to, `byte ${key} of ${to}`);
        }
        const value = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    verdictOf(() => kind.parse(bytes, to));
  }
});

/** Inputs that once told the two readings apart, or that others have fallen for. */
const named: readonly (readonly [title: string, input: string])[] = [
  [
    "two lengths that agree",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
  ],
  [
    "a coding behind a vertical tab",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n",
  ],
  [
    "a coding behind a bare LF",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  [
    "a coding behind a bare CR",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["a folded coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"],
  ["a length with a name in brackets", "POST / HTTP/1.1\r\nHost: a\r\n(Content-Length): 5\r\n\r\n"],
  [
    "a length in full-width digits",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xef\xbc\x95\r\n\r\n",
  ],
  ["a name with a zero byte", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length\0: 5\r\n\r\n"],
  ["only line ends", "\r\n\r\n\r\n"],
  ["a CR alone", "\r"],
  ["the version without its last digit", "GET / HTTP/1.\r\n\r\n"],
  ["a short version at the very end", "GET / HTTP/"],
  [
    "fields beyond the limit, the last one wrong",
    `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(9)}c d\r\n\r\n`,
  ],
];

for (const [title, input] of named) {
  Deno.test(`fuzz, named: ${title}`, () => {
    const random = seeded(4);
    const kind = requestKind();
    for (let round = 0; round <= input.length; round++) check(kind, input, random);
    for (let cut = 0; cut < input.length; cut++) check(kind, input.slice(0, cut), random);
  });
}
