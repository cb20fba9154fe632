/** The W3C format: what is read, and what is not believed. */
import { assertEquals } from "@test/assert";
import { isTracestate, readTraceparent } from "../../../../lib/data/trace/traceparent.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";

const good: readonly (readonly [title: string, text: string, decision: "yes" | "no"])[] = [
  ["sampled", `00-${trace}-${span}-01`, "yes"],
  ["not sampled", `00-${trace}-${span}-00`, "no"],
  ["flags that nobody knows yet", `00-${trace}-${span}-fe`, "no"],
  ["flags that nobody knows yet, sampled", `00-${trace}-${span}-ff`, "yes"],
  ["a trace that is zero but for its last digit", `00-${"0".repeat(31)}1-${span}-01`, "yes"],
  ["a span that is zero but for its first digit", `00-${trace}-1${"0".repeat(15)}-01`, "yes"],
  ["a later version of the same length", `cc-${trace}-${span}-01`, "yes"],
  ["a later version with more behind a dash", `01-${trace}-${span}-01-what-ever`, "yes"],
  ["a later version with nothing behind a dash", `fe-${trace}-${span}-01-`, "yes"],
];
for (const [title, text, decision] of good) {
  Deno.test(`traceparent, is read: ${title}`, () => {
    const parent = readTraceparent(text);
    assertEquals(parent?.decision, decision);
    assertEquals(parent?.known, true);
  });
}

Deno.test("traceparent, the identifiers are read as words from the most significant on", () => {
  assertEquals(readTraceparent(`00-${trace}-${span}-01`), {
    known: true,
    trace0: 0x0af76519,
    trace1: 0x16cd43dd,
    trace2: 0x8448eb21,
    trace3: 0x1c80319c,
    span0: 0xb7ad6b71,
    span1: 0x69203331,
    short: false,
    decision: "yes",
  });
});

const bad: readonly (readonly [title: string, text: string])[] = [
  ["nothing", ""],
  ["a trace of zeros", `00-${"0".repeat(32)}-${span}-01`],
  ["a span of zeros", `00-${trace}-${"0".repeat(16)}-01`],
  ["the version that is forbidden", `ff-${trace}-${span}-01`],
  ["capital letters in the trace", `00-${trace.toUpperCase()}-${span}-01`],
  ["capital letters in the span", `00-${trace}-${span.toUpperCase()}-01`],
  ["capital letters in the version", `0A-${trace}-${span}-01`],
  ["capital letters in the flags", `00-${trace}-${span}-0A`],
  ["a letter that is no digit", `00-${trace.slice(1)}g-${span}-01`],
  ["a trace that is too short", `00-${trace.slice(1)}-${span}-01`],
  ["a trace that is too long", `00-${trace}0-${span}-01`],
  ["a span that is too short", `00-${trace}-${span.slice(1)}-01`],
  ["a span that is too long", `00-${trace}-${span}0-01`],
  ["flags of one digit", `00-${trace}-${span}-1`],
  ["flags of three digits", `00-${trace}-${span}-001`],
  ["no flags", `00-${trace}-${span}`],
  ["version 0 with more behind it", `00-${trace}-${span}-01-more`],
  ["version 0 with a dash behind it", `00-${trace}-${span}-01-`],
  ["a later version with more that is not set apart", `01-${trace}-${span}-01more`],
  ["a version of one digit", `0-${trace}-${span}-01`],
  ["other dashes", `00_${trace}_${span}_01`],
  ["a blank before it", ` 00-${trace}-${span}-01`],
  ["signs as a number may have them", `00-${trace}-+${span.slice(1)}-01`],
  ["letters beyond ASCII", `00-${trace.slice(1)}\u0131-${span}-01`],
  ["two of them in one field", `00-${trace}-${span}-01,00-${trace}-${span}-01`],
];
for (const [title, text] of bad) {
  Deno.test(`traceparent, is not valid: ${title}`, () => {
    assertEquals(readTraceparent(text), undefined);
  });
}

const key256 = "k".repeat(256);
const states: readonly (readonly [title: string, text: string, valid: boolean])[] = [
  ["one member", "a=1", true],
  ["blanks and tabs around members", "a=1 , \tb=2", true],
  ["empty members between", "a=1,,b=2,", true],
  ["nothing but empty members", ",,", false],
  ["the longest simple key", `${key256}=v`, true],
  ["a key that is too long", `k${key256}=v`, false],
  ["a key with all its characters", "a-_*/9=v", true],
  ["a key of a tenant", "0tenant@system=v", true],
  ["a key with a tenant that is empty", "@system=v", false],
  ["a key with two at signs", "a@b@c=v", false],
  ["a key that begins with a digit", "1a=v", false],
  ["a key in capitals", "A=v", false],
  ["a key twice", "a=1,a=2", false],
  ["no value", "a", false],
  ["an empty value", "a=", false],
  ["a value with blanks inside", "a=1 2", true],
  ["a value with an equals sign", "a=1=2", false],
  ["a value with a control character", "a=\u0001", false],
  ["a value beyond ASCII", "a=\u00e9", false],
  ["the longest value", `a=${"v".repeat(256)}`, true],
  ["a value that is too long", `a=${"v".repeat(257)}`, false],
  ["32 members", Array.from({ length: 32 }, (_, n) => `k${n}=1`).join(","), true],
  ["33 members", Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(","), false],
  ["more than need be kept", `a=${"v".repeat(250)},b=${"v".repeat(250)},c=${"v".repeat(9)}`, false],
];
for (const [title, text, valid] of states) {
  Deno.test(`tracestate, ${title}: ${valid ? "valid" : "not valid"}`, () => {
    assertEquals(isTracestate(text), valid);
  });
}
