/** Choices by weight: exact in turn, steady by key. */
import { assert, assertEquals } from "@test/assert";
import {
  KeyedChoice,
  SmoothChoice,
  SpareChoice,
} from "../../../../lib/data/routing/weighted_choice.ts";
import { seeded } from "../../../support/seeded.ts";

const atZero = () => 0;

const rounds: readonly (readonly [weights: readonly number[], round: string])[] = [
  [[1], "000"],
  [[1, 1], "0101"],
  [[3, 1], "00100010"],
  [[80, 20], "0010000100"],
  [[5, 1, 1], "0010200"],
];

for (const [weights, round] of rounds) {
  Deno.test(`turns by weight, ${weights.join(" to ")} go ${round}`, () => {
    const choice = new SmoothChoice(weights);
    assertEquals([...round].map(() => `${choice.next(atZero)}`).join(""), round);
  });
}

Deno.test("turns by weight, are exact over every round wherever they begin", () => {
  const random = seeded(31);
  for (let trial = 0; trial < 100; trial++) {
    const weights = Array.from({ length: 1 + random.below(6) }, () => 1 + random.below(20));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const choice = new SmoothChoice(weights);
    for (let round = 0; round < 3; round++) {
      const times = weights.map(() => 0);
      for (let turn = 0; turn < total; turn++) times[choice.next(random)]!++;
      assertEquals(times, weights);
    }
  }
});

Deno.test("turns by weight, a look says what comes next and takes no turn", () => {
  const random = seeded(32);
  const choice = new SmoothChoice([7, 2.5, 0.5]);
  choice.next(random);
  for (let turn = 0; turn < 200; turn++) {
    assertEquals(choice.peek(), choice.peek());
    assertEquals(choice.peek(), choice.next(random));
  }
});

Deno.test("turns by weight, many that start together begin at different places", () => {
  const random = seeded(33);
  let canary = 0;
  for (let sidecar = 0; sidecar < 5000; sidecar++) {
    if (new SmoothChoice([90, 10]).next(random) === 1) canary++;
  }
  assert(Math.abs(canary / 5000 - 0.1) < 0.02, `${canary}`);
});

const keys = Array.from({ length: 20_000 }, (_, index) => `user-${index}`);

function sides(weights: Readonly<Record<string, number>>, salt = "rule"): readonly string[] {
  const entries = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
  const choice = new KeyedChoice(entries, salt);
  return keys.map((key) => entries[choice.of(key)]!.name);
}

const weightings: readonly Readonly<Record<string, number>>[] = [
  { a: 1, b: 1 },
  { a: 90, b: 10 },
  { a: 50, b: 30, c: 20 },
  { a: 999, b: 1 },
  { a: 0.2, b: 0.8 },
];

for (const weights of weightings) {
  Deno.test(`choices by key, ${JSON.stringify(weights)} get their shares of the keys`, () => {
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    const found = sides(weights);
    for (const [name, weight] of Object.entries(weights)) {
      const share = found.filter((side) => side === name).length / keys.length;
      assert(Math.abs(share - weight / total) < 0.012, `${name}: ${share}`);
    }
  });
}

/** Who moves has to move to `gains` when it is given, else away from `loses`. */
const moves: readonly {
  readonly from: Readonly<Record<string, number>>;
  readonly to: Readonly<Record<string, number>>;
  readonly gains?: string;
  readonly loses?: string;
  readonly moved: number;
}[] = [
  { from: { old: 90, new: 10 }, to: { old: 80, new: 20 }, gains: "new", moved: 0.1 },
  { from: { old: 50, new: 50 }, to: { old: 90, new: 10 }, gains: "old", moved: 0.4 },
  { from: { a: 1, b: 1 }, to: { a: 1, b: 1, c: 1 }, gains: "c", moved: 1 / 3 },
  { from: { a: 1, b: 1, c: 1 }, to: { b: 1, c: 1 }, loses: "a", moved: 1 / 3 },
  { from: { a: 1, b: 2 }, to: { b: 200, a: 100 }, gains: "nobody", moved: 0 },
];

for (const { from, to, gains, loses, moved } of moves) {
  Deno.test(`choices by key, from ${JSON.stringify(from)} to ${JSON.stringify(to)} only those move that have to`, () => {
    const before = sides(from), after = sides(to);
    let count = 0;
    for (const [index, side] of before.entries()) {
      if (side === after[index]) continue;
      count++;
      if (gains !== undefined) assertEquals(after[index], gains);
      if (loses !== undefined) assertEquals(side, loses);
    }
    assert(Math.abs(count / keys.length - moved) < 0.012, `${count / keys.length} moved`);
  });
}

Deno.test("choices by key, rules of different names put users on sides independently", () => {
  const one = sides({ a: 1, b: 1 }, "one"), other = sides({ a: 1, b: 1 }, "other");
  const same = one.filter((side, index) => side === other[index]).length;
  assert(Math.abs(same / keys.length - 0.5) < 0.02, `${same}`);
});

Deno.test("choices by key, of two entries with one name both get their share", () => {
  const choice = new KeyedChoice([{ name: "a", weight: 1 }, { name: "a", weight: 1 }], "rule");
  const first = keys.filter((key) => choice.of(key) === 0).length;
  assert(Math.abs(first / keys.length - 0.5) < 0.012, `${first}`);
});

for (
  const { weights, without, turns } of [
    { weights: [90, 10], without: [true, false], turns: { 1: 100 } },
    { weights: [60, 30, 10], without: [false, true, false], turns: { 0: 86, 2: 14 } },
    { weights: [1, 1, 2], without: [false, false, true], turns: { 0: 50, 1: 50 } },
  ]
) {
  Deno.test(`spare turns, ${weights.join(" to ")} without ${without} keep their proportion`, () => {
    const choice = new SpareChoice(weights);
    const times: Record<number, number> = {};
    for (let turn = 0; turn < 100; turn++) {
      const index = choice.of(without, { moves: true, random: atZero });
      times[index] = (times[index] ?? 0) + 1;
    }
    assertEquals(times, turns);
  });
}

Deno.test("spare turns, a look takes none, and others that are missing are seen at once", () => {
  const choice = new SpareChoice([2, 1, 1]);
  const look = { moves: false, random: atZero }, move = { moves: true, random: atZero };
  assertEquals(choice.of([true, false, false], look), choice.of([true, false, false], look));
  assertEquals(choice.of([true, false, false], move), 1);
  assertEquals(choice.of([true, false, false], move), 2);
  assertEquals(choice.of([true, true, false], move), 2);
  assertEquals(choice.of([false, true, true], move), 0);
});

Deno.test("choices by key, only those of an entry that is passed over move", () => {
  const entries = [{ name: "a", weight: 60 }, { name: "b", weight: 30 }, { name: "c", weight: 10 }];
  const choice = new KeyedChoice(entries, "rule");
  let moved = 0;
  for (const key of keys.slice(0, 3000)) {
    const before = choice.of(key);
    const after = choice.of(key, [false, true, false]);
    if (before !== 1) assertEquals(after, before);
    else {
      moved++;
      assert(after !== 1);
    }
  }
  assert(moved > 700, `${moved}`);
});
