/** The time left for a request, as another sidecar writes it. */
import { assertEquals } from "@test/assert";
import { parseDeadline } from "../../../../lib/data/resilience/deadline.ts";

for (
  const [text, ms] of [
    ["0", 0],
    ["1", 1],
    ["15000", 15_000],
    [" 20 ", 20],
    ["0020", 20],
    ["86400000", 86_400_000],
    ["86400001", 86_400_000],
    ["999999999999999", 86_400_000],
    ["9999999999999999", undefined],
    ["", undefined],
    ["-1", undefined],
    ["+1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["NaN", undefined],
    ["10ms", undefined],
    ["10, 20", undefined],
    ["１０", undefined],
  ] as const
) {
  Deno.test(`deadline, "${text}" is ${ms === undefined ? "nothing" : `${ms} ms`}`, () => {
    assertEquals(parseDeadline(text), ms);
  });
}
