/** Weighted draws in constant time give exactly the shares of the weights. */
import { assert, assertEquals } from "@test/assert";
import { AliasTable } from "../../../../lib/data/balance/alias_table.ts";
import { seeded } from "../../../support/seeded.ts";

/** The share of each index, by going over [0, 1) evenly. */
function shares(table: AliasTable, count: number): number[] {
  const steps = 200_000;
  const found = Array<number>(count).fill(0);
  for (let step = 0; step < steps; step++) found[table.draw((step + 0.5) / steps)]! += 1 / steps;
  return found;
}

function assertShares(found: readonly number[], weights: readonly number[]): void {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    const wrong = Math.abs(found[index]! - weight / total);
    assert(wrong < 0.001, `${index} of ${weights}: ${found[index]}`);
  }
}

for (const weights of [[1], [1, 1, 1], [1, 2, 3, 4], [1000, 1], [0.001, 1, 7], [5, 5, 0.1, 0.1]]) {
  Deno.test(`alias table, weights ${weights} are drawn by their shares`, () => {
    const table = new AliasTable(weights.length);
    table.fill(weights);
    assertShares(shares(table, weights.length), weights);
  });
}

Deno.test("alias table, any weights give their shares, also when it is filled again", () => {
  const random = seeded(11);
  for (let round = 0; round < 20; round++) {
    const count = 1 + random.below(40);
    const table = new AliasTable(count);
    for (let filling = 0; filling < 3; filling++) {
      const weights = Array.from({ length: count }, () => 10 ** (random() * 4 - 2));
      table.fill(weights);
      assertShares(shares(table, count), weights);
    }
  }
});

Deno.test("alias table, stays inside at both ends of the range", () => {
  const table = new AliasTable(3);
  table.fill([1, 2, 3]);
  for (const at of [0, 1 - 2 ** -53]) {
    assertEquals([0, 1, 2].includes(table.draw(at)), true);
  }
});
