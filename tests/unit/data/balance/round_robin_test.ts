/** Round robin: every usable index once a round. */
import { assertEquals } from "@test/assert";
import { nextIndex } from "../../../../lib/data/balance/round_robin.ts";
import { seeded } from "../../../support/seeded.ts";

const table: readonly (readonly [count: number, last: number, usable: string, next: number])[] = [
  [3, -1, "yyy", 0],
  [3, 0, "yyy", 1],
  [3, 2, "yyy", 0],
  [3, 0, "yny", 2],
  [3, 2, "nyn", 1],
  [3, 1, "nyn", 1],
  [3, 1, "nnn", -1],
  [1, 0, "y", 0],
  [0, 0, "", -1],
  [0, 5, "", -1],
  // The set has shrunk since the last pick.
  [2, 7, "yy", 0],
];

for (const [count, last, usable, next] of table) {
  Deno.test(`round robin, after ${last} of ${count} (${usable || "none"}) comes ${next}`, () => {
    assertEquals(nextIndex(count, last, (index) => usable[index] === "y"), next);
  });
}

Deno.test("round robin, asks about one index when the next one is usable", () => {
  let asked = 0;
  nextIndex(1000, 4, () => ++asked > 0);
  assertEquals(asked, 1);
});

Deno.test("round robin, each usable index comes up equally often whatever the others do", () => {
  const random = seeded(9);
  for (let round = 0; round < 200; round++) {
    const count = 1 + random.below(12);
    const usable = Array.from({ length: count }, () => random.below(3) !== 0);
    const open = usable.filter(Boolean).length;
    const picks = Array<number>(count).fill(0);
    let last = random.below(count);
    for (let pick = 0; pick < open * 10; pick++) {
      last = nextIndex(count, last, (index) => usable[index]!);
      picks[last]!++;
    }
    assertEquals(picks, usable.map((yes) => yes ? 10 : 0));
  }
});
