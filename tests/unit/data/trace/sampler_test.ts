/** Which requests are recorded when their caller has not decided. */
import { assert, assertEquals } from "@test/assert";
import { Sampler } from "../../../../lib/data/trace/sampler.ts";
import { seeded } from "../../../support/seeded.ts";

function draw(count: number, each: (high: number, low: number) => void): void {
  const random = seeded(5);
  for (let index = 0; index < count; index++) {
    each(random.below(2 ** 32), random.below(2 ** 32));
  }
}

for (const share of [0, 0.01, 0.25, 1]) {
  Deno.test(`sampler, takes ${share * 100} % of the traces`, () => {
    const sampler = new Sampler({ share, perSecond: 0 });
    let taken = 0;
    draw(20_000, (high, low) => taken += sampler.sample(high, low, 0) ? 1 : 0);
    assert(Math.abs(taken / 20_000 - share) < 0.01, String(taken));
    if (share === 0) assertEquals(taken, 0);
    if (share === 1) assertEquals(taken, 20_000);
  });
}

Deno.test("sampler, whoever has the greater share takes all that one with a smaller share takes", () => {
  const [small, large] = [0.1, 0.4].map((share) => new Sampler({ share, perSecond: 0 }));
  let both = 0;
  draw(5_000, (high, low) => {
    if (!small!.sample(high, low, 0)) return;
    both++;
    assert(large!.sample(high, low, 0));
  });
  assert(both > 300);
});

Deno.test("sampler, decides by the lower half only, which 64-bit traces have too", () => {
  const sampler = new Sampler({ share: 0.5, perSecond: 0 });
  assertEquals(sampler.sample(0x00ff_ffff, 0, 0), true);
  assertEquals(sampler.sample(0xff7f_ffff, 0xffff_ffff, 0), false);
  assertEquals(sampler.sample(0xff80_0000, 0, 0), true);
});

Deno.test("sampler, no more than the rate a second, evenly refilled, never hoarded", () => {
  const sampler = new Sampler({ share: 1, perSecond: 10 });
  const takenAt = (nowMs: number) => {
    let taken = 0;
    for (let count = 0; count < 100; count++) taken += sampler.sample(0, 0, nowMs) ? 1 : 0;
    return taken;
  };
  assertEquals([0, 0, 100, 600, 60_000].map(takenAt), [10, 0, 1, 5, 10]);
  // A clock that runs back gives nothing.
  assertEquals(takenAt(1_000), 0);
});

Deno.test("sampler, what the share does not take uses up none of the rate", () => {
  const sampler = new Sampler({ share: 0.5, perSecond: 1 });
  assertEquals(sampler.sample(0, 0, 0), false);
  assertEquals(sampler.sample(0x00ff_ffff, 0, 0), true);
});
