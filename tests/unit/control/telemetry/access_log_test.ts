/** Lines of the access log: what they say, and what cannot get into them. */
import { assertEquals } from "@test/assert";
import {
  type LineMaker,
  lineMaker,
  logRequest,
} from "../../../../lib/control/telemetry/access_log.ts";
import { accessLogFields, parseAccessLogFormat } from "../../../../lib/core/access_log_format.ts";
import { hostileRecord } from "../../../support/hostile.ts";
import { attempt, record, without } from "../../../support/records.ts";
import { seeded } from "../../../support/seeded.ts";

function lineOf(text: string): LineMaker {
  const parsed = parseAccessLogFormat(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return lineMaker(parsed);
}

const full = record({
  route: "beta",
  code: "reset",
  detail: "the connection was closed",
  attempts: [attempt(), attempt({ endpoint: "10.0.0.8:8080" })],
});

Deno.test("access log, a JSON line has all fields with numbers as numbers", () => {
  assertEquals(JSON.parse(lineOf("json")(full)), {
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
  const line = JSON.parse(lineOf("json")(bare));
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
  const line = lineOf('%{status} %{code} "%{path}" [%{endpoints}]')(record());
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
    assertEquals(lineOf('"%{path}"')(record({ path })), `"${shown}"`);
    const json = lineOf("json:path")(record({ path }));
    assertEquals([json.split("\n").length, JSON.parse(json).path], [1, path]);
  });
}

Deno.test("access log, a JSON line is a JSON text of one line whatever is in the record", () => {
  const random = seeded(5);
  const line = lineOf("json");
  for (let round = 0; round < 500; round++) {
    const one = hostileRecord(random);
    const text = line(one);
    assertEquals(text.split("\n").length, 1);
    const { attempts, trace } = one;
    const last = attempts.at(-1)?.endpoint;
    const members = Object.entries({
      time: new Date(one.at).toISOString(),
      role: one.role,
      method: one.method,
      authority: one.authority,
      path: one.path,
      service: one.service,
      caller: one.caller,
      client: one.client,
      route: one.route,
      status: one.status,
      code: one.code,
      detail: one.detail,
      attempts: attempts.length,
      endpoint: last,
      endpoints: attempts.map(({ endpoint }) => endpoint),
      request_bytes: one.requestBytes,
      response_bytes: one.responseBytes,
      duration_ms: Math.round(one.durationMs * 1000) / 1000,
      first_byte_ms: one.firstByteMs,
      added_ms: Math.round(one.ownMs * 1000) / 1000,
      trace_id: trace!.traceId,
      span_id: trace!.spanId,
    }).filter(([, value]) => value !== undefined && value !== "");
    assertEquals(text, JSON.stringify(Object.fromEntries(members)));
  }
});

Deno.test("access log, a line of an own form has no control character and its quotes stay in pairs", () => {
  const random = seeded(6);
  const line = lineOf('"%{path}" "%{service}" "%{detail}" "%{endpoints}"');
  for (let round = 0; round < 500; round++) {
    const one = hostileRecord(random);
    const text = line(one);
    const read = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, field]) =>
      field === "-"
        ? ""
        : field!.replace(/\\u([0-9a-f]{4})|\\(.)/g, (_, hex, char) =>
          hex === undefined ? char : String.fromCharCode(parseInt(hex, 16)))
    );
    assertEquals(/[\p{Cc}\u2028\u2029]/u.test(text), false, text);
    const endpoints = one.attempts.map(({ endpoint }) => endpoint).join(",");
    assertEquals(read, [one.path, one.service, one.detail ?? "", endpoints]);
  }
});

Deno.test("access log, a field that is asked for twice is one member of a JSON line", () => {
  assertEquals(lineOf("json:status,path,status")(record()), '{"status":200,"path":"/accounts/7"}');
  assertEquals(lineOf("json:route")(record()), "{}");
});

Deno.test("access log, has the requests that were chosen, and failures whether chosen or not", () => {
  const lines: string[] = [];
  const records = [
    record({ path: "/chosen" }),
    record({ path: "/only-traced", logged: false }),
    record({ path: "/failed", logged: false, code: "no_endpoint", status: 503 }),
  ];
  const line = lineOf("%{path} %{code}");
  for (const one of records) logRequest({ push: (make) => void lines.push(make()) }, line, one);
  assertEquals(lines, ["/chosen -", "/failed no_endpoint"]);
});

Deno.test("access log, has no field for a query, for header fields or bodies", () => {
  const names = Object.keys(accessLogFields).filter((name) =>
    /query|header|cookie|auth(?!ority)|body/.test(name)
  );
  assertEquals(names, []);
});
