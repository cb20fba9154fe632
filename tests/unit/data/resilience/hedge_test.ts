/** The observed 95th percentile of response times. */
import { assert, assertEquals } from "@test/assert";
import { HedgeDelay } from "../../../../lib/data/resilience/hedge.ts";
import { seeded } from "../../../support/seeded.ts";

Deno.test("hedge, says nothing before a hundred answers", () => {
  const delay = new HedgeDelay();
  for (let answer = 0; answer < 99; answer++) delay.record(20);
  assertEquals(delay.hedgeAfterMs(), Infinity);
  for (let answer = 0; answer < 32; answer++) delay.record(20);
  assert.ok(delay.hedgeAfterMs() < 25);
});

for (
  const { title, time, leastMs, mostMs } of [
    { title: "all the same", time: () => 40, leastMs: 40, mostMs: 45 },
    {
      title: "one in ten is slow",
      time: (share: number) => share < 0.1 ? 500 : 10,
      leastMs: 500,
      mostMs: 563,
    },
    {
      title: "one in fifty is slow",
      time: (share: number) => share < 0.02 ? 500 : 10,
      leastMs: 10,
      mostMs: 11.5,
    },
    {
      title: "evenly up to a second",
      time: (share: number) => share * 1000,
      leastMs: 900,
      mostMs: 1070,
    },
    { title: "quicker than a second request pays", time: () => 0.3, leastMs: 5, mostMs: 5 },
    { title: "none at all", time: () => 0, leastMs: 5, mostMs: 5 },
    { title: "longer than can be told", time: () => 1e12, leastMs: 2e6, mostMs: 2.5e6 },
    { title: "no number", time: () => NaN, leastMs: 5, mostMs: 5 },
  ]
) {
  Deno.test(`hedge, times that are ${title}`, () => {
    const random = seeded(1);
    const delay = new HedgeDelay();
    for (let answer = 0; answer < 20_000; answer++) delay.record(time(random()));
    const ms = delay.hedgeAfterMs();
    assert.ok(ms >= leastMs && ms <= mostMs, `${ms}`);
  });
}

Deno.test("hedge, follows times that change, in either direction", () => {
  const delay = new HedgeDelay();
  for (let answer = 0; answer < 50_000; answer++) delay.record(20);
  for (let answer = 0; answer < 100; answer++) delay.record(200);
  assert.ok(delay.hedgeAfterMs() >= 200, `${delay.hedgeAfterMs()}`);
  for (let answer = 0; answer < 6000; answer++) delay.record(10);
  assert.ok(delay.hedgeAfterMs() <= 12, `${delay.hedgeAfterMs()}`);
});

Deno.test("hedge, whatever the times are, about one in twenty is longer", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seeded(seed);
    const delay = new HedgeDelay();
    const spread = 0.2 + random() * 2, middleMs = 10 + random() * 500;
    const time = () => {
      let sum = 0;
      for (let part = 0; part < 12; part++) sum += random();
      return middleMs * Math.exp((sum - 6) * spread);
    };
    for (let answer = 0; answer < 3000; answer++) delay.record(time());
    // The newest few hundred answers decide, and a step is an eighth wide.
    const ms = delay.hedgeAfterMs();
    let longer = 0;
    for (let answer = 0; answer < 4000; answer++) if (time() > ms) longer++;
    assert.ok(longer / 4000 > 0.015 && longer / 4000 < 0.085, `seed ${seed}: ${longer} of 4000`);
  }
});
