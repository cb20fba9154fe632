/** Hop-by-hop fields: what belongs to one connection ends there, in both directions. */
import { arrived, type Case, conformance, problem } from "../../support/conformance.ts";
import { answer, head } from "../../support/raw.ts";

/** Fields of a request that must not go on, and what is left of them. */
const requestFields: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["Connection: keep-alive goes no further", ["Connection: keep-alive"], []],
  ["Keep-Alive goes no further", ["Keep-Alive: timeout=5", "Connection: keep-alive"], []],
  ["Proxy-Connection goes no further", ["Proxy-Connection: keep-alive"], []],
  ["credentials for the proxy go no further", ["Proxy-Authorization: Basic eDp5"], []],
  ["fields that Connection names go no further", [
    "X-One: 1",
    "Connection: x-one , X-TWO",
    "X-Two: 2",
    "x-three: 3",
  ], ["x-three: 3"]],
  ["several Connection fields are one list", [
    "Connection: x-a",
    "X-A: 1",
    "Connection: ,x-b,",
    "X-B: 2",
    "x-b: 3",
  ], []],
  ["a field that Connection names need not exist", ["Connection: x-none", "A: b"], ["A: b"]],
  ["Connection cannot take the framing away", [
    "Connection: content-length, host",
    "Content-Length: 0",
  ], ["Content-Length: 0"]],
  ["an Upgrade that Connection does not name goes no further", ["Upgrade: websocket"], []],
  ["a Connection: upgrade without Upgrade goes no further", ["Connection: upgrade"], []],
  ["an upgrade to HTTP/2 in plain text goes no further", [
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
  ], []],
  ["TE goes no further", ["TE: gzip;q=0.5", "Connection: TE"], []],
];

const requests: readonly Case[] = [
  ...requestFields.map(([title, fields, left]) => ({
    title,
    send: head("GET /a HTTP/1.1", "Host: {s}", ...fields),
    arrives: arrived("GET /a HTTP/1.1", ...left),
  })),
  {
    title: "TE: trailers is said anew for the next hop",
    send: head("GET /a HTTP/1.1", "Host: {s}", "TE: gzip, trailers", "Connection: TE"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      "TE: trailers",
      "Connection: TE",
      "x-mesher-hops: 1",
    ),
  },
  {
    title: "the fields that sidecars exchange are not taken from an application",
    send: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      "x-mesher-unsent: 1",
      "X-Mesher-Draining: 1",
      "A: b",
    ),
    arrives: arrived("GET /a HTTP/1.1", "A: b"),
  },
  {
    title: "hops that a request brings along are counted on",
    send: head("GET /a HTTP/1.1", "Host: {s}", "x-mesher-hops: 3"),
    arrives: head("GET /a HTTP/1.1", "Host: {s}", "x-mesher-hops: 4"),
  },
  {
    title: "a hop count that is no number begins again",
    send: head("GET /a HTTP/1.1", "Host: {s}", "x-mesher-hops: many"),
    arrives: arrived("GET /a HTTP/1.1"),
  },
  {
    title: "a request that has gone through eight sidecars is a loop",
    send: head("GET /a HTTP/1.1", "Host: {s}", "x-mesher-hops: 8"),
    receives: problem(508, "loop_detected", /8 sidecars/),
  },
  {
    title: "TRACE that may go no further is not forwarded",
    send: head("TRACE /a HTTP/1.1", "Host: {s}", "Max-Forwards: 0"),
    receives: problem(400, "destination_invalid", /Max-Forwards/),
  },
  {
    title: "OPTIONS that may go no further is answered by the proxy",
    send: head("OPTIONS /a HTTP/1.1", "Host: {s}", "Max-Forwards: 0"),
    receives: head("HTTP/1.1 200 OK", "Content-Length: 0"),
  },
  {
    title: "Max-Forwards of TRACE counts down",
    send: head("TRACE /a HTTP/1.1", "Host: {s}", "Max-Forwards: 10"),
    arrives: head("TRACE /a HTTP/1.1", "Host: {s}", "Max-Forwards: 9", "x-mesher-hops: 1"),
  },
  {
    title: "Max-Forwards of other methods is nobody's business",
    send: head("GET /a HTTP/1.1", "Host: {s}", "Max-Forwards: 0"),
    arrives: arrived("GET /a HTTP/1.1", "Max-Forwards: 0"),
  },
];

/** Fields of an answer that must not go back, and what is left of them. */
const answerFields: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["Connection: keep-alive does not come back", ["Connection: keep-alive"], []],
  ["Keep-Alive does not come back", ["Keep-Alive: timeout=5", "Connection: Keep-Alive"], []],
  ["Proxy-Connection does not come back", ["Proxy-Connection: keep-alive"], []],
  ["fields that the answer's Connection names do not come back", [
    "X-One: 1",
    "Connection: X-one",
    "X-Two: 2",
  ], ["X-Two: 2"]],
  ["an Upgrade offer does not come back", ["Upgrade: h2,h2c", "Connection: Upgrade"], []],
  ["fields of sidecars do not come back from a provider without one", [
    "x-mesher-unsent: 1",
    "x-mesher-draining: 1",
    "A: b",
  ], ["A: b"]],
  ["Proxy-Authenticate of an upstream comes back", ['Proxy-Authenticate: Basic realm="x"'], [
    'Proxy-Authenticate: Basic realm="x"',
  ]],
];

const answers: readonly Case[] = [
  ...answerFields.map(([title, fields, left]) => ({
    title,
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", ...fields),
    receives: answer("ok", "200 OK", ...left),
  })),
  {
    title: "426 keeps the Upgrade that it wants, named in Connection",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("", "426 Upgrade Required", "Upgrade: websocket", "Connection: Upgrade"),
    receives: head(
      "HTTP/1.1 426 Upgrade Required",
      "Upgrade: websocket",
      "Content-Length: 0",
      "Connection: Upgrade",
    ),
  },
];

const named: readonly Case[] = [
  {
    title: "the caller's name is put into the context that its sidecar adds",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      'x-cse-context: {"x-cse-src-microservice":"web"}',
      "x-mesher-hops: 1",
    ),
  },
  {
    title: "a context that the caller sends is kept and its source corrected",
    send: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      'X-Cse-Context: {"trace":"ü","x-cse-src-microservice":"liar"}',
    ),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      'x-cse-context: {"trace":"ü","x-cse-src-microservice":"web"}',
      "x-mesher-hops: 1",
    ),
  },
  {
    title: "a context that is no JSON object is replaced",
    send: head("GET /a HTTP/1.1", "Host: {s}", "x-cse-context: [1]"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      'x-cse-context: {"x-cse-src-microservice":"web"}',
      "x-mesher-hops: 1",
    ),
  },
  {
    title: "two contexts become one",
    send: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      'x-cse-context: {"a":"1"}',
      'x-cse-context: {"a":"2"}',
    ),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      'x-cse-context: {"a":"1","x-cse-src-microservice":"web"}',
      "x-mesher-hops: 1",
    ),
  },
];

const via: readonly Case[] = [
  {
    title: "Via is added in both directions when it is switched on",
    send: head("GET /a HTTP/1.1", "Host: {s}", "Via: 1.0 other"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      "Via: 1.0 other",
      "x-mesher-hops: 1",
      "Via: 1.1 mesher",
    ),
    receives: head("HTTP/1.1 200 OK", "Content-Length: 2", "Via: 1.1 mesher") + "ok",
  },
];

conformance("hop-by-hop fields", [...requests, ...answers]);
conformance("hop-by-hop fields of a named caller", named, { policy: { service: "web" } });
conformance("hop-by-hop fields with Via", via, { policy: { via: true } });
