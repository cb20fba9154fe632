/** Zones and regions: who keeps how much, and no cliff on the way. */
import { assert, assertEquals } from "@test/assert";
import {
  chooseTier,
  localityTiers,
  type Located,
  type Place,
} from "../../../../lib/data/balance/locality.ts";
import { seeded } from "../../../support/seeded.ts";

/** `2+1 r/a`: two healthy and one failed endpoint in zone a of region r. `-`: unknown. */
function endpoints(text: string): Located[] {
  return text.split(", ").flatMap((part) => {
    const [counts = "", place = ""] = part.split(" ");
    const [healthy = 0, failed = 0] = counts.split("+").map(Number);
    const [region, zone] = place.split("/").map((name) => name === "-" ? undefined : name);
    return Array.from(
      { length: healthy + failed },
      (_, index) => ({ region, zone, weight: 1, healthy: index < healthy }),
    );
  });
}

const ra: Place = { region: "r", zone: "a" };

const table: readonly (readonly [
  what: string,
  have: string,
  own: Place,
  tiers: Readonly<Record<string, number>>,
])[] = [
  ["three even zones", "5 r/a, 5 r/b, 5 r/c", ra, { zone: 1, region: 0 }],
  ["a third of the own zone failed", "4+2 r/a, 6 r/b, 6 r/c", ra, { zone: 1, region: 0 }],
  ["half of the own zone failed", "3+3 r/a, 6 r/b, 6 r/c", ra, { zone: 0.84, region: 0.16 }],
  ["nearly all of it failed", "1+5 r/a, 6 r/b, 6 r/c", ra, { zone: 0.323, region: 0.677 }],
  ["all of it failed", "0+6 r/a, 6 r/b, 6 r/c", ra, { region: 1 }],
  ["half failed everywhere", "3+3 r/a, 3+3 r/b, 3+3 r/c", ra, { zone: 1, region: 0 }],
  ["a single one of fifty is near", "1 r/a, 49 r/b", ra, { zone: 0.056, region: 0.944 }],
  ["all are near", "4 r/a", ra, { zone: 1 }],
  ["all are near and most failed", "1+5 r/a", ra, { zone: 1 }],
  ["nobody is near", "4 r/b, 4 r/c", ra, { region: 1 }],
  ["nobody is in the region", "4 s/a, 4 s/b", ra, { elsewhere: 1 }],
  ["two even regions", "2 r/a, 2 r/b, 4 s/a", ra, { zone: 1, region: 0, elsewhere: 0 }],
  [
    "three quarters of the own region failed",
    "1+3 r/a, 1+3 r/b, 8 s/a",
    ra,
    { zone: 0.56, region: 0, elsewhere: 0.44 },
  ],
  [
    "own zone and own region are short",
    "1+5 r/a, 3+3 r/b, 12 s/a",
    ra,
    { zone: 0.49, region: 0.21, elsewhere: 0.3 },
  ],
  ["the zone has the same name in another region", "2 r/a, 2 s/a", ra, { zone: 1, elsewhere: 0 }],
  ["places that say nothing are not near", "2 r/a, 6 r/-", ra, { zone: 0.7, region: 0.3 }],
  ["only the own zone is known", "3 r/a, 3 s/b", { zone: "a" }, { zone: 1, region: 0 }],
  ["only the own region is known", "3 r/a, 3 s/b", { region: "r" }, { region: 1, elsewhere: 0 }],
  ["the own place is unknown", "3 r/a, 3 s/b", {}, { elsewhere: 1 }],
  ["nobody is healthy", "0+3 r/a, 0+3 s/b", ra, {}],
];

for (const [what, have, own, tiers] of table) {
  Deno.test(`locality, ${what}: ${JSON.stringify(tiers)}`, () => {
    const found = localityTiers(endpoints(have), own);
    assertEquals(
      Object.fromEntries(found.map(({ name, share }) => [name, Math.round(share * 1e3) / 1e3])),
      tiers,
    );
  });
}

Deno.test("locality, no endpoints give no tiers", () => {
  assertEquals(localityTiers([], ra), []);
});

Deno.test("locality, weights count, not heads", () => {
  const [near] = localityTiers([
    { region: "r", zone: "a", weight: 1, healthy: true },
    { region: "r", zone: "b", weight: 9, healthy: true },
  ], ra);
  assertEquals(Math.round(near!.share * 1e3) / 1e3, 0.28);
});

Deno.test("locality, shares add up to one and every healthy endpoint is in one tier, whatever there is", () => {
  const random = seeded(1);
  for (let round = 0; round < 1_000; round++) {
    const list = Array.from({ length: 1 + random.below(40) }, (): Located => ({
      region: ["r", "s", undefined][random.below(3)],
      zone: ["a", "b", "c", undefined][random.below(4)],
      weight: 1 + random.below(5),
      healthy: random() < 0.7,
    }));
    const own: Place = {
      region: ["r", "s", "nowhere", undefined][random.below(4)],
      zone: ["a", "nowhere", undefined][random.below(3)],
    };
    const tiers = localityTiers(list, own);
    const healthy = list.flatMap((endpoint, index) => endpoint.healthy ? [index] : []);
    assertEquals(tiers.flatMap((tier) => tier.members).sort((a, b) => a - b), healthy);
    if (healthy.length === 0) continue;
    const sum = tiers.reduce((total, tier) => total + tier.share, 0);
    assert(Math.abs(sum - 1) < 1e-9, `${sum}`);
    assert(tiers.every((tier) => tier.share >= 0 && tier.members.length > 0));
  }
});

Deno.test("locality, endpoints that fail one by one move the load step by step, without a jump", () => {
  const each = 10;
  let before = 1;
  for (let failed = 0; failed <= each; failed++) {
    const tiers = localityTiers(
      endpoints(`${each - failed}+${failed} r/a, ${each} r/b, ${each} r/c`),
      ra,
    );
    const near = tiers.find((tier) => tier.name === "zone")?.share ?? 0;
    assert(near <= before && before - near < 0.2, `${failed} failed: ${before} to ${near}`);
    before = near;
  }
  assertEquals(before, 0);
});

Deno.test("locality, no endpoint near gets more than 1.4 times its part when callers are spread alike", () => {
  const random = seeded(2);
  for (let round = 0; round < 500; round++) {
    const counts = [1 + random.below(20), 1 + random.below(20), 1 + random.below(20)];
    const all = counts.reduce((sum, count) => sum + count, 0);
    const list = endpoints(`${counts[0]} r/a, ${counts[1]} r/b, ${counts[2]} r/c`);
    const near = localityTiers(list, ra)[0]!;
    // A third of the callers live here; the load is 1 for each endpoint there is.
    const load = ((all / 3) * near.share) / counts[0]!;
    assert(load <= 1.4 + 1e-9, `${counts}: ${load}`);
  }
});

Deno.test("locality, tiers are chosen by their shares and the last one takes what rounding left", () => {
  const tiers = [{ share: 0.5 }, { share: 0.3 }, { share: 0.2 }];
  assertEquals([0, 0.49, 0.5, 0.79, 0.81, 0.999].map((at) => chooseTier(tiers, at)), [
    0,
    0,
    1,
    1,
    2,
    2,
  ]);
  assertEquals(chooseTier([{ share: 0.3 }, { share: 0.69999 }], 1 - 2 ** -53), 1);
  assertEquals(chooseTier([{ share: 1 }], 0.4), 0);
  assertEquals(chooseTier([{ share: 0 }, { share: 1 }], 0), 1);
});
