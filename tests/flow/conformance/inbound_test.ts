/** The provider side: what a request from the mesh looks like to the application, and which port it reaches. */
import { type Case, conformance, problem } from "../../support/conformance.ts";
import { answer, head } from "../../support/raw.ts";

const inboundFields = [
  "X-Forwarded-For: 127.0.0.1",
  "X-Forwarded-Host: shop",
  "X-Forwarded-Proto: http",
] as const;

const inbound: readonly Case[] = [
  {
    title: "the application learns where a request came from",
    send: head("GET /a HTTP/1.1", "Host: shop"),
    arrives: head("GET /a HTTP/1.1", "Host: shop", ...inboundFields),
  },
  {
    title: "earlier stations stay in the record",
    send: head(
      "GET /a HTTP/1.1",
      "Host: shop",
      "X-Forwarded-For: 10.0.0.1, 10.0.0.2",
      "X-Forwarded-Host: front",
      "X-Forwarded-Proto: https",
      "X-Forwarded-For: 10.0.0.3",
    ),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: shop",
      "X-Forwarded-Host: front",
      "X-Forwarded-Proto: https",
      "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 127.0.0.1",
    ),
  },
  {
    title: "the application sees the context and hops of the mesh, not the sidecars' private words",
    send: head(
      "GET /a HTTP/1.1",
      "Host: shop",
      'x-cse-context: {"x-cse-src-microservice":"web"}',
      "x-mesher-hops: 1",
      "x-mesher-unsent: 1",
      "x-mesher-draining: 1",
    ),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: shop",
      'x-cse-context: {"x-cse-src-microservice":"web"}',
      "x-mesher-hops: 1",
      ...inboundFields,
    ),
  },
  {
    title: "the port that the caller named picks the application port",
    send: head("GET /a HTTP/1.1", "Host: shop", "X-Forwarded-Port: {p}"),
    arrives: head("GET /a HTTP/1.1", "Host: shop", "X-Forwarded-Port: {p}", ...inboundFields),
  },
  {
    title: "a port that is not configured is not reached, whatever the caller names",
    send: head("GET /a HTTP/1.1", "Host: shop", "X-Forwarded-Port: 22"),
    receives: problem(503, "local_port_missing", /port 22/),
  },
  {
    title: "a port that is no number is not reached",
    send: head("GET /a HTTP/1.1", "Host: shop", "X-Forwarded-Port: 80x"),
    receives: problem(503, "local_port_missing", /80x/),
  },
  {
    title: "an absolute target becomes path and Host",
    send: head("GET http://shop:99/a?b HTTP/1.1", "Host: other"),
    arrives: head(
      "GET /a?b HTTP/1.1",
      "Host: shop:99",
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Host: shop:99",
      "X-Forwarded-Proto: http",
    ),
  },
  {
    title: "an absolute target with user information is refused",
    send: head("GET http://me@shop/a HTTP/1.1", "Host: shop"),
    receives: problem(400, "destination_invalid", /user information/),
  },
  {
    title: "an absolute target with https is refused",
    send: head("GET https://shop/a HTTP/1.1", "Host: shop"),
    receives: problem(400, "destination_invalid", /neither a path nor/),
  },
  {
    title: "CONNECT is refused",
    send: head("CONNECT 127.0.0.1:{p} HTTP/1.1", "Host: 127.0.0.1:{p}"),
    receives: problem(400, "destination_invalid", /CONNECT/),
  },
  {
    title: "a request without Host is told to the application with the address it has",
    send: head("GET /a HTTP/1.0"),
    arrives: head(
      "GET /a HTTP/1.1",
      "Host: 127.0.0.1:{p}",
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Proto: http",
    ),
    receives: answer("ok", "200 OK").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    client: "closed",
  },
  {
    title: "the application's own words for sidecars do not leave it",
    send: head("GET /a HTTP/1.1", "Host: shop"),
    arrives: head("GET /a HTTP/1.1", "Host: shop", ...inboundFields),
    answer: answer("no", "503 No", "x-mesher-unsent: 1", "x-mesher-draining: 1"),
    receives: answer("no", "503 No"),
  },
  {
    title: "a star as target of OPTIONS goes to the application",
    send: head("OPTIONS * HTTP/1.1", "Host: shop"),
    arrives: head("OPTIONS * HTTP/1.1", "Host: shop", ...inboundFields),
  },
  {
    title: "a star as target of another method is refused",
    send: head("GET * HTTP/1.1", "Host: shop"),
    receives: problem(400, "destination_invalid", /neither a path nor/),
  },
];

conformance("inbound", inbound, { role: "inbound" });
