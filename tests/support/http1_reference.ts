/**
 * A second reading of RFC 9112, made of regular expressions over text: slow, short, and written without a look at
 * the engine's scanner, so that the two are not wrong in the same way.
 *
 * Where the engine is stricter than the RFC by decision, so is this: no obs-fold, no bare LF, no lists of lengths, no
 * codings but chunked, no blanks round chunk sizes, at most 15 digits of length and 13 of chunk size.
 */

export type Reading =
  | {
    readonly kind: "head";
    /** Bytes up to and with the empty line. */
    readonly end: number;
    readonly start: readonly string[];
    readonly fields: readonly (readonly [name: string, value: string])[];
    /** -1 chunked, 0 none. */
    readonly bodyLength: number;
    readonly contentLength: number;
    readonly keepAlive: boolean;
  }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly status: number };

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const text = "[\\t\\x20-\\x7e\\x80-\\xff]*";
const target = "[\\x21-\\x7e\\x80-\\xff]";

const requestLine = new RegExp(`^(${token}) (${target}+) HTTP/([0-9])\\.([0-9])$`);
const statusLine = new RegExp(`^HTTP/1\\.([0-9]) ([1-5][0-9][0-9])((?: ${text})?)$`);
const fieldLine = new RegExp(`^(${token}):(${text})$`);

/** What may still become a request line, a status line or a field. */
const requestLineBegin = new RegExp(
  `^(?:(?:${token})?|${token} ${target}*|${token} ${target}+ ${begin("HTTP/d.d\r")})$`,
);
const statusLineBegin = new RegExp(
  `^(?:${begin("HTTP/1.d sdd")}|HTTP/1\\.[0-9] [1-5][0-9][0-9](?: ${text})?\\r?)$`,
);
const fieldLineBegin = new RegExp(`^(?:(?:${token})?|\\r|${token}:${text}\\r?)$`);

/** A pattern for every beginning of a text in which d stands for a digit and s for one from 1 to 5. */
function begin(word: string): string {
  return [...word].reduceRight((rest, char) => {
    const one = char === "d"
      ? "[0-9]"
      : char === "s"
      ? "[1-5]"
      : char.replace(/[.\r]/, (c) => c === "." ? "\\." : "\\r");
    return `(?:${one}${rest})?`;
  }, "");
}

const refused = (status = 400): Reading => ({ kind: "refused", status });

interface Grammar {
  readonly line: RegExp;
  readonly begin: RegExp;
  readonly skipsEmptyLines: boolean;
  /** What the first line makes of the head, before any field is looked at. */
  check(start: readonly string[]): Reading | undefined;
  /** What all of it makes of the head. */
  judge(start: readonly string[], all: Facts): Reading | undefined;
  minor(start: readonly string[]): string;
}

interface Facts {
  readonly codings: readonly string[];
  readonly lengths: readonly string[];
  readonly hosts: number;
}

function read(input: string, grammar: Grammar, maxFields: number): Reading {
  let at = 0;
  while (grammar.skipsEmptyLines && input.startsWith("\r\n", at)) at += 2;
  if (grammar.skipsEmptyLines && input.slice(at) === "\r") return { kind: "incomplete" };
  let start: readonly string[] | undefined;
  const fields: (readonly [string, string])[] = [];
  for (;;) {
    const lineEnd = input.indexOf("\r\n", at);
    if (lineEnd < 0) {
      const may = start === undefined ? grammar.begin : fieldLineBegin;
      return may.test(input.slice(at)) ? { kind: "incomplete" } : refused();
    }
    const line = input.slice(at, lineEnd);
    at = lineEnd + 2;
    if (start === undefined) {
      const match = grammar.line.exec(line);
      if (match === null) return refused();
      start = match.slice(1);
      const problem = grammar.check(start);
      if (problem !== undefined) return problem;
    } else if (line === "") {
      return whole(grammar, { start, fields, end: at });
    } else {
      const match = fieldLine.exec(line);
      if (match === null) return refused();
      if (fields.length === maxFields) return refused(431);
      const value = match[2]!.replace(/^[ \t]+|[ \t]+$/g, "");
      const name = match[1]!.toLowerCase();
      const before = fields.some(([other]) => other.toLowerCase() === name);
      if (name === "content-length" && (before || !/^\d{1,15}$/.test(value))) return refused();
      if (name === "transfer-encoding" && before) return refused();
      fields.push([match[1]!, value]);
    }
  }
}

function whole(
  grammar: Grammar,
  { start, fields, end }: {
    start: readonly string[];
    fields: readonly (readonly [string, string])[];
    end: number;
  },
): Reading {
  const valuesOf = (wanted: string) =>
    fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  const codings = valuesOf("transfer-encoding"), lengths = valuesOf("content-length");
  const problem = grammar.judge(start, { codings, lengths, hosts: valuesOf("host").length });
  if (problem !== undefined) return problem;
  const options = valuesOf("connection").join(",").toLowerCase().split(",")
    .map((one) => one.replace(/^[ \t]+|[ \t]+$/g, ""));
  const keepAlive = !options.includes("close") &&
    (grammar.minor(start) !== "0" || options.includes("keep-alive"));
  return {
    kind: "head",
    end,
    start,
    fields,
    bodyLength: codings.length > 0 ? -1 : Number(lengths[0] ?? 0),
    contentLength: Number(lengths[0] ?? -1),
    keepAlive,
  };
}

const requests: Grammar = {
  line: requestLine,
  begin: requestLineBegin,
  skipsEmptyLines: true,
  check: ([, , major]) => major === "1" ? undefined : refused(505),
  judge([, , , minor], { codings, lengths, hosts }) {
    if (codings.length > 0) {
      if (lengths.length > 0 || minor === "0") return refused();
      if (codings[0]!.toLowerCase() !== "chunked") return refused(501);
    }
    return hosts > 1 || (hosts === 0 && minor !== "0") ? refused() : undefined;
  },
  minor: ([, , , minor]) => minor!,
};

const responses: Grammar = {
  line: statusLine,
  begin: statusLineBegin,
  skipsEmptyLines: false,
  check: () => undefined,
  judge([minor], { codings, lengths }) {
    if (codings.length === 0) return undefined;
    const bad = lengths.length > 0 || minor === "0" || codings[0]!.toLowerCase() !== "chunked";
    return bad ? refused() : undefined;
  },
  minor: ([minor]) => minor!,
};

/** Shape: `start` is method, target, major, minor. */
export function readRequest(input: string, maxFields: number): Reading {
  return read(input, requests, maxFields);
}

/** Shape: `start` is minor, status, reason with its blank. */
export function readResponse(input: string, maxFields: number): Reading {
  return read(input, responses, maxFields);
}

export type ChunkReading =
  | { readonly kind: "whole"; readonly end: number; readonly data: string }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused" };

const sizeLine = new RegExp(`^([0-9A-Fa-f]{1,13})(?:;${text})?$`);
const sizeLineBegin = new RegExp(`^(?:[0-9A-Fa-f]{0,13}|[0-9A-Fa-f]{1,13}(?:;${text})?\\r?)$`);
const forbiddenTrailer =
  /^(?:content-length|transfer-encoding|host|connection|trailer|content-encoding|content-type|content-range|authorization|te):/i;

/** Reads a chunked body with its trailers. */
export function readChunked(input: string): ChunkReading {
  let at = 0, data = "";
  for (;;) {
    const lineEnd = input.indexOf("\r\n", at);
    if (lineEnd < 0) {
      return { kind: sizeLineBegin.test(input.slice(at)) ? "incomplete" : "refused" };
    }
    const match = sizeLine.exec(input.slice(at, lineEnd));
    if (match === null) return { kind: "refused" };
    at = lineEnd + 2;
    const size = Number(`0x${match[1]}`);
    if (size === 0) break;
    data += input.slice(at, at + size);
    at += size;
    if (at > input.length) return { kind: "incomplete" };
    const after = input.slice(at, at + 2);
    if (after !== "\r\n") {
      return { kind: "\r\n".startsWith(after) ? "incomplete" : "refused" };
    }
    at += 2;
  }
  for (;;) {
    const lineEnd = input.indexOf("\r\n", at);
    const line = lineEnd < 0 ? input.slice(at) : input.slice(at, lineEnd);
    if (forbiddenTrailer.test(line)) return { kind: "refused" };
    if (lineEnd < 0) return { kind: fieldLineBegin.test(line) ? "incomplete" : "refused" };
    at = lineEnd + 2;
    if (line === "") return { kind: "whole", end: at, data };
    if (!fieldLine.test(line)) return { kind: "refused" };
  }
}
