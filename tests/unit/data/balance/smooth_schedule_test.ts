/** Smooth weighted turns. */
import { assert, assertEquals } from "@test/assert";
import { SmoothSchedule } from "../../../../lib/data/balance/smooth_schedule.ts";
import { seeded } from "../../../support/seeded.ts";

Deno.test("smooth turns, five to one to one: the heavy one never has more than three in a row", () => {
  const schedule = new SmoothSchedule([5, 1, 1], 0.2);
  const turns = Array.from({ length: 700 }, () => schedule.next());
  assertEquals([0, 1, 2].map((index) => turns.filter((turn) => turn === index).length), [
    500,
    100,
    100,
  ]);
  assertEquals(turns.join("").includes("0000"), false);
});

Deno.test("smooth turns, whoever is announced comes next", () => {
  const schedule = new SmoothSchedule([3, 2, 9, 4], 0.7);
  for (let turn = 0; turn < 200; turn++) {
    const { first } = schedule;
    assertEquals(schedule.next(), first);
  }
});

Deno.test("smooth turns, over any stretch everyone has its share, give or take little", () => {
  const random = seeded(5);
  for (let round = 0; round < 60; round++) {
    const count = 2 + random.below(30);
    const weights = Array.from({ length: count }, () => 1 + random.below(10));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const schedule = new SmoothSchedule(weights, random());
    const turns = Array.from({ length: 3_000 }, () => schedule.next());
    const from = random.below(1_000);
    const until = from + 1 + random.below(2_000);
    for (const [index, weight] of weights.entries()) {
      const had = turns.slice(from, until).filter((turn) => turn === index).length;
      const share = weight / total;
      // Its own turn may fall just inside or outside, and so may those of all others.
      const slack = 1.001 + count * share;
      assert(
        Math.abs(had - (until - from) * share) <= slack,
        `${had} of ${until - from}, ${weights}`,
      );
    }
  }
});

Deno.test("smooth turns, begin with anyone by their weights, as the phase has it", () => {
  const weights = [6, 3, 1];
  const firsts = [0, 0, 0];
  for (let step = 0; step < 1_000; step++) {
    firsts[new SmoothSchedule(weights, step / 1_000).first]!++;
  }
  assert(firsts[0]! > firsts[1]! && firsts[1]! > firsts[2]! && firsts[2]! > 20, `${firsts}`);
});
