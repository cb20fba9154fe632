/** Owners of slots: by weight, with the least movement, and the same however the table came about. */
import { assert, assertEquals } from "@test/assert";
import type { Candidate } from "../../../../lib/data/balance/candidate.ts";
import { SlotTable } from "../../../../lib/data/balance/slot_table.ts";
import { candidate, candidatesOf, tally, weighted } from "../../../support/candidates.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";

function hash(random: Seeded): number {
  return random.below(2 ** 32);
}

function randomList(random: Seeded, options: { readonly most: number }): Candidate[] {
  const unequal = random() < 0.5;
  return Array.from(
    { length: 1 + random.below(options.most) },
    (_, index) => candidate(index, { weight: unequal ? 1 + random.below(9) : 1 }),
  );
}

Deno.test("slots, owners share by weight", () => {
  const weights = [1, 2, 3, 4];
  const table = new SlotTable(weighted(weights));
  const random = seeded(1);
  const counts = tally(4, Array.from({ length: 50_000 }, () => table.owner(hash(random))));
  for (const [index, weight] of weights.entries()) {
    assert(Math.abs(counts[index]! - weight * 5_000) < 400, `${counts}`);
  }
});

Deno.test("slots, of two hundred equal owners nobody has a quarter more or less than the mean", () => {
  const table = new SlotTable(candidatesOf(200));
  const counts = Array<number>(200).fill(0);
  for (let slot = 0; slot < 65_536; slot++) counts[table.owner(slot * 65_536)]!++;
  const mean = 65_536 / 200;
  assert(Math.max(...counts) < mean * 1.25 && Math.min(...counts) > mean * 0.75, `${counts}`);
});

Deno.test("slots, the order of the list does not matter", () => {
  const random = seeded(2);
  const list = randomList(random, { most: 60 });
  const turned = [...list].reverse();
  const one = new SlotTable(list);
  const other = new SlotTable(turned);
  for (let key = 0; key < 2_000; key++) {
    const at = hash(random);
    assertEquals(list[one.owner(at)]!.key, turned[other.owner(at)]!.key);
  }
});

Deno.test("slots, whoever leaves gives away only its own, whoever comes takes only for itself", () => {
  const random = seeded(3);
  for (let round = 0; round < 60; round++) {
    const list = [...randomList(random, { most: 80 }), candidate(999)];
    const gone = list[random.below(list.length)]!;
    const without = list.filter((one) => one !== gone);
    const before = new SlotTable(list);
    const after = new SlotTable(without, before);
    for (let key = 0; key < 300; key++) {
      const at = hash(random);
      const owner = list[before.owner(at)]!;
      const heir = without[after.owner(at)]!;
      if (owner !== gone) assertEquals(heir.key, owner.key);
    }
  }
});

Deno.test("slots, what a weight gains comes to it, and nothing moves between others", () => {
  const random = seeded(4);
  for (let round = 0; round < 40; round++) {
    const list = [...randomList(random, { most: 60 }), candidate(999)];
    const heavier = random.below(list.length);
    const changed = list.map((one, index) =>
      index === heavier ? { ...one, weight: one.weight * 3 } : one
    );
    const before = new SlotTable(list);
    const after = new SlotTable(changed, before);
    for (let key = 0; key < 300; key++) {
      const at = hash(random);
      const now = after.owner(at);
      if (now !== heavier) assertEquals(now, before.owner(at));
    }
  }
});

Deno.test("slots, a table that took over from others says the same as a fresh one", () => {
  const random = seeded(5);
  let list = candidatesOf(120);
  let table = new SlotTable(list);
  for (let change = 0; change < 40; change++) {
    // Some are asked for, some not, so that all kinds of entries are taken over.
    for (let key = 0; key < 3_000; key++) table.owner(hash(random));
    const leaving = new Set(Array.from({ length: random.below(4) }, () => random.of(list)));
    list = list.filter((one) => !leaving.has(one));
    for (let coming = random.below(4); coming > 0; coming--) {
      list.splice(random.below(list.length), 0, candidate(1_000 + change * 10 + coming));
    }
    if (change % 10 === 9) list = list.map((one) => ({ ...one, weight: 1 + random.below(3) }));
    table = new SlotTable(list, table);
    const fresh = new SlotTable(list);
    for (let key = 0; key < 1_000; key++) {
      const at = hash(random);
      assertEquals(table.owner(at), fresh.owner(at));
    }
  }
});

Deno.test("slots, crossing from a short list to a long one moves only what the newcomer takes", () => {
  const random = seeded(6);
  const list = candidatesOf(33);
  const long = new SlotTable(list);
  const short = new SlotTable(list.slice(0, 32), long);
  let moved = 0;
  for (let key = 0; key < 3_300; key++) {
    const at = hash(random);
    const owner = long.owner(at);
    if (owner === 32) moved++;
    else assertEquals(short.owner(at), owner);
  }
  assert(Math.abs(moved - 100) < 45, `${moved}`);
});

Deno.test("slots, among some only: the best of those, or none", () => {
  const random = seeded(7);
  const list = candidatesOf(50);
  const table = new SlotTable(list);
  const odd = list.filter((_, index) => index % 2 === 1);
  const oddTable = new SlotTable(odd);
  for (let key = 0; key < 500; key++) {
    const at = hash(random);
    const owner = table.ownerAmong(at, (index) => index % 2 === 1);
    assertEquals(list[owner]!.key, odd[oddTable.owner(at)]!.key);
    assertEquals(table.ownerAmong(at, () => false), -1);
  }
});
