/** Spans of time as people say them. */
import { assertEquals } from "@test/assert";
import { span } from "../../../lib/core/span.ts";

for (
  const [ms, words] of [
    [-5, "0 ms"],
    [0.4, "0 ms"],
    [340, "340 ms"],
    [1000, "1 s"],
    [89_400, "89 s"],
    [90_000, "2 min"],
    [300_000, "5 min"],
    [7_800_000, "2 h 10 min"],
    [7_200_000, "2 h"],
    [200_000_000, "2 d 8 h"],
    [172_800_000, "2 d"],
  ] as const
) {
  Deno.test(`span, ${ms} ms is ${words}`, () => assertEquals(span(ms), words));
}
