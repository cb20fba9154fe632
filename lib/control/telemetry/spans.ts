/** From the record of a request to the spans of its trace, in no collector's format yet. */
import { parseAddress } from "../../core/address.ts";
import type { AttemptRecord, RequestRecord, TraceIds } from "../../plane/observe.ts";
import { Known } from "./known.ts";

export type SpanKind = "internal" | "server" | "client";

/** What a span begins with. Shape: identifiers in hex digits. Units: milliseconds since 1970. */
export interface SpanHead {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  /** The parent is a span of another process. */
  readonly parentIsRemote: boolean;
  readonly state: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
}

/** Is told spans, one after the other: the beginning, each attribute once, the end. */
export interface SpanWriter {
  begin(head: SpanHead): void;
  /** Shape: of few values that come again and again. */
  text(name: string, value: string): void;
  /** Shape: of values of which there is no end. */
  anyText(name: string, value: string): void;
  /** Shape: a whole number, so that a value keeps its type from span to span. */
  whole(name: string, value: number): void;
  /** Shape: why the span failed, in plain words; undefined when it did not. */
  end(error: string | undefined): void;
}

/** The body of one request to a collector, under way. */
export interface SpanBody extends SpanWriter {
  /** Units: bytes so far. */
  readonly length: number;
  /** The body with all spans since the last time. Shape: to be asked for only when there are some. */
  take(): Uint8Array<ArrayBuffer>;
}

/** Methods that may stand in a name; others could be anything. Source: RFC 9110 section 9, RFC 5789. */
const knownMethods = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

interface HostPort {
  readonly host: string;
  readonly port: number | undefined;
}

/** How many spans `SpanTeller` makes of a record. */
export function spanCount({ attempts, trace }: RequestRecord): number {
  if (trace === undefined) return 0;
  let count = 1;
  for (const { spanId } of attempts) if (spanId !== undefined) count++;
  return count;
}

/** Tells a writer the spans of finished requests. */
export class SpanTeller {
  readonly #writer: SpanWriter;
  readonly #addresses = new Known(hostAndPort);

  constructor(writer: SpanWriter) {
    this.#writer = writer;
  }

  /**
   * The spans of one finished request: one for the whole of it, and one below it for each attempt.
   *
   * Shape: none without a trace. A call of the own application is no work of its service as a server would do it, so the
   * whole of it is internal; what comes in from others is a server's span. Attempts are a client's, as each is a call on
   * the wire.
   * Source: OpenTelemetry semantic conventions for HTTP spans.
   */
  tell(record: RequestRecord): void {
    const { attempts, trace } = record;
    if (trace === undefined) return;
    const name = nameOf(record);
    this.#tellRequest(record, trace, name);
    for (let index = 0; index < attempts.length; index++) {
      const attempt = attempts[index]!;
      const { spanId } = attempt;
      if (spanId !== undefined) this.#tellAttempt(record, { trace, name, attempt, spanId, index });
    }
  }

  #tellRequest(record: RequestRecord, trace: TraceIds, name: string): void {
    const writer = this.#writer;
    const { role, at, durationMs, status, code, detail, attempts } = record;
    // Without a code the answer is the upstream's own; one that broke off has the status with which it began.
    const cut = status < 400 && code !== undefined && code !== "client_gone";
    const failed = status >= 500 || cut;
    writer.begin({
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentId: trace.parentId,
      parentIsRemote: trace.parentId !== undefined,
      state: trace.state,
      name,
      kind: role === "inbound" ? "server" : "internal",
      startMs: at,
      endMs: at + Math.max(0, durationMs),
    });
    this.#method(record);
    writer.text("url.scheme", "http");
    writer.anyText("url.path", record.path);
    this.#address("server.address", "server.port", record.authority);
    this.#address("client.address", "client.port", record.client);
    // 499 is what logs say when the client has left before its answer; none was sent.
    if (status !== 499) writer.whole("http.response.status_code", status);
    this.#errorType(code, failed ? status : 0);
    writer.whole("http.request.body.size", record.requestBytes);
    writer.whole("http.response.body.size", record.responseBytes);
    writer.text("mesher.role", role);
    writer.whole("mesher.added_us", microseconds(record.ownMs));
    writer.whole("mesher.attempts", attempts.length);
    this.#known("mesher.service", record.service);
    this.#known("mesher.caller", record.caller);
    this.#known("mesher.route", record.route);
    writer.end(failed ? detail ?? `status ${status}` : undefined);
  }

  #tellAttempt(
    record: RequestRecord,
    { trace, name, attempt, spanId, index }: {
      readonly trace: TraceIds;
      readonly name: string;
      readonly attempt: AttemptRecord;
      readonly spanId: string;
      readonly index: number;
    },
  ): void {
    const writer = this.#writer;
    const { status, code, firstByteMs } = attempt;
    const failed = code !== undefined || (status !== undefined && status >= 400);
    writer.begin({
      traceId: trace.traceId,
      spanId,
      parentId: trace.spanId,
      parentIsRemote: false,
      state: trace.state,
      name,
      kind: "client",
      startMs: record.at + attempt.startMs,
      endMs: record.at + Math.max(attempt.startMs, attempt.endMs),
    });
    this.#method(record);
    writer.anyText("url.full", `http://${record.authority}${record.path}`);
    this.#address("server.address", "server.port", record.authority);
    this.#address("network.peer.address", "network.peer.port", attempt.endpoint);
    if (status !== undefined) writer.whole("http.response.status_code", status);
    this.#errorType(code, failed ? status ?? 0 : 0);
    if (index > 0) writer.whole("http.request.resend_count", index);
    if (record.role === "outbound") this.#known("peer.service", record.service);
    if (firstByteMs !== undefined) {
      writer.whole("mesher.first_byte_us", microseconds(firstByteMs - attempt.startMs));
    }
    writer.end(failed ? code ?? `status ${status}` : undefined);
  }

  #method({ method }: RequestRecord): void {
    if (knownMethods.has(method)) return this.#writer.text("http.request.method", method);
    this.#writer.text("http.request.method", "_OTHER");
    this.#writer.text("http.request.method_original", method);
  }

  #errorType(code: string | undefined, status: number): void {
    if (code !== undefined) this.#writer.text("error.type", code);
    else if (status !== 0) this.#writer.text("error.type", String(status));
  }

  /** Host and, where the text has one, port. */
  #address(hostName: string, portName: string, authority: string): void {
    if (authority === "") return;
    const { host, port } = this.#addresses.of(authority);
    this.#writer.text(hostName, host);
    if (port !== undefined) this.#writer.whole(portName, port);
  }

  #known(name: string, value: string | undefined): void {
    if (value !== undefined && value !== "") this.#writer.text(name, value);
  }
}

function hostAndPort(authority: string): HostPort {
  const address = parseAddress(authority);
  return address === undefined || "path" in address
    ? { host: authority.replace(/^\[|\]$/g, ""), port: undefined }
    : address;
}

/** Shape: the method, and the rule that the request fits where there is one; never a path, of which there is no end. */
function nameOf({ method, route }: RequestRecord): string {
  const name = knownMethods.has(method) ? method : "HTTP";
  return route === undefined || route === "" ? name : `${name} ${route}`;
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}
