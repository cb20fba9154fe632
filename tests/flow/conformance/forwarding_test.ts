/** Forwarding: the four forms of a target, methods, bodies, and what a plain request and answer look like after it. */
import { arrived, type Case, conformance, ok, problem } from "../../support/conformance.ts";
import { answer, head } from "../../support/raw.ts";

const forms: readonly Case[] = [
  {
    title: "an origin-form request goes on with its fields in order, case and number",
    send: head("GET /a HTTP/1.1", "Host: {s}", "X-b: 1", "x-A: 2", "X-b: 3", "Accept:*/*"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      "X-b: 1",
      "x-A: 2",
      "X-b: 3",
      "Accept:*/*",
      "x-mesher-hops: 1",
    ),
  },
  {
    title: "an absolute-form request goes on in origin form",
    send: head("GET http://{s}/a/b?c=d HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a/b?c=d HTTP/1.1"),
  },
  {
    title: "an absolute target overrules a differing Host, which is written anew",
    send: head("GET http://{s}/a HTTP/1.1", "Host: Other", "A: b"),
    arrives: head("GET /a HTTP/1.1", "Host: {s}", "A: b", "x-mesher-hops: 1"),
  },
  {
    title: "the scheme of an absolute target is known in any case",
    send: head("GET HTTP://{s}/a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
  },
  {
    title: "an absolute target without a path is the root",
    send: head("GET http://{s} HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET / HTTP/1.1"),
  },
  {
    title: "an absolute target with a query alone gets a root path",
    send: head("GET http://{s}?x=1 HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /?x=1 HTTP/1.1"),
  },
  {
    title: "an absolute OPTIONS without a path asks the service as a whole",
    send: head("OPTIONS http://{s} HTTP/1.1", "Host: {s}"),
    arrives: arrived("OPTIONS * HTTP/1.1"),
  },
  {
    title: "OPTIONS * asks the proxy itself",
    send: head("OPTIONS * HTTP/1.1", "Host: {s}"),
    receives: head("HTTP/1.1 200 OK", "Content-Length: 0"),
  },
  {
    title: "OPTIONS * of a client that wants to close is answered and closed",
    send: head("OPTIONS * HTTP/1.1", "Host: {s}", "Connection: close"),
    receives: head("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: close"),
    client: "closed",
  },
  {
    title: "a star as target of another method is refused",
    send: head("GET * HTTP/1.1", "Host: {s}"),
    receives: problem(400, "destination_invalid", /target that is neither a path/),
  },
  {
    title: "a port in the authority is told to the provider's sidecar",
    send: head("GET http://{s}:8080/a HTTP/1.1", "Host: {s}:8080"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: {s}:8080",
      "X-Forwarded-Port: 8080",
      "x-mesher-hops: 1",
    ),
  },
  {
    title: "a port in the authority replaces the caller's own X-Forwarded-Port",
    send: head("GET /a HTTP/1.1", "Host: {s}:81", "X-Forwarded-Port: 99"),
    arrives: head("GET /a HTTP/1.1", "Host: {s}:81", "X-Forwarded-Port: 81", "x-mesher-hops: 1"),
  },
  {
    title: "an empty port is no port",
    send: head("GET http://{s}:/a HTTP/1.1", "Host: {s}:"),
    arrives: head("GET /a HTTP/1.1", "Host: {s}:", "x-mesher-hops: 1"),
  },
];

const outside: readonly Case[] = [
  {
    title: "a host outside the mesh gets no field of the mesh",
    send: head(
      "GET http://127.0.0.1:{p}/a HTTP/1.1",
      "Host: 127.0.0.1:{p}",
      'x-cse-context: {"a":1}',
      "x-cse-src-microservice: web",
      "x-mesher-hops: 2",
      "x-mesher-unsent: 1",
      "x-mesher-draining: 1",
      "X-Own: kept",
    ),
    arrives: head("GET /a HTTP/1.1", "Host: 127.0.0.1:{p}", "X-Own: kept"),
    probeHost: "127.0.0.1:{p}",
  },
];

const methods: readonly Case[] = [
  "GET",
  "PUT",
  "DELETE",
  "PATCH",
  "PROPFIND",
  "M-SEARCH",
  "get",
  "X",
].map((method) => ({
  title: `the method ${method} goes on as it is`,
  send: head(`${method} /m HTTP/1.1`, "Host: {s}"),
  arrives: arrived(`${method} /m HTTP/1.1`),
}));

const bodies: readonly Case[] = [
  {
    title: "a body with a length goes on",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 5") + "hello",
    arrives: arrived("POST /a HTTP/1.1", "Content-Length: 5") + "hello",
  },
  {
    title: "a body with length zero goes on",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Content-Length: 0"),
    arrives: arrived("POST /a HTTP/1.1", "Content-Length: 0"),
  },
  {
    title: "a body of a GET goes on",
    send: head("GET /a HTTP/1.1", "Host: {s}", "Content-Length: 2") + "{}",
    arrives: arrived("GET /a HTTP/1.1", "Content-Length: 2") + "{}",
  },
  {
    title: "bytes of every value pass in both directions",
    send: head("PUT /a HTTP/1.1", "Host: {s}", "Content-Length: 256") + everyByte(),
    arrives: arrived("PUT /a HTTP/1.1", "Content-Length: 256") + everyByte(),
    answer: answer(everyByte()),
  },
  {
    title: "a chunked body goes on with its chunks, extensions and trailers",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked", "Trailer: X-Sum") +
      "5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
    arrives: arrived("POST /a HTTP/1.1", "Transfer-Encoding: chunked", "Trailer: X-Sum") +
      "5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
  },
  {
    title: "an empty chunked body goes on",
    send: head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    arrives: arrived("POST /a HTTP/1.1", "Transfer-Encoding: chunked") + "0\r\n\r\n",
  },
];

const answers: readonly Case[] = [
  {
    title: "a chunked answer goes back with its chunks and trailers",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") +
      "3;x\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n",
  },
  {
    title: "an answer without reason goes back with none",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 ", "Content-Length: 0"),
  },
  {
    title: "a status line that ends after the status gets the blank it lacks",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 200", "Content-Length: 0"),
    receives: head("HTTP/1.1 200 ", "Content-Length: 0"),
  },
  {
    title: "an unusual status and reason go back as they are",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 299 Fine (ünd so)", "Content-Length: 0"),
  },
  {
    title: "a HEAD answer has no body, whatever its length says",
    send: head("HEAD /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("HEAD /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK", "Content-Length: 500"),
  },
  {
    title: "a HEAD answer that names chunks has no body",
    send: head("HEAD /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("HEAD /a HTTP/1.1"),
    answer: head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"),
  },
  {
    title: "a 204 has no body and loses a length it must not have",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 204 No Content", "Content-Length: 0", "A: b"),
    receives: head("HTTP/1.1 204 No Content", "A: b"),
  },
  {
    title: "a 304 has no body and keeps the length of what it stands for",
    send: head("GET /a HTTP/1.1", "Host: {s}", 'If-None-Match: "x"'),
    arrives: arrived("GET /a HTTP/1.1", 'If-None-Match: "x"'),
    answer: head("HTTP/1.1 304 Not Modified", "Content-Length: 77", 'ETag: "x"'),
  },
  {
    title: "a redirect is handed back and not followed",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("", "302 Found", "Location: http://Other/b"),
  },
  {
    title: "an error of the service is handed back untouched",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("broken", "500 Internal Server Error"),
  },
];

const interim: readonly Case[] = [
  {
    title: "interim answers go back before the final one",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 103 Early Hints", "Link: </a.css>; rel=preload") +
      head("HTTP/1.1 102 Processing") + ok,
  },
  {
    title: "an interim answer loses a length it must not have",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: head("HTTP/1.1 103 Early Hints", "Content-Length: 3", "A: b") + ok,
    receives: head("HTTP/1.1 103 Early Hints", "A: b") + ok,
  },
];

conformance("forwarding", [...forms, ...methods, ...bodies, ...answers, ...interim]);
conformance("forwarding outside the mesh", outside);

function everyByte(): string {
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
}
