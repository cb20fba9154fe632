/** Spans in the formats of collectors, checked against what their protocols say. */
import { assertEquals } from "@test/assert";
import {
  nanoseconds,
  otlpBody,
  otlpRejected,
  type Resource,
} from "../../../../lib/control/telemetry/otlp.ts";
import { spansOf } from "../../../../lib/control/telemetry/spans.ts";
import { zipkinBody } from "../../../../lib/control/telemetry/zipkin.ts";
import { otlpTraces, zipkinSpans } from "../../../support/otlp_schema.ts";
import { attempt, record, spanId, traceId } from "../../../support/records.ts";

const resource: Resource = {
  service: "StoreWeb",
  version: "1.0.2",
  instance: "i-1",
  namespace: "shop",
  environment: "production",
  host: "vm-7",
  mesherVersion: "9.9.9",
};

const variants = [
  record(),
  record({ role: "inbound", client: "[fd00::9]:1", route: "beta", method: "BREW" }),
  record({ trace: { traceId, spanId, state: "a=1,b=2" }, attempts: [] }),
  record({ status: 503, code: "no_endpoint", detail: "Cart has none", service: "", caller: "" }),
  record({ attempts: [attempt({ status: 502 }), attempt({ endpoint: "[::1]:80", endMs: 1 })] }),
];

for (const [index, one] of variants.entries()) {
  Deno.test(`otlp, a request is what the protocol asks for (${index})`, () => {
    otlpTraces.parse(JSON.parse(otlpBody(resource, spansOf(one))));
  });
  Deno.test(`zipkin, a request is what the API asks for (${index})`, () => {
    zipkinSpans.parse(JSON.parse(zipkinBody("StoreWeb", spansOf(one))));
  });
}

Deno.test("otlp, says who sends, kinds and status as numbers, times and whole numbers as texts", () => {
  const [failed] = variants.slice(3);
  const { resourceSpans } = otlpTraces.parse(JSON.parse(otlpBody(resource, spansOf(failed!))));
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

Deno.test("otlp, times are exact to the microsecond and never written with an exponent", () => {
  assertEquals([0, 0.001, 1_700_000_000_000.123, 4_102_444_800_000].map(nanoseconds), [
    "0000",
    "1000",
    "1700000000000123000",
    "4102444800000000000",
  ]);
});

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
  const [request, first] = zipkinSpans.parse(
    JSON.parse(zipkinBody("StoreWeb", spansOf(variants[1]!))),
  );
  assertEquals([request!.kind, request!.name], ["SERVER", "http beta"]);
  assertEquals(request!.remoteEndpoint, { serviceName: "StoreWeb", ipv6: "fd00::9", port: 1 });
  assertEquals(first!.remoteEndpoint, { ipv4: "10.0.0.7", port: 8080 });
  assertEquals([request!.timestamp, request!.duration], [1_700_000_000_000_250, 6_000]);
  assertEquals(request!.tags["http.response.status_code"], "200");
  const [outbound, call] = zipkinSpans.parse(
    JSON.parse(zipkinBody("StoreWeb", spansOf(variants[3]!))),
  );
  assertEquals([outbound!.kind, outbound!.tags["error"]], [undefined, "Cart has none"]);
  assertEquals(call!.remoteEndpoint, { ipv4: "10.0.0.7", port: 8080 });
});
