/** The access log: a line for each request that was chosen for it, as JSON or in a form of the operator's own. */
import type { AccessLogField, AccessLogFormat } from "../../core/access_log_format.ts";
import { quoted } from "../../core/json_text.ts";
import type { RequestRecord } from "../../plane/observe.ts";
import { Known } from "./known.ts";
import { milliseconds, Moments } from "./time_text.ts";

/** Takes lines and writes them when it can; never waits. */
export interface LineWriter {
  /** Shape: `make` is called only where there is room for its line. */
  push(make: () => string): void;
}

/** One line without its end. Shape: nothing in a record can end the line or forge a field. */
export type LineMaker = (record: RequestRecord) => string;

/** Texts of few values that come again and again, and those of which there is no end. */
type TextKind = "text" | "any text";

/** What stands in a field. Shape: numbers as they are written; for other texts each form has its own escapes. */
type Field =
  | { readonly kind: TextKind; readonly read: (record: RequestRecord) => string | undefined }
  | { readonly kind: "texts"; readonly read: (record: RequestRecord) => readonly string[] }
  | { readonly kind: "number"; readonly read: (record: RequestRecord) => number | string }
  | { readonly kind: "moment" };

function text(read: (record: RequestRecord) => string | undefined): Field {
  return { kind: "text", read };
}

function anyText(read: (record: RequestRecord) => string | undefined): Field {
  return { kind: "any text", read };
}

function number(read: (record: RequestRecord) => number | string): Field {
  return { kind: "number", read };
}

/** What stands in each field. Shape: nothing of it is secret, since a record holds no query and no header fields. */
const fields: Readonly<Record<AccessLogField, Field>> = {
  time: { kind: "moment" },
  role: text(({ role }) => role),
  method: text(({ method }) => method),
  authority: text(({ authority }) => authority),
  path: anyText(({ path }) => path),
  service: text(({ service }) => service),
  caller: text(({ caller }) => caller),
  client: anyText(({ client }) => client),
  route: text(({ route }) => route),
  status: number(({ status }) => status),
  code: text(({ code }) => code),
  detail: anyText(({ detail }) => detail),
  attempts: number(({ attempts }) => attempts.length),
  endpoint: text(({ attempts }) => attempts.at(-1)?.endpoint),
  endpoints: { kind: "texts", read: ({ attempts }) => attempts.map(({ endpoint }) => endpoint) },
  request_bytes: number(({ requestBytes }) => requestBytes),
  response_bytes: number(({ responseBytes }) => responseBytes),
  duration_ms: number(({ durationMs }) => milliseconds(durationMs)),
  first_byte_ms: number(({ firstByteMs }) =>
    firstByteMs === undefined ? "" : milliseconds(firstByteMs)
  ),
  added_ms: number(({ ownMs }) => milliseconds(ownMs)),
  trace_id: anyText(({ trace }) => trace?.traceId),
  span_id: anyText(({ trace }) => trace?.spanId),
};

/** Writes a request that was chosen; one that the sidecar failed is written always. */
export function logRequest(lines: LineWriter, line: LineMaker, record: RequestRecord): void {
  if (record.logged || record.code !== undefined) lines.push(() => line(record));
}

/** What makes the lines of a format; it is looked at once and not for each line. */
export function lineMaker(format: AccessLogFormat): LineMaker {
  return format.kind === "json" ? jsonLine(format.fields) : textLine(format.parts);
}

function jsonLine(names: readonly AccessLogField[]): LineMaker {
  // A name that is given twice is one member all the same.
  const members = [...new Set(names)].map(jsonMember);
  return (record) => {
    let line = "";
    for (const write of members) {
      const member = write(record);
      if (member !== "") line += (line === "" ? "{" : ",") + member;
    }
    return line === "" ? "{}" : line + "}";
  };
}

/** Shape: empty for what is not there. */
function jsonMember(name: AccessLogField): LineMaker {
  const field = fields[name];
  const start = `${quoted(name)}:`;
  switch (field.kind) {
    case "number":
      return (record) => {
        const value = field.read(record);
        return value === "" ? "" : start + value;
      };
    case "moment": {
      const moments = new Moments();
      return ({ at }) => `${start}"${moments.of(at)}"`;
    }
    case "texts":
      return (record) => `${start}[${field.read(record).map(quoted).join(",")}]`;
    case "any text":
      return (record) => {
        const value = field.read(record);
        return value === undefined || value === "" ? "" : start + quoted(value);
      };
    case "text": {
      const known = new Known((value) => start + quoted(value));
      return (record) => {
        const value = field.read(record);
        return value === undefined || value === "" ? "" : known.of(value);
      };
    }
  }
}

function textLine(
  parts: readonly (string | { readonly field: AccessLogField })[],
): LineMaker {
  const pieces = parts.map((part) => typeof part === "string" ? part : shown(fields[part.field]));
  return (record) => {
    let line = "";
    for (const piece of pieces) line += typeof piece === "string" ? piece : piece(record) || "-";
    return line;
  };
}

/** Shape: empty for what is not there. */
function shown(field: Field): LineMaker {
  switch (field.kind) {
    case "number":
      return (record) => String(field.read(record));
    case "moment": {
      const moments = new Moments();
      return ({ at }) => moments.of(at);
    }
    case "texts":
      return (record) => escaped(field.read(record).join(","));
    case "text":
    case "any text":
      return (record) => escaped(field.read(record) ?? "");
  }
}

// deno-lint-ignore no-control-regex
const special = /["\\\x00-\x1f\x7f-\x9f\u2028\u2029]/g;

/** Quotes and control characters are escaped, so that a quoted field stays one. */
function escaped(text: string): string {
  return text.replace(
    special,
    (char) => char === '"' || char === "\\" ? `\\${char}` : `\\u${hex4(char)}`,
  );
}

function hex4(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(4, "0");
}
