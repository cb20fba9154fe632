/** The fields that a line of the access log can have, and the texts that choose among them. */

/** Every field with what it holds. Shape: the order is that of a JSON line. */
export const accessLogFields = {
  time: "when the request came, ISO 8601",
  role: "outbound for calls of the own application, inbound for calls to it",
  method: "method of the request",
  authority: "host and port as the caller wrote them",
  path: "path without the query, which may hold secrets",
  service: "service that was called, as the registry spells it",
  caller: "service that calls, where it is known",
  client: "address of the caller's connection",
  route: "routing rule that decided",
  status: "status of the answer; 499 when the client had left",
  code: "what failed, when the sidecar answered itself",
  detail: "the failure in words",
  attempts: "number of attempts",
  endpoint: "endpoint of the last attempt",
  endpoints: "endpoints of all attempts in their order",
  request_bytes: "bytes of the request's body",
  response_bytes: "bytes of the answer's body",
  duration_ms: "from the request's head to the last byte of the answer",
  first_byte_ms: "from the request's head to the first byte of the answer",
  added_ms: "what the sidecar itself took of that",
  trace_id: "trace, when it is recorded",
  span_id: "the request's span in it",
} as const satisfies Readonly<Record<string, string>>;

export type AccessLogField = keyof typeof accessLogFields;

/** Shape: of a text the parts in their order, fields among them as objects. */
export type AccessLogFormat =
  | { readonly kind: "json"; readonly fields: readonly AccessLogField[] }
  | {
    readonly kind: "text";
    readonly parts: readonly (string | { readonly field: AccessLogField })[];
  };

function isField(name: string): name is AccessLogField {
  return Object.hasOwn(accessLogFields, name);
}

/**
 * Reads `json`, `json:time,status,path`, or a text such as `%{time} %{status} %{path}`, where `%%` is a percent sign.
 *
 * Shape: a text for what is wrong and what to do. Errors: none.
 */
export function parseAccessLogFormat(text: string): AccessLogFormat | string {
  if (text === "json") {
    return { kind: "json", fields: Object.keys(accessLogFields) as AccessLogField[] };
  }
  if (text.startsWith("json:")) {
    const names = text.slice(5).split(",").map((name) => name.trim());
    const wrong = names.find((name) => !isField(name));
    if (wrong !== undefined) return unknownField(wrong);
    return { kind: "json", fields: names.filter(isField) };
  }
  return parseText(text);
}

function parseText(text: string): AccessLogFormat | string {
  if (/\p{Cc}/u.test(text)) return "has a control character; a line of the log is one line";
  const parts: (string | { field: AccessLogField })[] = [];
  let literal = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "%") {
      literal += text[at];
      continue;
    }
    if (text[at + 1] === "%") {
      literal += "%";
      at++;
      continue;
    }
    const end = text[at + 1] === "{" ? text.indexOf("}", at) : -1;
    if (end < 0) {
      const rest = text.slice(at, at + 12);
      return `has "${rest}", which is no field; write %{status}, or %% for a percent sign`;
    }
    const name = text.slice(at + 2, end);
    if (!isField(name)) return unknownField(name);
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push({ field: name });
    at = end;
  }
  if (literal !== "") parts.push(literal);
  if (!parts.some((part) => typeof part !== "string")) {
    return "names no field; write json, or for example %{time} %{status} %{service} %{path}";
  }
  return { kind: "text", parts };
}

function unknownField(name: string): string {
  return `has no field "${name}"; the fields are ${Object.keys(accessLogFields).join(", ")}`;
}
