/** Weighted response: shares by speed, within bounds. */
import { assert, assertEquals } from "@test/assert";
import { shareOut, WeightedResponse } from "../../../../lib/data/balance/weighted_response.ts";
import { WarmUp } from "../../../../lib/data/balance/warm_up.ts";
import { candidate, candidatesOf, request, tally } from "../../../support/candidates.ts";
import { seeded } from "../../../support/seeded.ts";

/** Shares of mean response times, rounded to a thousandth; weights are 1. */
const table: readonly (readonly [means: readonly number[], shares: readonly number[]])[] = [
  [[10, 10, 10, 10], [0.25, 0.25, 0.25, 0.25]],
  [[10, 20], [0.667, 0.333]],
  // The one that is far faster than all gets no more than twice the usual.
  [[10, 10, 10, 10, 0.01], [0.167, 0.167, 0.167, 0.167, 0.333]],
  // The one that is far slower keeps a tenth of the usual.
  [[10, 10, 10, 10, 100_000], [0.244, 0.244, 0.244, 0.244, 0.024]],
  // Nothing known: as usual.
  [[0, 0, 0], [0.333, 0.333, 0.333]],
  [[10, 10, 0], [0.333, 0.333, 0.333]],
];

function sharesOf(means: readonly number[]): number[] {
  const list = means.map((meanMs, index) => candidate(index, { meanMs }));
  const factors = new Float64Array(list.length);
  shareOut(list, factors);
  const total = factors.reduce((sum, factor) => sum + factor, 0);
  return [...factors].map((factor) => factor / total);
}

for (const [means, shares] of table) {
  Deno.test(`weighted response, means of ${means} ms give shares of ${shares}`, () => {
    assertEquals(sharesOf(means).map((share) => Math.round(share * 1_000) / 1_000), shares);
  });
}

Deno.test("weighted response, nobody gets more than twenty times another, whatever was measured", () => {
  const random = seeded(6);
  for (let round = 0; round < 300; round++) {
    const means = Array.from({ length: 1 + random.below(50) }, () => 10 ** (random() * 8 - 3));
    const shares = sharesOf(means);
    assert(Math.max(...shares) / Math.min(...shares) <= 20.000001, `${means}`);
  }
});

Deno.test("weighted response, faster never gets less", () => {
  const random = seeded(7);
  for (let round = 0; round < 300; round++) {
    const means = Array.from({ length: 20 }, () => 1 + random() * 200).sort((a, b) => a - b);
    const shares = sharesOf(means);
    assertEquals(shares, [...shares].sort((a, b) => b - a));
  }
});

Deno.test("weighted response, calls follow the shares, and new measurements within a second", () => {
  const balancer = new WeightedResponse(new WarmUp(0));
  const list = candidatesOf(2, { meanMs: 10 });
  const at = request(3);
  const calls = (nowMs: number) =>
    tally(2, Array.from({ length: 9_000 }, () => balancer.pick(list, { ...at, nowMs })));
  assert(Math.abs(calls(0)[0]! - 4_500) < 250);
  list[0]!.meanMs = 20;
  assert(Math.abs(calls(999)[0]! - 4_500) < 250);
  assert(Math.abs(calls(1_000)[0]! - 3_000) < 250);
});
