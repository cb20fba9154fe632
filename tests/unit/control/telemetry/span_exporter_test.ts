/** The way of spans to the collector: batches, patience, bounds, and an end in time. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { parseHeaderLines } from "../../../../lib/control/telemetry/header_lines.ts";
import {
  retryAfterMs,
  SpanExporter,
  type SpanExporterOptions,
} from "../../../../lib/control/telemetry/span_exporter.ts";
import type { Fetch } from "../../../../lib/core/ports.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { otlpTraces, zipkinSpans } from "../../../support/otlp_schema.ts";
import { record } from "../../../support/records.ts";

/** Two spans. */
const pair = record();

type Answer = (signal: AbortSignal) => Response | Promise<Response>;

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly atMs: number;
}

/** An exporter and a collector that answers from a list, the last answer again and again. */
function setUp(answers: readonly Answer[], options: Partial<SpanExporterOptions> = {}) {
  const clock = new FakeClock();
  const sent: Sent[] = [];
  const lines: string[] = [];
  const fetch: Fetch = (url, init) => {
    sent.push({
      url,
      headers: new Headers(init?.headers),
      body: new TextDecoder().decode(init?.body as Uint8Array),
      atMs: clock.now(),
    });
    const answer = answers[Math.min(sent.length, answers.length) - 1]!;
    return Promise.resolve(answer(init!.signal!));
  };
  const log = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const exporter = new SpanExporter({
    endpoint: "http://collector:4318/v1/traces",
    format: "otlp",
    resource: {
      service: "StoreWeb",
      version: "1",
      instance: "i",
      namespace: "shop",
      environment: "",
      host: "h",
      mesherVersion: "0",
    },
    headers: () => Promise.resolve({ "x-key": "secret" }),
    fetch,
    clock,
    random: () => 0.5,
    logger: { error: log("error"), warn: log("warn"), info: log("info"), debug: log("debug") },
    ...options,
  });
  return { clock, sent, lines, exporter };
}

const ok: Answer = () => new Response("{}");
const status = (code: number, headers: HeadersInit = {}): Answer => () =>
  new Response("", { status: code, headers });
const unreachable: Answer = () => Promise.reject(new TypeError("connection refused"));
const never: Answer = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

Deno.test("span exporter, gathers for a moment and sends what there is in one request", async () => {
  const { clock, sent, exporter } = setUp([ok]);
  exporter.add(pair);
  await clock.advance(1_000);
  exporter.add(pair);
  assertEquals([sent.length, exporter.counts.waiting], [0, 4]);
  await clock.advance(1_000);
  assertEquals(sent.length, 1);
  const [{ url, headers, body }] = sent as [Sent];
  assertEquals(url, "http://collector:4318/v1/traces");
  assertEquals(
    ["content-type", "x-key", "b3"].map((name) => headers.get(name)),
    ["application/json", "secret", "0"],
  );
  assertEquals(otlpTraces.parse(JSON.parse(body)).resourceSpans[0]!.scopeSpans[0]!.spans.length, 4);
  assertEquals(exporter.counts, { sent: 4, full: 0, refused: 0, unreachable: 0, waiting: 0 });
  await exporter.close(1_000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("span exporter, in Zipkin's format when that is wanted", async () => {
  const { clock, sent, exporter } = setUp([status(202)], { format: "zipkin" });
  exporter.add(pair);
  await clock.advance(2_000);
  assertEquals(zipkinSpans.parse(JSON.parse(sent[0]!.body)).length, 2);
  await exporter.close(1_000);
});

Deno.test("span exporter, a full batch does not wait, and the next one goes at once behind it", async () => {
  const { clock, sent, exporter } = setUp([ok], { maxBatch: 4 });
  for (let count = 0; count < 4; count++) exporter.add(pair);
  await settle();
  assertEquals(sent.length, 2);
  assertEquals(exporter.counts.sent, 8);
  await exporter.close(1_000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("span exporter, idle costs no timer", async () => {
  const { clock, exporter } = setUp([ok]);
  await settle();
  assertEquals(clock.sleeping, 0);
  await exporter.close(1_000);
});

for (const code of [429, 502, 503, 504]) {
  Deno.test(`span exporter, tries again after ${code}, later each time`, async () => {
    const { clock, sent, exporter } = setUp([status(code), status(code), ok]);
    exporter.add(pair);
    await clock.advance(10_000);
    // Half to all of 1 s, then of 2 s; with this random number three quarters.
    assertEquals(sent.map(({ atMs }) => atMs), [3_000, 3_750, 5_250]);
    assertEquals([exporter.counts.sent, exporter.counts.unreachable], [2, 0]);
    await exporter.close(1_000);
  });
}

Deno.test("span exporter, comes back when the collector said, in seconds or as a date", async () => {
  for (const value of ["20", new Date(1_700_000_002_000 + 20_000).toUTCString()]) {
    const { clock, sent, exporter } = setUp([status(503, { "retry-after": value }), ok]);
    exporter.add(pair);
    await clock.advance(21_900);
    assertEquals(sent.length, 1);
    await clock.advance(200);
    assertEquals(sent.length, 2);
    await exporter.close(1_000);
  }
});

for (const code of [302, 400, 401, 404, 413, 500]) {
  Deno.test(`span exporter, takes ${code} for an answer and says so once`, async () => {
    const { clock, sent, lines, exporter } = setUp([status(code)]);
    for (let count = 0; count < 3; count++) {
      exporter.add(pair);
      await clock.advance(5_000);
    }
    assertEquals([sent.length, exporter.counts.refused], [3, 6]);
    assertEquals(lines.length, 1);
    assertMatch(lines[0]!, /^warn the trace collector does not want spans/);
    await exporter.close(1_000);
  });
}

Deno.test("span exporter, spans that a collector leaves out of a batch are counted as refused", async () => {
  const partial: Answer = () =>
    new Response('{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}');
  const { clock, exporter } = setUp([partial]);
  exporter.add(pair);
  await clock.advance(2_000);
  assertEquals(exporter.counts, { sent: 1, full: 0, refused: 1, unreachable: 0, waiting: 0 });
  await exporter.close(1_000);
});

Deno.test("span exporter, an outage fills the queue to its bound and no further, and ends in one line each", async () => {
  let down = true;
  const answer: Answer = (signal) => (down ? unreachable : ok)(signal);
  const { clock, lines, exporter } = setUp([answer], { maxWaiting: 6, maxBatch: 2 });
  for (let second = 0; second < 60; second++) {
    exporter.add(pair);
    await clock.advance(1_000);
  }
  const { full, waiting } = exporter.counts;
  assertEquals([full, waiting], [120 - 8, 8]);
  down = false;
  await clock.advance(60_000);
  assertEquals(exporter.counts, { sent: 8, full: 112, refused: 0, unreachable: 0, waiting: 0 });
  assertEquals(lines.map((line) => line.split(" ").slice(0, 5).join(" ")), [
    "warn the trace collector takes",
    "info the trace collector takes",
  ]);
  await exporter.close(1_000);
});

Deno.test("span exporter, a batch that nobody takes is given up after its time", async () => {
  const { clock, exporter } = setUp([unreachable], { giveUpMs: 10_000 });
  exporter.add(pair);
  await clock.advance(20_000);
  assertEquals([exporter.counts.unreachable, exporter.counts.waiting], [2, 0]);
  await exporter.close(1_000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("span exporter, a collector that never answers is left after the time for one request", async () => {
  const { clock, sent, exporter } = setUp([never, ok], { timeoutMs: 3_000 });
  exporter.add(pair);
  await clock.advance(2_000 + 3_000 + 1_000);
  assertEquals([sent.length, exporter.counts.sent], [2, 2]);
  await exporter.close(1_000);
});

Deno.test("span exporter, closing sends what waits at once", async () => {
  const { clock, sent, exporter } = setUp([ok], { maxBatch: 2 });
  exporter.add(pair);
  exporter.add(pair);
  await exporter.close(1_000);
  assertEquals([sent.length, exporter.counts.sent], [2, 4]);
  exporter.add(pair);
  assertEquals([exporter.counts.full, exporter.counts.waiting], [2, 0]);
  assertEquals(clock.sleeping, 0);
});

for (
  const [title, answer] of [["is gone", unreachable], ["never answers", never]] as const
) {
  Deno.test(`span exporter, closing does not wait for a collector that ${title}`, async () => {
    const { clock, exporter } = setUp([answer], { maxBatch: 2 });
    for (let count = 0; count < 3; count++) exporter.add(pair);
    await settle();
    const closed = exporter.close(500);
    await clock.advance(500);
    await closed;
    assertEquals([exporter.counts.unreachable, exporter.counts.waiting], [6, 0]);
    assertEquals(clock.sleeping, 0);
  });
}

Deno.test("span exporter, header fields that cannot be had make a batch wait, and the words are logged", async () => {
  const reads = [() => Promise.reject(new Error("the file is gone")), () => Promise.resolve({})];
  const { clock, sent, exporter } = setUp([ok], { headers: () => reads.shift()!() });
  exporter.add(pair);
  await clock.advance(2_000);
  assertEquals([sent.length, exporter.counts.waiting], [0, 2]);
  await clock.advance(1_000);
  assertEquals([sent.length, exporter.counts.sent], [1, 2]);
  await exporter.close(1_000);
});

const headerTexts: readonly (readonly [text: string, expected: Record<string, string> | RegExp])[] =
  [
    ["", {}],
    ["# a key\n\nX-Key: a:b \r\nAuthorization: Bearer t", {
      "x-key": "a:b",
      authorization: "Bearer t",
    }],
    ["X-Key", /^line 1 is not a header field/],
    ["a: b\nbad name: secret", /^line 2 is not a header field; write Name: value$/],
    ["a: b\u0007", /^line 1 is not/],
    ["Content-Length: 7", /^line 1 sets content-length/],
  ];
for (const [text, expected] of headerTexts) {
  Deno.test(`header lines, ${JSON.stringify(text)}`, () => {
    if (!(expected instanceof RegExp)) return assertEquals(parseHeaderLines(text), expected);
    let words = "";
    try {
      parseHeaderLines(text);
    } catch (error) {
      words = (error as Error).message;
    }
    assertMatch(words, expected);
    assert(!words.includes("secret"));
  });
}

Deno.test("retry-after, is seconds or a date and nothing else", () => {
  const wallMs = Date.UTC(2024, 0, 1);
  const read = [
    "7",
    " 7 ",
    "Mon, 01 Jan 2024 00:00:07 GMT",
    "Sun, 31 Dec 2023 00:00:00 GMT",
    "soon",
  ]
    .map((text) => retryAfterMs(text, wallMs));
  assertEquals(read, [7_000, 7_000, 7_000, 0, undefined]);
  assert(retryAfterMs(null, wallMs) === undefined);
});
