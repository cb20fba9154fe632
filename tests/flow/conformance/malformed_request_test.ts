/** Malformed requests: each is refused with the status that says why, and nothing of it goes on. */
import { type Case, conformance, problem, refused } from "../../support/conformance.ts";
import { head } from "../../support/raw.ts";

/** Whole heads that are refused as malformed, with the status and words of the refusal. */
const heads: readonly (readonly [string, string, RegExp, number?])[] = [
  ["a bare LF after the request line", "GET /a HTTP/1.1\nHost: {s}\r\n\r\n", /bare LF/],
  ["bare LFs throughout", "GET /a HTTP/1.1\nHost: {s}\n\n", /bare LF/],
  ["a bare LF after a field", head("GET /a HTTP/1.1", "Host: {s}", "A: b\nC: d"), /bare LF/],
  ["a bare LF as the empty line", "GET /a HTTP/1.1\r\nHost: {s}\r\n\n", /bare LF/],
  ["a bare CR in a value", head("GET /a HTTP/1.1", "Host: {s}", "A: b\rc"), /bare CR/],
  ["a bare CR after the version", "GET /a HTTP/1.1\rHost: {s}\r\n\r\n", /after the HTTP version/],
  ["a folded field", head("GET /a HTTP/1.1", "Host: {s}", "A: b", " c: d"), /folded/],
  ["a field folded with a tab", head("GET /a HTTP/1.1", "Host: {s}", "A: b", "\tc"), /folded/],
  ["a blank before the first field", head("GET /a HTTP/1.1", " Host: {s}"), /folded/],
  ["a blank before a colon", head("GET /a HTTP/1.1", "Host: {s}", "A : b"), /space between/],
  ["a tab before a colon", head("GET /a HTTP/1.1", "Host: {s}", "A\t: b"), /space between/],
  ["a field without a name", head("GET /a HTTP/1.1", "Host: {s}", ": b"), /without a name/],
  ["a field without a colon", head("GET /a HTTP/1.1", "Host: {s}", "Abc"), /without a colon/],
  ["a NUL in a value", head("GET /a HTTP/1.1", "Host: {s}", "A: b\0c"), /0x00/],
  ["an escape in a value", head("GET /a HTTP/1.1", "Host: {s}", "A: b\x1bc"), /0x1b/],
  ["a delete in a value", head("GET /a HTTP/1.1", "Host: {s}", "A: b\x7fc"), /0x7f/],
  ["a NUL in a name", head("GET /a HTTP/1.1", "Host: {s}", "A\0: b"), /0x00/],
  ["a bracket in a name", head("GET /a HTTP/1.1", "Host: {s}", "A[]: b"), /0x5b/],
  ["a byte above ASCII in a name", head("GET /a HTTP/1.1", "Host: {s}", "\xc3\xa4: b"), /0xc3/],
  ["no method", head(" /a HTTP/1.1", "Host: {s}"), /without a method/],
  ["a method with a slash", head("G/T /a HTTP/1.1", "Host: {s}"), /without a method/],
  ["a method with a NUL", head("GE\0T /a HTTP/1.1", "Host: {s}"), /without a method/],
  ["a tab after the method", head("GET\t/a HTTP/1.1", "Host: {s}"), /without a method/],
  ["no target", head("GET  HTTP/1.1", "Host: {s}"), /method, target and version/],
  ["two blanks before the target", head("GET  /a HTTP/1.1", "Host: {s}"), /method, target/],
  ["two blanks before the version", head("GET /a  HTTP/1.1", "Host: {s}"), /HTTP version/],
  ["a blank in the target", head("GET /a b HTTP/1.1", "Host: {s}"), /HTTP version/],
  ["a tab in the target", head("GET /a\tb HTTP/1.1", "Host: {s}"), /method, target/],
  ["a NUL in the target", head("GET /a\0b HTTP/1.1", "Host: {s}"), /method, target/],
  ["no version", head("GET /a", "Host: {s}"), /method, target and version/],
  ["a blank after the version", head("GET /a HTTP/1.1 ", "Host: {s}"), /after the HTTP version/],
  ["a version of other letters", head("GET /a http/1.1", "Host: {s}"), /without an HTTP version/],
  ["a version of another protocol", head("GET /a ICY/1.1", "Host: {s}"), /HTTP version/],
  ["a version without a dot", head("GET /a HTTP/11", "Host: {s}"), /HTTP version/],
  ["a version with two digits", head("GET /a HTTP/1.10", "Host: {s}"), /after the HTTP version/],
  ["HTTP/0.9 without a version", "GET /a\r\n\r\n", /method, target and version/],
  ["HTTP/2 by its number", head("GET /a HTTP/2.0", "Host: {s}"), /HTTP\/2\.0/, 505],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /HTTP\/2\.0/, 505],
  ["HTTP/0.9 with a version", head("GET /a HTTP/0.9", "Host: {s}"), /HTTP\/0\.9/, 505],
  ["no Host", head("GET /a HTTP/1.1", "A: b"), /[Nn]o Host/],
  ["no Host beside an absolute target", head("GET http://{s}/a HTTP/1.1"), /[Nn]o Host/],
  ["two Hosts", head("GET /a HTTP/1.1", "Host: {s}", "Host: {s}"), /ore than one Host/],
  ["two differing Hosts", head("GET /a HTTP/1.1", "Host: {s}", "host: b"), /ore than one Host/],
  ["a fragment", head("GET /a#b HTTP/1.1", "Host: {s}"), /fragment/],
  ["a fragment in an absolute target", head("GET http://{s}/a#b HTTP/1.1", "Host: {s}"), /fragme/],
  ["TLS on the plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /without a method/],
  [
    "a CONNECT with a length",
    head("CONNECT {s}:80 HTTP/1.1", "Host: {s}", "Content-Length: 3") + "abc",
    /CONNECT with a body/,
  ],
  [
    "a CONNECT in chunks",
    head("CONNECT {s}:80 HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked"),
    /CONNECT with a body/,
  ],
];

/** Destinations that name nobody; the request itself is sound, so that the connection lives on. */
const destinations: readonly (readonly [string, string, RegExp])[] = [
  ["user information", head("GET http://me@{s}/a HTTP/1.1", "Host: {s}"), /user information/],
  ["a password", head("GET http://me:it@{s}/a HTTP/1.1", "Host: {s}"), /user information/],
  ["user information in Host", head("GET /a HTTP/1.1", "Host: me@{s}"), /user information/],
  ["an empty Host", head("GET /a HTTP/1.1", "Host:"), /authority/],
  ["an empty authority", head("GET http:///a HTTP/1.1", "Host: {s}"), /authority/],
  ["an https target", head("GET https://{s}/a HTTP/1.1", "Host: {s}"), /CONNECT/],
  ["an ftp target", head("GET ftp://{s}/a HTTP/1.1", "Host: {s}"), /neither a path nor/],
  ["a target without a slash", head("GET a HTTP/1.1", "Host: {s}"), /neither a path nor/],
  ["a target of a star and more", head("OPTIONS *a HTTP/1.1", "Host: {s}"), /neither a path nor/],
  ["a port that is no number", head("GET http://{s}:x/a HTTP/1.1", "Host: {s}"), /authority/],
  ["a port beyond 65535", head("GET http://{s}:65536/a HTTP/1.1", "Host: {s}"), /port 65536/],
  ["port zero", head("GET http://{s}:0/a HTTP/1.1", "Host: {s}"), /port 0/],
  ["a negative port", head("GET http://{s}:-1/a HTTP/1.1", "Host: {s}"), /authority/],
  ["two ports", head("GET http://{s}:80:80/a HTTP/1.1", "Host: {s}"), /authority/],
  ["an open bracket", head("GET http://[::1/a HTTP/1.1", "Host: {s}"), /authority/],
  [
    "an IPv6 address with a zone",
    head("GET http://[fe80::1%eth0]/ HTTP/1.1", "Host: {s}"),
    /author/,
  ],
  ["an IPv6 address without brackets", head("GET http://::1/a HTTP/1.1", "Host: {s}"), /authority/],
  ["an IPv6 address that is none", head("GET http://[1:2:3]/a HTTP/1.1", "Host: {s}"), /authority/],
  ["a backslash in the authority", head("GET http://{s}\\a/ HTTP/1.1", "Host: {s}"), /character/],
  ["a blank in Host", head("GET /a HTTP/1.1", "Host: {s} b"), /Host|character|authority/],
  ["a list in Host", head("GET /a HTTP/1.1", "Host: {s}, {s}"), /Host|character|authority/],
  ["a path in Host", head("GET /a HTTP/1.1", "Host: {s}/a"), /character/],
  [
    "a wrong Host beside an absolute target",
    head("GET http://{s}/a HTTP/1.1", "Host: a b"),
    /Host/,
  ],
  ["a CONNECT without port", head("CONNECT {s} HTTP/1.1", "Host: {s}"), /without a port/],
  ["a CONNECT with a path", head("CONNECT {s}:80/a HTTP/1.1", "Host: {s}"), /authority/],
  ["a CONNECT with a scheme", head("CONNECT http://{s}:80 HTTP/1.1", "Host: {s}"), /authority/],
];

const cases: readonly Case[] = [
  ...heads.map(([title, send, detail, status]) =>
    refused(title, send, { detail, ...(status === undefined ? {} : { status }) })
  ),
  ...destinations.map(([title, send, detail]) => ({
    title,
    send,
    receives: problem(400, "destination_invalid", detail),
  })),
];

conformance("malformed requests", cases);
