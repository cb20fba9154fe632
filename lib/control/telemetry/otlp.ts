/** Spans as a collector of OpenTelemetry takes them: OTLP over HTTP, in JSON. */
import type { Attribute, Span, SpanKind } from "./spans.ts";

/** Who the spans are from. */
export interface Resource {
  /** The own service, or what stands for a sidecar without one. */
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  /** Application that the service belongs to. */
  readonly namespace: string;
  /** Empty for none. */
  readonly environment: string;
  readonly host: string;
  /** Of mesher itself. */
  readonly mesherVersion: string;
}

const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const statusError = 2;
/** Bits of a span's flags: sampled; whether the next is known; the parent is of another process. */
const flagSampled = 0x1, flagRemoteKnown = 0x100, flagRemote = 0x200;

/**
 * The body of a POST to /v1/traces.
 *
 * Source: OpenTelemetry Protocol, JSON mapping: identifiers in hex, 64-bit numbers as texts, enumerations as numbers.
 */
export function otlpBody(resource: Resource, spans: readonly Span[]): string {
  return JSON.stringify({
    resourceSpans: [{
      resource: { attributes: attributes(resourceAttributes(resource)) },
      scopeSpans: [{
        scope: { name: "mesher", version: resource.mesherVersion },
        spans: spans.map(otlpSpan),
      }],
    }],
  });
}

function resourceAttributes(resource: Resource): Record<string, Attribute> {
  const { service, version, instance, namespace, environment, host } = resource;
  return {
    "service.name": service,
    "service.version": version,
    "service.instance.id": instance,
    "service.namespace": namespace,
    ...(environment === "" ? {} : { "deployment.environment.name": environment }),
    "host.name": host,
  };
}

function otlpSpan(span: Span): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentId === undefined ? {} : { parentSpanId: span.parentId }),
    ...(span.state === undefined ? {} : { traceState: span.state }),
    flags: flagSampled | flagRemoteKnown | (span.parentIsRemote ? flagRemote : 0),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: attributes(span.attributes),
    status: span.error === undefined ? {} : { code: statusError, message: span.error },
  };
}

function attributes(values: Readonly<Record<string, Attribute>>): unknown[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: Attribute): unknown {
  return typeof value === "string" ? { stringValue: value } : { intValue: String(value) };
}

/** Shape: decimal digits, since the number has more of them than a double. Units: from milliseconds. */
export function nanoseconds(ms: number): string {
  const microseconds = Math.round(ms * 1000);
  return `${microseconds}000`;
}

/** How many spans of an accepted batch the collector did not take, and why. */
export function otlpRejected(answer: string): { readonly count: number; readonly why: string } {
  try {
    const { partialSuccess } = JSON.parse(answer) as {
      readonly partialSuccess?: {
        readonly rejectedSpans?: unknown;
        readonly errorMessage?: unknown;
      };
    };
    const count = Number(partialSuccess?.rejectedSpans ?? 0);
    const why = String(partialSuccess?.errorMessage ?? "");
    return { count: Number.isSafeInteger(count) && count > 0 ? count : 0, why };
  } catch {
    // Some answer with an empty body or in protobuf; the status has said that all is well.
    return { count: 0, why: "" };
  }
}
