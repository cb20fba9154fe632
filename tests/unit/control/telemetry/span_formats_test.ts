/** Spans in the formats of collectors, checked against what their protocols say. */
import { assertEquals } from "@test/assert";
import { OtlpBody, otlpRejected, type Resource } from "../../../../lib/control/telemetry/otlp.ts";
import { ZipkinBody } from "../../../../lib/control/telemetry/zipkin.ts";
import type { RequestRecord } from "../../../../lib/plane/observe.ts";
import { hostileRecord, hostileText } from "../../../support/hostile.ts";
import {
  type OtlpTraces,
  otlpTraces,
  type ZipkinSpan,
  zipkinSpans,
} from "../../../support/otlp_schema.ts";
import { attempt, record, spanId, traceId } from "../../../support/records.ts";
import { seeded } from "../../../support/seeded.ts";
import { bodyOf, type Span, spansOf } from "../../../support/spans.ts";

const resource: Resource = {
  service: "StoreWeb",
  version: "1.0.2",
  instance: "i-1",
  namespace: "shop",
  environment: "production",
  host: "vm-7",
  mesherVersion: "9.9.9",
};

type OtlpResource = OtlpTraces["resourceSpans"][0];
type OtlpSpan = OtlpResource["scopeSpans"][0]["spans"][0];

function otlp(...records: readonly RequestRecord[]) {
  return otlpTraces.parse(bodyOf(new OtlpBody(resource), records));
}

function zipkin(...records: readonly RequestRecord[]) {
  return zipkinSpans.parse(bodyOf(new ZipkinBody("StoreWeb"), records));
}

const variants = [
  record(),
  record({ role: "inbound", client: "[fd00::9]:1", route: "beta", method: "BREW" }),
  record({ trace: { traceId, spanId, state: "a=1,b=2" }, attempts: [] }),
  record({ status: 503, code: "no_endpoint", detail: "Cart has none", service: "", caller: "" }),
  record({ attempts: [attempt({ status: 502 }), attempt({ endpoint: "[::1]:80", endMs: 1 })] }),
];

/** A span of the protocol with the words of `Span`. */
function otlpSpan(span: OtlpSpan): Span {
  const { parentSpanId, traceState, status } = span;
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(parentSpanId === undefined ? {} : { parentId: parentSpanId }),
    parentIsRemote: (span.flags! & 0x200) !== 0,
    ...(traceState === undefined ? {} : { state: traceState }),
    name: span.name,
    kind: ([, "internal", "server", "client"] as const)[span.kind]!,
    startMs: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
    endMs: Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000,
    attributes: Object.fromEntries(
      span.attributes!.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
    ),
    ...(status?.message === undefined ? {} : { error: status.message }),
  };
}

/** Spans with times as exact as they are written. */
function told(records: readonly RequestRecord[]): readonly Span[] {
  const exact = (ms: number) => Math.round(ms * 1000) / 1000;
  return records.flatMap(spansOf).map((span) => ({
    ...span,
    startMs: exact(span.startMs!),
    endMs: exact(span.endMs!),
  }));
}

for (const [index, one] of variants.entries()) {
  Deno.test(`otlp, a request is what the protocol asks for, and says what was told (${index})`, () => {
    const [{ scopeSpans }] = otlp(one).resourceSpans as [OtlpResource];
    assertEquals(scopeSpans[0]!.spans.map(otlpSpan), told([one]));
  });
  Deno.test(`zipkin, a request is what the API asks for, and has all tags (${index})`, () => {
    assertEquals(zipkin(one).map(({ tags }) => tags), told([one]).map(zipkinTags));
  });
}

function zipkinTags({ attributes, error }: Span): Record<string, string> {
  const isMember = /^(peer\.service|network\.peer\..*)$/;
  const tags = Object.entries(attributes).filter(([name]) => !isMember.test(name));
  if (error !== undefined) tags.push(["error", error]);
  return Object.fromEntries(tags.map(([name, value]) => [name, String(value)]));
}

Deno.test("otlp and zipkin, whatever is in a record arrives as it was", () => {
  const random = seeded(11);
  const text = () => hostileText(random);
  const who = { ...resource, service: text(), host: text(), environment: text() };
  const body = new OtlpBody(who);
  const zipkinBody = new ZipkinBody(who.service);
  // One body after the other out of the same hands, of one to a few records.
  for (let round = 0; round < 300; round++) {
    const records = Array.from({ length: 1 + random.below(4) }, () => hostileRecord(random));
    const { resourceSpans } = otlpTraces.parse(bodyOf(body, records));
    const { resource: from, scopeSpans } = resourceSpans[0]!;
    assertEquals(from.attributes[0]!.value.stringValue, who.service);
    assertEquals(scopeSpans[0]!.spans.map(otlpSpan), told(records));
    const list = bodyOf(zipkinBody, records) as readonly ZipkinSpan[];
    assertEquals(list.map(({ tags }) => tags), told(records).map(zipkinTags));
    assertEquals(new Set(list.map((span) => span.localEndpoint.serviceName)).size, 1);
    assertEquals(list[0]!.name, told(records)[0]!.name!.toLowerCase());
  }
});

Deno.test("otlp, says who sends, kinds and status as numbers, times and whole numbers as texts", () => {
  const [failed] = variants.slice(3);
  const { resourceSpans } = otlp(failed!);
  const { resource: from, scopeSpans } = resourceSpans[0]!;
  assertEquals(
    Object.fromEntries(from.attributes.map(({ key, value }) => [key, value.stringValue])),
    {
      "service.name": "StoreWeb",
      "service.version": "1.0.2",
      "service.instance.id": "i-1",
      "service.namespace": "shop",
      "deployment.environment.name": "production",
      "host.name": "vm-7",
    },
  );
  const { scope, spans } = scopeSpans[0]!;
  assertEquals(scope, { name: "mesher", version: "9.9.9" });
  const [request, first] = spans;
  assertEquals([request!.kind, request!.flags, request!.status], [1, 0x301, {
    code: 2,
    message: "Cart has none",
  }]);
  assertEquals([first!.kind, first!.flags, first!.status], [3, 0x101, {}]);
  assertEquals(request!.startTimeUnixNano, "1700000000000250000");
  const status = request!.attributes!.find(({ key }) => key === "http.response.status_code");
  assertEquals(status!.value, { intValue: "503" });
});

const times: readonly (readonly [ms: number, nanoseconds: string])[] = [
  [0, "0000"],
  [0.001, "1000"],
  [1_000, "1000000000"],
  [1_700_000_000_000.123, "1700000000000123000"],
  [1_700_000_000_999.9996, "1700000001000000000"],
  [2_147_483_647_999.999, "2147483647999999000"],
  [4_102_444_800_000.001, "4102444800000001000"],
];
for (const [at, nanoseconds] of times) {
  Deno.test(`otlp, ${at} is ${nanoseconds}: exact to the microsecond and without an exponent`, () => {
    const [{ scopeSpans }] = otlp(record({ at, durationMs: 0 })).resourceSpans as [OtlpResource];
    assertEquals(scopeSpans[0]!.spans[0]!.startTimeUnixNano, nanoseconds);
  });
}

const answers: readonly (readonly [text: string, count: number])[] = [
  ["", 0],
  ["{}", 0],
  ['{"partialSuccess":{}}', 0],
  ['{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}', 3],
  ['{"partialSuccess":{"rejectedSpans":2}}', 2],
  ['{"partialSuccess":{"rejectedSpans":"-1"}}', 0],
  ['{"partialSuccess":null}', 0],
  ["null", 0],
];
for (const [text, count] of answers) {
  Deno.test(`otlp, the answer ${text || "of no bytes"} refuses ${count} spans`, () => {
    assertEquals(otlpRejected(text).count, count);
  });
}

Deno.test("zipkin, endpoints of both sides, kinds in capitals, everything else as tags", () => {
  const [request, first] = zipkin(variants[1]!);
  assertEquals([request!.kind, request!.name], ["SERVER", "http beta"]);
  assertEquals(request!.remoteEndpoint, { serviceName: "StoreWeb", ipv6: "fd00::9", port: 1 });
  assertEquals(first!.remoteEndpoint, { ipv4: "10.0.0.7", port: 8080 });
  assertEquals([request!.timestamp, request!.duration], [1_700_000_000_000_250, 6_000]);
  assertEquals(request!.tags["http.response.status_code"], "200");
  const [outbound, call] = zipkin(variants[3]!);
  assertEquals([outbound!.kind, outbound!.tags["error"]], [undefined, "Cart has none"]);
  assertEquals(call!.remoteEndpoint, { ipv4: "10.0.0.7", port: 8080 });
});
