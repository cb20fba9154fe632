/** Spans reach real collectors: OpenTelemetry's, which sends on what it has understood, and Zipkin's. */
import { assert, assertEquals } from "@test/assert";
import type { Resource } from "../../lib/control/telemetry/otlp.ts";
import type { SpanFormat } from "../../lib/control/telemetry/span_batches.ts";
import { SpanExporter } from "../../lib/control/telemetry/span_exporter.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { startCollector, startZipkin } from "../support/collectors.ts";
import { type OtlpTraces, otlpTraces } from "../support/otlp_schema.ts";
import { until } from "../support/process.ts";
import { serveApp } from "../support/process_http.ts";
import { toolStory } from "../support/process_tools.ts";
import { attempt, record, spanId, traceId } from "../support/records.ts";

const resource: Resource = {
  service: "StoreWeb",
  version: "1.0.2",
  instance: "vm-7/42",
  namespace: "shop",
  environment: "testing",
  host: "vm-7",
  mesherVersion: "0",
};

/** A call that was tried twice, and failed. */
const failed = record({
  // Zipkin looks at the last hours only.
  at: Date.now() - 1_000,
  status: 502,
  code: "reset",
  detail: "the connection was closed",
  trace: { traceId, spanId, parentId: "00f067aa0ba902b7", state: "a=1" },
  attempts: [
    { endpoint: "10.0.0.7:8080", startMs: 1, endMs: 2, code: "reset", spanId: "1".repeat(16) },
    attempt({ endpoint: "[fd00::7]:8080", spanId: "2".repeat(16), status: 502 }),
  ],
});

async function send(endpoint: string, format: SpanFormat): Promise<void> {
  const lines: string[] = [];
  const log = (message: string, fields = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const exporter = new SpanExporter({
    endpoint,
    format,
    resource,
    headers: () => Promise.resolve({ "x-key": "k" }),
    fetch: (url, init) => fetch(url, init),
    clock: realClock,
    random: Math.random,
    logger: { error: log, warn: log, info: log, debug: log },
  });
  exporter.add(failed);
  await exporter.close(10_000);
  assertEquals([exporter.counts.sent, lines], [3, []]);
}

toolStory(
  "otlp, OpenTelemetry's collector understands every member of a span",
  ["go"],
  async (lab) => {
    const received: OtlpTraces[] = [];
    const sink = serveApp(lab, async (request) => {
      received.push(otlpTraces.parse(await request.json()));
      return Response.json({});
    });
    const endpoint = await startCollector(lab, `http://127.0.0.1:${sink}`);
    await send(endpoint, "otlp");
    await until(() => received[0], "the spans on the other side of the collector");
    const [{ resource: from, scopeSpans }] = received[0]!.resourceSpans as [
      OtlpTraces["resourceSpans"][0],
    ];
    const texts = Object.fromEntries(
      from.attributes.map(({ key, value }) => [key, value.stringValue]),
    );
    assertEquals([texts["service.name"], texts["service.instance.id"]], ["StoreWeb", "vm-7/42"]);
    const { scope, spans } = scopeSpans[0]!;
    assertEquals([scope.name, spans.length], ["mesher", 3]);
    const [request, first, second] = spans;
    assertEquals(request!.traceId, traceId);
    assertEquals([request!.spanId, request!.parentSpanId], [spanId, "00f067aa0ba902b7"]);
    assertEquals([request!.traceState, request!.kind, request!.status?.code], ["a=1", 1, 2]);
    assertEquals(request!.status?.message, "the connection was closed");
    assertEquals([first!.parentSpanId, first!.kind], [spanId, 3]);
    const values = Object.fromEntries(second!.attributes!.map(({ key, value }) => [key, value]));
    assertEquals(values["http.request.resend_count"], { intValue: "1" });
    assertEquals(values["network.peer.address"], { stringValue: "fd00::7" });
    const lasted = BigInt(request!.endTimeUnixNano) - BigInt(request!.startTimeUnixNano);
    assertEquals(lasted, 6_000_000n);
  },
);

interface ZipkinSpan {
  readonly id: string;
  readonly parentId?: string;
  readonly kind?: string;
  readonly name: string;
  readonly localEndpoint: { readonly serviceName: string };
  readonly remoteEndpoint?: { readonly serviceName?: string; readonly ipv6?: string };
  readonly tags: Readonly<Record<string, string>>;
}

toolStory(
  "zipkin, Zipkin itself takes the spans and gives them out as one trace",
  ["java", "mvn"],
  async (lab) => {
    const url = await startZipkin(lab);
    await send(`${url}/api/v2/spans`, "zipkin");
    const spans = await until(async () => {
      const response = await fetch(`${url}/api/v2/trace/${traceId}`);
      const found = await response.json() as readonly ZipkinSpan[];
      return response.ok && found.length === 3 ? found : undefined;
    }, "the trace in Zipkin");
    const byId = new Map(spans.map((span) => [span.id, span]));
    const request = byId.get(spanId)!;
    const second = byId.get("2".repeat(16))!;
    assertEquals([request.name, request.kind], ["get", undefined]);
    // Zipkin keeps names of services in lower case.
    assertEquals(request.localEndpoint.serviceName.toLowerCase(), "storeweb");
    assertEquals(request.tags["error"], "the connection was closed");
    assertEquals([second.kind, second.parentId], ["CLIENT", spanId]);
    assertEquals(second.remoteEndpoint?.ipv6, "fd00::7");
    assert(second.tags["http.request.resend_count"] === "1");
  },
);
