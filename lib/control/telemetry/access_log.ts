/** The access log: a line for each request that was chosen for it, as JSON or in a form of the operator's own. */
import type { AccessLogField, AccessLogFormat } from "../../core/access_log_format.ts";
import type { RequestRecord } from "../../plane/observe.ts";

/** Takes lines and writes them when it can; never waits. */
export interface LineWriter {
  /** Shape: `make` is called only where there is room for its line. */
  push(make: () => string): void;
}

type Value = string | number | readonly string[] | undefined;

/** What stands in each field. Shape: nothing of it is secret, since a record holds no query and no header fields. */
const readers: Readonly<Record<AccessLogField, (record: RequestRecord) => Value>> = {
  time: ({ at }) => new Date(at).toISOString(),
  role: ({ role }) => role,
  method: ({ method }) => method,
  authority: ({ authority }) => authority,
  path: ({ path }) => path,
  service: ({ service }) => service,
  caller: ({ caller }) => caller,
  client: ({ client }) => client,
  route: ({ route }) => route,
  status: ({ status }) => status,
  code: ({ code }) => code,
  detail: ({ detail }) => detail,
  attempts: ({ attempts }) => attempts.length,
  endpoint: ({ attempts }) => attempts.at(-1)?.endpoint,
  endpoints: ({ attempts }) => attempts.map(({ endpoint }) => endpoint),
  request_bytes: ({ requestBytes }) => requestBytes,
  response_bytes: ({ responseBytes }) => responseBytes,
  duration_ms: ({ durationMs }) => toMicroseconds(durationMs),
  first_byte_ms: ({ firstByteMs }) => firstByteMs && toMicroseconds(firstByteMs),
  added_ms: ({ ownMs }) => toMicroseconds(ownMs),
  trace_id: ({ trace }) => trace?.traceId,
  span_id: ({ trace }) => trace?.spanId,
};

/** More digits would only be noise. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Writes the requests of a batch that were chosen; those that the sidecar failed are always among them. */
export function logRequests(
  lines: LineWriter,
  format: AccessLogFormat,
  records: readonly RequestRecord[],
): void {
  for (const record of records) {
    if (record.logged || record.code !== undefined) lines.push(() => formatLine(format, record));
  }
}

/** One line without its end. Shape: pure; nothing in a record can end the line or forge a field. */
export function formatLine(format: AccessLogFormat, record: RequestRecord): string {
  if (format.kind === "text") {
    return format.parts.map((part) =>
      typeof part === "string" ? part : shown(readers[part.field](record))
    ).join("");
  }
  const line: Record<string, Value> = {};
  for (const field of format.fields) {
    const value = readers[field](record);
    if (value !== undefined && value !== "") line[field] = value;
  }
  return JSON.stringify(line);
}

/** A dash for what is not there. Quotes and control characters are escaped, so that a quoted field stays one. */
function shown(value: Value): string {
  const text = typeof value === "object" ? value.join(",") : String(value ?? "");
  if (text === "") return "-";
  return text.replace(
    /["\\\p{Cc}\u2028\u2029]/gu,
    (char) => char === '"' || char === "\\" ? `\\${char}` : `\\u${hex4(char)}`,
  );
}

function hex4(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(4, "0");
}
