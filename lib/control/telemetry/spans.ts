/** From the record of a request to the spans of its trace, in no collector's format yet. */
import { parseAddress } from "../../core/address.ts";
import type { AttemptRecord, RequestRecord, TraceIds } from "../../plane/observe.ts";

export type SpanKind = "internal" | "server" | "client";
/** Shape: numbers are whole ones, so that a value keeps its type from span to span. */
export type Attribute = string | number;

/** Shape: identifiers in hex digits. Units: milliseconds since 1970. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  /** The parent is a span of another process. */
  readonly parentIsRemote: boolean;
  readonly state?: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Why the span failed, in plain words; undefined when it did not. */
  readonly error?: string;
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

/**
 * The spans of one finished request: one for the whole of it, and one below it for each attempt.
 *
 * Shape: none without a trace. A call of the own application is no work of its service as a server would do it, so the
 * whole of it is internal; what comes in from others is a server's span. Attempts are a client's, as each is a call on
 * the wire.
 * Source: OpenTelemetry semantic conventions for HTTP spans.
 */
export function spansOf(record: RequestRecord): readonly Span[] {
  const { trace } = record;
  if (trace === undefined) return [];
  return [
    requestSpan(record, trace),
    ...record.attempts.flatMap((attempt, index) =>
      attempt.spanId === undefined
        ? []
        : [attemptSpan(record, { trace, attempt, spanId: attempt.spanId, index })]
    ),
  ];
}

function requestSpan(record: RequestRecord, trace: TraceIds): Span {
  const { role, at, durationMs, status, code, detail, attempts } = record;
  // Without a code the answer is the upstream's own; one that broke off has the status with which it began.
  const cut = status < 400 && code !== undefined && code !== "client_gone";
  const failed = status >= 500 || cut;
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    ...(trace.parentId === undefined ? {} : { parentId: trace.parentId }),
    parentIsRemote: trace.parentId !== undefined,
    ...(trace.state === undefined ? {} : { state: trace.state }),
    name: nameOf(record),
    kind: role === "inbound" ? "server" : "internal",
    startMs: at,
    endMs: at + Math.max(0, durationMs),
    attributes: {
      ...methodOf(record),
      "url.scheme": "http",
      "url.path": record.path,
      ...addressOf("server", record.authority),
      ...addressOf("client", record.client),
      // 499 is what logs say when the client has left before its answer; none was sent.
      ...(status === 499 ? {} : { "http.response.status_code": status }),
      ...errorType(code, failed ? status : 0),
      "http.request.body.size": record.requestBytes,
      "http.response.body.size": record.responseBytes,
      "mesher.role": role,
      "mesher.added_us": microseconds(record.ownMs),
      "mesher.attempts": attempts.length,
      ...text("mesher.service", record.service),
      ...text("mesher.caller", record.caller),
      ...text("mesher.route", record.route),
    },
    ...(failed ? { error: detail ?? `status ${status}` } : {}),
  };
}

function attemptSpan(
  record: RequestRecord,
  { trace, attempt, spanId, index }: {
    readonly trace: TraceIds;
    readonly attempt: AttemptRecord;
    readonly spanId: string;
    readonly index: number;
  },
): Span {
  const { status, code } = attempt;
  const failed = code !== undefined || (status !== undefined && status >= 400);
  return {
    traceId: trace.traceId,
    spanId,
    parentId: trace.spanId,
    parentIsRemote: false,
    ...(trace.state === undefined ? {} : { state: trace.state }),
    name: nameOf(record),
    kind: "client",
    startMs: record.at + attempt.startMs,
    endMs: record.at + Math.max(attempt.startMs, attempt.endMs),
    attributes: {
      ...methodOf(record),
      "url.full": `http://${record.authority}${record.path}`,
      ...addressOf("server", record.authority),
      ...addressOf("network.peer", attempt.endpoint),
      ...(status === undefined ? {} : { "http.response.status_code": status }),
      ...errorType(code, failed ? status ?? 0 : 0),
      ...(index === 0 ? {} : { "http.request.resend_count": index }),
      ...(record.role === "outbound" ? text("peer.service", record.service) : {}),
      ...(attempt.firstByteMs === undefined
        ? {}
        : { "mesher.first_byte_us": microseconds(attempt.firstByteMs - attempt.startMs) }),
    },
    ...(failed ? { error: code ?? `status ${status}` } : {}),
  };
}

/** Shape: the method, and the rule that the request fits where there is one; never a path, of which there is no end. */
function nameOf({ method, route }: RequestRecord): string {
  const name = knownMethods.has(method) ? method : "HTTP";
  return route === undefined || route === "" ? name : `${name} ${route}`;
}

function methodOf({ method }: RequestRecord): Record<string, Attribute> {
  return knownMethods.has(method)
    ? { "http.request.method": method }
    : { "http.request.method": "_OTHER", "http.request.method_original": method };
}

function errorType(code: string | undefined, status: number): Record<string, Attribute> {
  if (code !== undefined) return { "error.type": code };
  return status === 0 ? {} : { "error.type": String(status) };
}

/** `prefix.address` and, where the text has one, `prefix.port`. */
function addressOf(prefix: string, authority: string): Record<string, Attribute> {
  if (authority === "") return {};
  const address = parseAddress(authority);
  if (address === undefined || "path" in address) {
    return { [`${prefix}.address`]: authority.replace(/^\[|\]$/g, "") };
  }
  return { [`${prefix}.address`]: address.host, [`${prefix}.port`]: address.port };
}

function text(name: string, value: string | undefined): Record<string, Attribute> {
  return value === undefined || value === "" ? {} : { [name]: value };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}
