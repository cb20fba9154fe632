/** Spans as a collector of OpenTelemetry takes them: OTLP over HTTP, in JSON that is written as the spans come. */
import { quoted } from "../../core/json_text.ts";
import { TextBytes } from "../../core/text_bytes.ts";
import { Known, KnownOf } from "./known.ts";
import type { SpanBody, SpanHead, SpanKind } from "./spans.ts";

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

const statusError = 2;
/** Bits of a span's flags: sampled; whether the next is known; the parent is of another process. */
const flagSampled = 0x1, flagRemoteKnown = 0x100, flagRemote = 0x200;

const encoder = new TextEncoder();

function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** What stands between the values of a span, in their order. */
const parts = {
  traceId: bytesOf('{"traceId":"'),
  spanId: bytesOf('","spanId":"'),
  parent: bytesOf('","parentSpanId":"'),
  state: bytesOf('","traceState":'),
  quote: bytesOf('"'),
  localName: bytesOf(`,"flags":${flagSampled | flagRemoteKnown},"name":`),
  remoteName: bytesOf(`,"flags":${flagSampled | flagRemoteKnown | flagRemote},"name":`),
  startOf: {
    internal: bytesOf(',"kind":1,"startTimeUnixNano":"'),
    server: bytesOf(',"kind":2,"startTimeUnixNano":"'),
    client: bytesOf(',"kind":3,"startTimeUnixNano":"'),
  } satisfies Record<SpanKind, Uint8Array>,
  end: bytesOf('000","endTimeUnixNano":"'),
  attributes: bytesOf('000","attributes":['),
  afterText: bytesOf("}},"),
  afterWhole: bytesOf('"}},'),
  well: bytesOf('],"status":{}},'),
  failed: bytesOf(`],"status":{"code":${statusError},"message":`),
  afterMessage: bytesOf("}},"),
  after: bytesOf("]}]}]}"),
};

/**
 * The body of a POST to /v1/traces.
 *
 * Source: OpenTelemetry Protocol, JSON mapping: identifiers in hex, 64-bit numbers as texts, enumerations as numbers.
 */
export class OtlpBody implements SpanBody {
  readonly #before: Uint8Array;
  readonly #names = new Known((name) => bytesOf(quoted(name)));
  readonly #attributes = new KnownOf((name, value) => bytesOf(`${attribute(name, value)},`));
  readonly #textStarts = new Known((name) => bytesOf(textStart(name)));
  readonly #wholeStarts = new Known((name) => bytesOf(wholeStart(name)));
  readonly #bytes = new TextBytes();

  constructor(resource: Resource) {
    const attributes = resourceAttributes(resource).map(([name, value]) => attribute(name, value));
    this.#before = bytesOf(
      `{"resourceSpans":[{"resource":{"attributes":[${attributes.join(",")}]},` +
        `"scopeSpans":[{"scope":{"name":"mesher","version":${quoted(resource.mesherVersion)}},` +
        `"spans":[`,
    );
  }

  begin(head: SpanHead): void {
    const bytes = this.#bytes;
    const { parentId, state } = head;
    if (bytes.length === 0) bytes.put(this.#before);
    bytes.put(parts.traceId);
    bytes.ascii(head.traceId);
    bytes.put(parts.spanId);
    bytes.ascii(head.spanId);
    if (parentId !== undefined) {
      bytes.put(parts.parent);
      bytes.ascii(parentId);
    }
    if (state === undefined) {
      bytes.put(parts.quote);
    } else {
      bytes.put(parts.state);
      bytes.json(state);
    }
    bytes.put(head.parentIsRemote ? parts.remoteName : parts.localName);
    bytes.put(this.#names.of(head.name));
    bytes.put(parts.startOf[head.kind]);
    this.#microseconds(head.startMs);
    bytes.put(parts.end);
    this.#microseconds(head.endMs);
    bytes.put(parts.attributes);
  }

  /** Shape: in two parts, as all of it is no small number to the engine, and more than one that it writes exactly. */
  #microseconds(ms: number): void {
    const all = Math.round(ms * 1000);
    const seconds = Math.floor(all / 1e6);
    if (seconds > 0) this.#bytes.digits(seconds);
    this.#bytes.digits(all - seconds * 1e6, seconds > 0 ? 6 : 1);
  }

  text(name: string, value: string): void {
    this.#bytes.put(this.#attributes.of(name, value));
  }

  anyText(name: string, value: string): void {
    this.#bytes.put(this.#textStarts.of(name));
    this.#bytes.json(value);
    this.#bytes.put(parts.afterText);
  }

  whole(name: string, value: number): void {
    this.#bytes.put(this.#wholeStarts.of(name));
    this.#bytes.digits(value);
    this.#bytes.put(parts.afterWhole);
  }

  end(error: string | undefined): void {
    const bytes = this.#bytes;
    // The comma behind the last attribute; there is always one.
    bytes.cut(1);
    if (error === undefined) return bytes.put(parts.well);
    bytes.put(parts.failed);
    bytes.json(error);
    bytes.put(parts.afterMessage);
  }

  get length(): number {
    return this.#bytes.length;
  }

  take(): Uint8Array<ArrayBuffer> {
    this.#bytes.cut(1);
    this.#bytes.put(parts.after);
    return this.#bytes.take();
  }
}

function attribute(name: string, value: string): string {
  return `${textStart(name)}${quoted(value)}}}`;
}

function textStart(name: string): string {
  return `{"key":${quoted(name)},"value":{"stringValue":`;
}

function wholeStart(name: string): string {
  return `{"key":${quoted(name)},"value":{"intValue":"`;
}

function resourceAttributes(
  resource: Resource,
): readonly (readonly [name: string, value: string])[] {
  const { service, version, instance, namespace, environment, host } = resource;
  const values: [string, string][] = [
    ["service.name", service],
    ["service.version", version],
    ["service.instance.id", instance],
    ["service.namespace", namespace],
  ];
  if (environment !== "") values.push(["deployment.environment.name", environment]);
  values.push(["host.name", host]);
  return values;
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
