/** Slow start: the share of a newcomer. */
import { assert, assertEquals } from "@test/assert";
import { longAgo, notYet } from "../../../../lib/data/balance/candidate.ts";
import { WarmUp } from "../../../../lib/data/balance/warm_up.ts";
import { candidate } from "../../../support/candidates.ts";
import { seeded } from "../../../support/seeded.ts";

const table:
  readonly (readonly [what: string, warmFromMs: number, nowMs: number, share: number])[] = [
    ["without a good answer", notYet, 5_000_000, 0.1],
    ["at its first good answer", 1_000, 1_000, 0.1],
    ["after a twentieth of the time", 1_000, 2_500, 0.1],
    ["after half of the time", 1_000, 16_000, 0.5],
    ["just before the end", 1_000, 30_997, 0.9999],
    ["at the end", 1_000, 31_000, 1],
    ["long after", 1_000, 3_100_000, 1],
    ["there from the start", longAgo, 0, 1],
  ];

for (const [what, warmFromMs, nowMs, share] of table) {
  Deno.test(`slow start, an endpoint ${what} has ${share} of its weight`, () => {
    const one = candidate(1, { warmFromMs, weight: 4 });
    const warmUp = new WarmUp(30_000);
    assert(Math.abs(warmUp.share(one, nowMs) - share) < 1e-9);
  });
}

Deno.test("slow start switched off, everyone has all of its weight", () => {
  const warmUp = new WarmUp(0);
  const one = candidate(1, { warmFromMs: notYet });
  assertEquals(warmUp.share(one, 0), 1);
  assertEquals(warmUp.admits(one, { nowMs: 0, random: () => 0.999 }), true);
});

Deno.test("slow start, draws are let through by the share, and warm endpoints cost no random number", () => {
  const warmUp = new WarmUp(30_000);
  const random = seeded(1);
  const half = candidate(1, { warmFromMs: 1_000 });
  let admitted = 0;
  for (let draw = 0; draw < 4_000; draw++) {
    if (warmUp.admits(half, { nowMs: 16_000, random })) admitted++;
  }
  assert(Math.abs(admitted - 2_000) < 150, `${admitted}`);
  const none = () => {
    throw new Error("asked for a random number");
  };
  assertEquals(warmUp.admits(candidate(2), { nowMs: 0, random: none }), true);
});
