/** The two B3 formats: what is read, and what is not believed. */
import { assertEquals } from "@test/assert";
import { type B3Fields, readB3, readB3Fields } from "../../../../lib/data/trace/b3.ts";
import type { Decision } from "../../../../lib/data/trace/parent.ts";

const trace = "80f198ee56343ba864fe8b2a57d3eff7";
const half = "64fe8b2a57d3eff7";
const span = "e457b5a2e4d86bd1";
const other = "05e3ac9a4f6e3b90";

/** Shape: `known` tells whether there are identifiers; undefined when it is not valid. */
type Expected = { readonly known: boolean; readonly decision: Decision } | undefined;

const singles: readonly (readonly [title: string, text: string, expected: Expected])[] = [
  ["a trace and a span", `${trace}-${span}`, { known: true, decision: "open" }],
  ["a trace of 64 bits", `${half}-${span}`, { known: true, decision: "open" }],
  ["taken", `${trace}-${span}-1`, { known: true, decision: "yes" }],
  ["not taken", `${trace}-${span}-0`, { known: true, decision: "no" }],
  ["to be debugged", `${trace}-${span}-d`, { known: true, decision: "debug" }],
  ["with the parent's span", `${trace}-${span}-1-${other}`, { known: true, decision: "yes" }],
  ["a trace of 64 bits with all", `${half}-${span}-d-${other}`, { known: true, decision: "debug" }],
  ["a decision alone, no", "0", { known: false, decision: "no" }],
  ["a decision alone, yes", "1", { known: false, decision: "yes" }],
  ["a decision alone, debug", "d", { known: false, decision: "debug" }],
  ["nothing", "", undefined],
  ["another letter", "x", undefined],
  ["true", "true", undefined],
  ["a trace alone", trace, undefined],
  ["a dash without a decision", `${trace}-${span}-`, undefined],
  ["another decision", `${trace}-${span}-2`, undefined],
  ["a parent without a decision", `${trace}-${span}-${other}`, undefined],
  ["a parent that is too short", `${trace}-${span}-1-${other.slice(1)}`, undefined],
  ["a parent that is no number", `${trace}-${span}-1-${other.slice(1)}g`, undefined],
  ["more behind it", `${trace}-${span}-1-${other}-1`, undefined],
  ["a trace of another length", `${trace.slice(8)}-${span}-1`, undefined],
  ["a span that is too short", `${trace}-${span.slice(1)}-1`, undefined],
  ["capital letters", `${trace.toUpperCase()}-${span}-1`, undefined],
  ["a trace of zeros", `${"0".repeat(32)}-${span}-1`, undefined],
  ["a span of zeros", `${trace}-${"0".repeat(16)}-1`, undefined],
];
for (const [title, text, expected] of singles) {
  Deno.test(`b3 in one field, ${title}: ${expected === undefined ? "not valid" : "read"}`, () => {
    const parent = readB3(text);
    assertEquals(parent && { known: parent.known, decision: parent.decision }, expected);
  });
}

Deno.test("b3 in one field, a trace of 64 bits fills the lower half and is remembered as short", () => {
  assertEquals(readB3(`${half}-${span}-1`), {
    known: true,
    trace0: 0,
    trace1: 0,
    trace2: 0x64fe8b2a,
    trace3: 0x57d3eff7,
    span0: 0xe457b5a2,
    span1: 0xe4d86bd1,
    short: true,
    decision: "yes",
  });
  assertEquals(readB3(`${trace}-${span}`)?.trace0, 0x80f198ee);
});

const none: B3Fields = {
  traceId: undefined,
  spanId: undefined,
  parentSpanId: undefined,
  sampled: undefined,
  flags: undefined,
};
const ids = { traceId: trace, spanId: span };

const multis: readonly (readonly [title: string, fields: Partial<B3Fields>, expected: Expected])[] =
  [
    ["no field", {}, undefined],
    ["trace and span", ids, { known: true, decision: "open" }],
    ["a trace of 64 bits", { ...ids, traceId: half }, { known: true, decision: "open" }],
    ["taken", { ...ids, sampled: "1" }, { known: true, decision: "yes" }],
    ["not taken", { ...ids, sampled: "0" }, { known: true, decision: "no" }],
    ["taken, as older senders say it", { ...ids, sampled: "true" }, {
      known: true,
      decision: "yes",
    }],
    ["not taken, as older senders say it", { ...ids, sampled: "false" }, {
      known: true,
      decision: "no",
    }],
    ["to be debugged", { ...ids, flags: "1" }, { known: true, decision: "debug" }],
    ["to be debugged, whatever else is said", { ...ids, flags: "1", sampled: "0" }, {
      known: true,
      decision: "debug",
    }],
    ["other flags", { ...ids, flags: "0" }, { known: true, decision: "open" }],
    ["with the parent's span", { ...ids, parentSpanId: other }, { known: true, decision: "open" }],
    ["a decision alone", { sampled: "0" }, { known: false, decision: "no" }],
    ["debug alone", { flags: "1" }, { known: false, decision: "debug" }],
    ["a trace alone", { traceId: trace }, undefined],
    ["a span alone", { spanId: span, sampled: "1" }, undefined],
    ["another decision", { ...ids, sampled: "yes" }, undefined],
    ["a trace of another length", { ...ids, traceId: trace.slice(2) }, undefined],
    ["a span of another length", { ...ids, spanId: trace }, undefined],
    ["a parent that is no span", { ...ids, parentSpanId: "1" }, undefined],
    ["capital letters", { ...ids, spanId: span.toUpperCase() }, undefined],
    ["a trace of zeros", { ...ids, traceId: "0".repeat(32) }, undefined],
  ];
for (const [title, fields, expected] of multis) {
  Deno.test(`b3 in many fields, ${title}: ${expected === undefined ? "not valid" : "read"}`, () => {
    const parent = readB3Fields({ ...none, ...fields });
    assertEquals(parent && { known: parent.known, decision: parent.decision }, expected);
  });
}
