/** The time left for a request, read and written. */
import { assert, assertEquals } from "@test/assert";
import {
  effectiveDeadline,
  formatDeadline,
  parseDeadline,
} from "../../../../lib/data/resilience/deadline.ts";
import { seeded } from "../../../support/seeded.ts";

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

for (
  const [ms, text] of [
    [15_000, "15000"],
    [14_999.9, "14999"],
    [0.9, "0"],
    [0, "0"],
    [-3, "0"],
    [NaN, "0"],
    [Infinity, "86400000"],
  ] as const
) {
  Deno.test(`deadline, ${ms} ms left is written as ${text}`, () => {
    assertEquals(formatDeadline(ms), text);
  });
}

for (
  const [own, inherited, ms] of [
    [15_000, undefined, 15_000],
    [15_000, 3000, 3000],
    [3000, 15_000, 3000],
    [3000, 0, 0],
    [Infinity, 3000, 3000],
    [Infinity, undefined, Infinity],
  ] as const
) {
  Deno.test(`deadline, ${own} ms of one's own and ${inherited ?? "nothing"} inherited make ${ms}`, () => {
    assertEquals(effectiveDeadline(own, inherited), ms);
  });
}

Deno.test("deadline, over any number of hops it only shrinks", () => {
  const random = seeded(8);
  for (let round = 0; round < 500; round++) {
    let leftMs = random() * 30_000;
    for (let hop = 0; hop < 10; hop++) {
      const next = effectiveDeadline(random() * 40_000, parseDeadline(formatDeadline(leftMs)));
      assert.ok(next <= Math.max(0, leftMs));
      leftMs = next - random() * 100;
    }
  }
});
