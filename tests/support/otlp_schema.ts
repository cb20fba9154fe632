/** What a trace request of the OpenTelemetry Protocol has to look like in JSON, and Zipkin's list of spans. */
import * as z from "zod";

// The mapping to JSON differs from the usual one of protocol buffers: identifiers are hex digits and not base64. 64-bit
// numbers are decimal texts, enumerations are numbers, names are camelCase, and members nobody knows may be there.
const int64 = z.string().regex(/^-?\d{1,19}$/);
const uint64 = z.string().regex(/^\d{1,20}$/);
const uint32 = z.int().min(0).max(0xffff_ffff);
const traceId = z.string().regex(/^(?!0+$)[0-9a-fA-F]{32}$/);
const spanId = z.string().regex(/^(?!0+$)[0-9a-fA-F]{16}$/);

const anyValue = z.strictObject({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: int64.optional(),
  doubleValue: z.number().optional(),
}).refine((value) => Object.keys(value).length === 1, "one value and no more");

const attributes = z.array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, "a key twice");

const span = z.strictObject({
  traceId,
  spanId,
  traceState: z.string().optional(),
  parentSpanId: spanId.optional(),
  flags: uint32.optional(),
  name: z.string().min(1),
  kind: z.int().min(0).max(5),
  startTimeUnixNano: uint64,
  endTimeUnixNano: uint64,
  attributes: attributes.optional(),
  droppedAttributesCount: uint32.optional(),
  status: z.strictObject({
    message: z.string().optional(),
    code: z.int().min(0).max(2).optional(),
  }).optional(),
}).refine(
  ({ startTimeUnixNano, endTimeUnixNano }) => BigInt(startTimeUnixNano) <= BigInt(endTimeUnixNano),
  "ends before it begins",
);

/** The body of a POST to /v1/traces. Source: OpenTelemetry Protocol, its messages and their mapping to JSON. */
export const otlpTraces = z.strictObject({
  resourceSpans: z.array(z.strictObject({
    resource: z.strictObject({ attributes }),
    scopeSpans: z.array(z.strictObject({
      scope: z.strictObject({ name: z.string(), version: z.string().optional() }),
      spans: z.array(span),
    })),
  })),
});
export type OtlpTraces = z.infer<typeof otlpTraces>;

const zipkinEndpoint = z.strictObject({
  serviceName: z.string().optional(),
  ipv4: z.ipv4().optional(),
  ipv6: z.ipv6().optional(),
  port: z.int().min(1).max(65535).optional(),
});

/** The body of a POST to /api/v2/spans. Source: the description of Zipkin's API, version 2. */
export const zipkinSpans = z.array(z.strictObject({
  traceId: z.string().regex(/^([0-9a-f]{16}|[0-9a-f]{32})$/),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  parentId: z.string().regex(/^[0-9a-f]{16}$/).optional(),
  name: z.string().optional(),
  kind: z.enum(["CLIENT", "SERVER", "PRODUCER", "CONSUMER"]).optional(),
  timestamp: z.int().min(1),
  duration: z.int().min(1),
  localEndpoint: zipkinEndpoint,
  remoteEndpoint: zipkinEndpoint.optional(),
  tags: z.record(z.string(), z.string()),
}));
export type ZipkinSpan = z.infer<typeof zipkinSpans>[0];
