/** Transparency: what a caller and its service say to each other passes byte for byte. */
import { arrived, type Case, conformance } from "../../support/conformance.ts";
import { answer, head } from "../../support/raw.ts";

/** Targets that other programs like to tidy up. */
const targets: readonly string[] = [
  "/a/../b/./c",
  "//double//slashes",
  "/%2e%2e/%2F/%41",
  "/a%00b",
  "/%zz",
  "/?",
  "/a?b=c&&d=%20+e?f",
  "/;matrix=1;b/c",
  '/a|b{c}"d"<e>^`\\f',
  "/caf\xc3\xa9",
  "/a://b",
  `/${"x".repeat(8000)}`,
];

/** Field lines that must not change by a byte. */
const fields: readonly (readonly [string, readonly string[]])[] = [
  ["duplicate cookies", ["Cookie: a=1", "Cookie: b=2"]],
  ["an empty value", ["X-Empty:"]],
  ["an empty value with blanks", ["X-Empty:   "]],
  ["blanks round a value", ["X-Blank: \t a  b \t "]],
  ["bytes above ASCII in a value", ["X-Latin: \xe4\xf6\xfc", "X-Utf: \xc3\xa4"]],
  ["every visible character in a value", [`X-All: ${visible()}`]],
  ["every character that a name may have", ["!#$%&'*+-.^_`|~09AZaz: x"]],
  ["a long value", [`X-Long: ${"v".repeat(20_000)}`]],
  ["names that look like those of the mesh", ["x-mesher: 1", "x-mesher-other: 2", "x-cse: 3"]],
  ["names as long as known ones", ["Kost: a", "Expecd: b", "Content-lengtt: 7"]],
  ["credentials", ["Authorization: Basic eDp5"]],
  ["an unknown expectation", ["Expect: the-best"]],
  ["encodings that the caller takes", ["Accept-Encoding: gzip, br;q=0.5, *;q=0"]],
  ["a range", ["Range: bytes=0-10,20-"]],
  ["names of objects in JavaScript", ["__proto__: a", "constructor: b", "toString: c"]],
];

const gzip =
  "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36" +
  "\x05\x00\x00\x00";

/** Fields of answers that must come back as they are. */
const answerFields: readonly (readonly [string, readonly string[], string])[] = [
  [
    "cookies that must never be joined",
    ["Set-Cookie: a=1; Expires=Wed, 01 Jan", "Set-Cookie: b"],
    "x",
  ],
  ["a compressed body", ["Content-Encoding: gzip", "Content-Type: text/plain"], gzip],
  ["fields of the server", ["Server: x/1", "Date: Mon, 01 Jan 2024 00:00:00 GMT"], "x"],
  ["a type without charset", ["content-TYPE: text/html"], "<p>\xe4"],
  ["caching", ['ETag: W/"1"', "Cache-Control: no-store", "Age: 5", "Vary: *"], "x"],
  ["empty and odd fields", ["X-E:", "X-O:\t b\t", "x-o: c"], "x"],
];

const cases: readonly Case[] = [
  ...targets.map((target) => ({
    title: `the target ${target.slice(0, 40)} passes`,
    send: head(`GET ${target} HTTP/1.1`, "Host: {s}"),
    arrives: arrived(`GET ${target} HTTP/1.1`),
  })),
  ...targets.slice(0, 4).map((target) => ({
    title: `the target ${target} of an absolute form passes`,
    send: head(`GET http://{s}${target} HTTP/1.1`, "Host: {s}"),
    arrives: arrived(`GET ${target} HTTP/1.1`),
  })),
  ...fields.map(([title, lines]) => ({
    title: `request: ${title}`,
    send: head("GET /a HTTP/1.1", ...lines, "Host: {s}"),
    arrives: head("GET /a HTTP/1.1", ...lines, "Host: {s}", "x-mesher-hops: 1"),
  })),
  ...answerFields.map(([title, lines, body]) => ({
    title: `answer: ${title}`,
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer(body, "200 OK", ...lines),
  })),
  {
    title: "answer: a partial body",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("bc", "206 Partial Content", "Content-Range: bytes 1-2/4"),
  },
];

conformance("transparency", cases);

function visible(): string {
  return Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join("");
}
