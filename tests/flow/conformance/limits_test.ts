/** Limits: how large a head may be, how many fields, how many connections; what is beyond is refused in order. */
import { assertEquals } from "@test/assert";
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
  refused,
  withDeadline,
} from "../../support/conformance.ts";
import { answer, head } from "../../support/raw.ts";

const maxBytes = 65536;

/** A request whose head has exactly so many bytes once the service's name is put in. */
function sized(bytes: number): (fill: (text: string) => string) => string {
  return (fill) => {
    const bare = fill(head("GET /a HTTP/1.1", "Host: {s}", "X-Fill: "));
    return bare.replace("X-Fill: ", `X-Fill: ${"f".repeat(bytes - bare.length)}`);
  };
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: v`);

const requests: readonly Case[] = [
  {
    title: "a head of exactly 64 KiB passes",
    async play(scene) {
      const { client, fill } = scene;
      const sent = sized(maxBytes)(fill);
      assertEquals(sent.length, maxBytes);
      client.send(sent);
      const upstream = await scene.accept();
      const expected = withDeadline(
        scene,
        sent.replace("\r\n\r\n", "\r\nx-mesher-hops: 1\r\n\r\n"),
      );
      assertEquals((await upstream.take(expected.length)).length, expected.length);
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "a head of one byte more is refused",
    client: "closed",
    async play({ client, fill }) {
      client.send(sized(maxBytes + 1)(fill));
      await checkProblem(client, problem(431, "request_malformed", /65536 bytes/));
    },
  },
  refused(
    "a head of a megabyte is refused",
    head("GET /a HTTP/1.1", "Host: {s}", `X-Fill: ${"f".repeat(1 << 20)}`),
    { status: 431, detail: /65536 bytes/ },
  ),
  refused(
    "a head without end is refused",
    `GET /a HTTP/1.1\r\nHost: {s}\r\n${"A: b\r\n".repeat(900)}X: ${"y".repeat(70_000)}`,
    { status: 431, detail: /65536 bytes/ },
  ),
  refused(
    "a request line without end is refused",
    `GET /${"a".repeat(70_000)}`,
    { status: 414, detail: /request line/ },
  ),
  refused(
    "a target that is too long is refused",
    head(`GET /${"a".repeat(66_000)} HTTP/1.1`, "Host: {s}"),
    { status: 414, detail: /request line/ },
  ),
  refused("empty lines without end are refused", "\r\n".repeat(40_000), {
    status: 431,
    detail: /65536 bytes/,
  }),
  {
    title: "a thousand fields pass",
    send: head("GET /a HTTP/1.1", "Host: {s}", ...many(999)),
    arrives: arrived("GET /a HTTP/1.1", ...many(999)),
  },
  refused(
    "one field more is refused",
    head("GET /a HTTP/1.1", "Host: {s}", ...many(1000)),
    { status: 431, detail: /1000 fields/ },
  ),
  refused(
    "thousands of fields are refused",
    head("GET /a HTTP/1.1", "Host: {s}", ...many(5000)),
    { status: 431, detail: /1000 fields/ },
  ),
  {
    title: "trailers without end are refused",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("POST /a HTTP/1.1", "Host: {s}", "Transfer-Encoding: chunked")));
      await (await scene.accept()).head();
      client.send("0\r\n" + "A: b\r\n".repeat(20_000));
      await checkProblem(client, problem(400, "request_malformed", /chunk|trailer/));
    },
  },
  {
    title: "a long list of names in Connection is worked through in time",
    send: head(
      "GET /a HTTP/1.1",
      "Host: {s}",
      ...many(900),
      `Connection: ${many(5000).map((field) => field.slice(0, -3)).join(",")}`,
    ),
    arrives: arrived("GET /a HTTP/1.1"),
  },
];

const answers: readonly Case[] = [
  {
    title: "an answer's head of 60 KiB passes",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", `X-Fill: ${"f".repeat(60_000)}`),
  },
  {
    title: "an answer's head of more than 64 KiB is a bad gateway",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", `X-Fill: ${"f".repeat(70_000)}`),
    receives: problem(502, "protocol_error", /65536 bytes/),
    upstream: "closed",
  },
  {
    title: "an answer's head without end is a bad gateway",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: "HTTP/1.1 200 OK\r\nA: " + "b".repeat(1 << 20),
    receives: problem(502, "protocol_error", /65536 bytes/),
    upstream: "closed",
  },
  {
    title: "an answer with a thousand fields passes",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", ...many(999)),
  },
  {
    title: "an answer with more than a thousand fields is a bad gateway",
    send: head("GET /a HTTP/1.1", "Host: {s}"),
    arrives: arrived("GET /a HTTP/1.1"),
    answer: answer("ok", "200 OK", ...many(1000)),
    receives: problem(502, "protocol_error", /1000 fields/),
    upstream: "closed",
  },
];

const parked: readonly Case[] = [
  {
    title: "requests beyond those that may wait for a name are refused at once",
    policy: { limits: { parked: 1 }, timeouts: { resolveMs: 60_000 } },
    async play({ plane, client }) {
      plane.mute = true;
      try {
        const other = await plane.client();
        other.send(head("GET / HTTP/1.1", "Host: Slow"));
        await plane.message(
          (each) => each.kind === "resolve" && each.name === "Slow",
          "a question",
        );
        client.send(head("GET / HTTP/1.1", "Host: Slow"));
        await checkProblem(client, problem(503, "concurrency_limit", /wait for names/));
        const resolution = { kind: "unknown", detail: "nobody is called Slow" } as const;
        plane.supervisor.post({ kind: "resolved", name: "Slow", resolution, validMs: 1000 });
        await checkProblem(other, problem(503, "service_unknown", /nobody is called Slow/i));
        other.close();
      } finally {
        plane.mute = false;
      }
    },
  },
  {
    title: "connections beyond the limit wait until there is room",
    policy: { limits: { connections: 2 } },
    async play({ plane, client, fill, accept }) {
      // The client of the case before may still be on its way out.
      await plane.until(() => plane.gauge("clientsOpen") === 1, "the own client alone");
      const before = plane.gauge("acceptPauses");
      const second = await plane.client();
      await plane.until(() => plane.gauge("clientsOpen") === 2, "two connections");
      const third = await plane.client();
      third.send(fill(head("GET /a HTTP/1.1", "Host: {s}")));
      await plane.until(() => plane.gauge("acceptPauses") > before, "a pause");
      assertEquals(plane.gauge("clientsOpen"), 2);
      second.close();
      const upstream = await accept();
      await upstream.head();
      upstream.send(ok);
      assertEquals((await third.message()).body, "ok");
      third.close();
      void client;
    },
  },
];

conformance("limits", [...requests, ...answers, ...parked]);
