/** The keys on traces and on the access log. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { formatProblem } from "../../../lib/config/problem.ts";
import { load, loadGood } from "./support.ts";

const good: readonly (readonly [yaml: string, expected: unknown])[] = [
  ["tracing: {endpoint: http://c:4318}", { endpoint: "http://c:4318" }],
  ["tracing: {endpoint: https://c/v1/traces?x=1}", { endpoint: "https://c/v1/traces?x=1" }],
  ["tracing: {sample_percent: 0.1}", { samplePercent: 0.1 }],
  ["tracing: {propagate: b3}", { propagate: ["b3"] }],
  ["tracing: {propagate: [b3multi, w3c, b3multi]}", { propagate: ["b3multi", "w3c"] }],
  ["access_log: {format: '%{status} %{path}'}", { format: "%{status} %{path}" }],
  ["access_log: {share_percent: 0.5, file: /a.log}", { sharePercent: 0.5, file: "/a.log" }],
];
for (const [yaml, expected] of good) {
  Deno.test(`taken: ${yaml}`, async () => {
    const { tracing, accessLog } = await loadGood({ file: yaml });
    const group = yaml.startsWith("tracing") ? tracing : accessLog;
    assertEquals(group, { ...group, ...expected as object });
  });
}

const bad: readonly (readonly [yaml: string, words: RegExp])[] = [
  [
    "tracing: {endpoint: collector:4318}",
    /^tracing\.endpoint: "collector:4318" is not the address of a collector .*write for example http:/,
  ],
  ["tracing: {endpoint: ftp://c}", /^tracing\.endpoint: .*is not the address of a collector/],
  ["tracing: {endpoint: http://me:key@c}", /^tracing\.endpoint: "http:\/\/\*+@c" is not/],
  ["tracing: {format: jaeger}", /^tracing\.format: "jaeger" is not one of otlp, zipkin/],
  ["tracing: {sample_percent: 101}", /^tracing\.sample_percent: 101 is not a percentage/],
  ["tracing: {per_second: -1}", /^tracing\.per_second: -1 is not a whole number/],
  ["tracing: {propagate: [w3c, b4]}", /^tracing\.propagate\.1: .*is not one of w3c, b3, b3multi/],
  ["tracing: {propagate: []}", /^tracing\.propagate: \[\] names no format/],
  ["tracing: {propagate: {}}", /^tracing\.propagate: \{\} is not one of w3c/],
  ["access_log: {format: '%{stauts}'}", /^access_log\.format: "%\{stauts\}" has no field "stauts"/],
  ["access_log: {format: 7}", /^access_log\.format: 7 is not a format; write json/],
  ["access_log: {enabled: json}", /^access_log\.enabled: "json" is neither true nor false/],
];
for (const [yaml, words] of bad) {
  Deno.test(`refused: ${yaml}`, async () => {
    const result = await load({ file: yaml });
    assert(!result.ok);
    assertEquals(result.problems.length, 1);
    assertMatch(formatProblem(result.problems[0]!), words);
  });
}

Deno.test("the access log can be switched on by a flag without a value", async () => {
  const { accessLog } = await loadGood({ flags: { "access_log.enabled": "true" } });
  assertEquals(accessLog.enabled, true);
});
