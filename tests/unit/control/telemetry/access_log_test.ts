/** Lines of the access log: what they say, and what cannot get into them. */
import { assertEquals } from "@test/assert";
import { formatLine, logRequests } from "../../../../lib/control/telemetry/access_log.ts";
import {
  accessLogFields,
  type AccessLogFormat,
  parseAccessLogFormat,
} from "../../../../lib/core/access_log_format.ts";
import { attempt, record, without } from "../../../support/records.ts";

function format(text: string): AccessLogFormat {
  const parsed = parseAccessLogFormat(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

const full = record({
  route: "beta",
  code: "reset",
  detail: "the connection was closed",
  attempts: [attempt(), attempt({ endpoint: "10.0.0.8:8080" })],
});

Deno.test("access log, a JSON line has all fields with numbers as numbers", () => {
  assertEquals(JSON.parse(formatLine(format("json"), full)), {
    time: "2023-11-14T22:13:20.000Z",
    role: "outbound",
    method: "GET",
    authority: "AccountService:8080",
    path: "/accounts/7",
    service: "AccountService",
    caller: "StoreWeb",
    client: "127.0.0.1:40312",
    route: "beta",
    status: 200,
    code: "reset",
    detail: "the connection was closed",
    attempts: 2,
    endpoint: "10.0.0.8:8080",
    endpoints: ["10.0.0.7:8080", "10.0.0.8:8080"],
    request_bytes: 0,
    response_bytes: 42,
    duration_ms: 6,
    first_byte_ms: 4.7,
    added_ms: 0.25,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    span_id: "b7ad6b7169203331",
  });
});

Deno.test("access log, a JSON line leaves out what is not there", () => {
  const bare = without(record({ caller: "", attempts: [] }), "trace", "firstByteMs");
  const line = JSON.parse(formatLine(format("json"), bare));
  assertEquals(Object.keys(accessLogFields).filter((name) => !(name in line)), [
    "caller",
    "route",
    "code",
    "detail",
    "endpoint",
    "first_byte_ms",
    "trace_id",
    "span_id",
  ]);
});

Deno.test("access log, a line of an own form shows a dash for what is not there", () => {
  const line = formatLine(format('%{status} %{code} "%{path}" [%{endpoints}]'), record());
  assertEquals(line, '200 - "/accounts/7" [10.0.0.7:8080]');
});

const nasty: readonly (readonly [path: string, shown: string])[] = [
  ['/a" 500 "', '/a\\" 500 \\"'],
  ["/a\r\nforged", "/a\\u000d\\u000aforged"],
  ["/a\\b", "/a\\\\b"],
  ["/a\u001b[31m", "/a\\u001b[31m"],
  ["/a\u0085\u2028", "/a\\u0085\\u2028"],
  ["/\u00e4", "/\u00e4"],
];
for (const [path, shown] of nasty) {
  Deno.test(`access log, ${JSON.stringify(path)} cannot end its field or its line`, () => {
    assertEquals(formatLine(format('"%{path}"'), record({ path })), `"${shown}"`);
    const json = formatLine(format("json:path"), record({ path }));
    assertEquals([json.split("\n").length, JSON.parse(json).path], [1, path]);
  });
}

Deno.test("access log, has the requests that were chosen, and failures whether chosen or not", () => {
  const lines: string[] = [];
  logRequests({ push: (make) => void lines.push(make()) }, format("%{path} %{code}"), [
    record({ path: "/chosen" }),
    record({ path: "/only-traced", logged: false }),
    record({ path: "/failed", logged: false, code: "no_endpoint", status: 503 }),
  ]);
  assertEquals(lines, ["/chosen -", "/failed no_endpoint"]);
});

Deno.test("access log, has no field for a query, for header fields or bodies", () => {
  const names = Object.keys(accessLogFields).filter((name) =>
    /query|header|cookie|auth(?!ority)|body/.test(name)
  );
  assertEquals(names, []);
});
