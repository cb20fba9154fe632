/** The limit on requests under way: fixed, and found by itself. */
import { assert, assertEquals } from "@test/assert";
import type { ConcurrencyPolicy } from "../../../../lib/core/traffic.ts";
import { ConcurrencyLimit } from "../../../../lib/data/resilience/concurrency.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";
import { type Load, overload } from "./overload.ts";

const fixed: ConcurrencyPolicy = { limit: 3, adaptive: false, minLimit: 1, queue: 0, queueMs: 0 };
const adaptive: ConcurrencyPolicy = {
  limit: 1000,
  adaptive: true,
  minLimit: 4,
  queue: 0,
  queueMs: 0,
};

Deno.test("concurrency limit, a fixed one lets in as many as it says", () => {
  const limit = new ConcurrencyLimit(fixed);
  assertEquals([0, 1, 2, 3, 4].map((open) => limit.enter(open)), [true, true, true, false, false]);
  for (let answer = 0; answer < 1000; answer++) limit.leave(answer, answer % 2 === 0);
  assertEquals(limit.limit, 3);
});

Deno.test("concurrency limit, none lets in any number", () => {
  const limit = new ConcurrencyLimit({ ...fixed, limit: 0 });
  assertEquals([limit.limit, limit.enter(1_000_000)], [0, true]);
});

for (
  const { policy, begins } of [
    { policy: adaptive, begins: 32 },
    { policy: { ...adaptive, limit: 10 }, begins: 10 },
    { policy: { ...adaptive, minLimit: 50 }, begins: 50 },
    { policy: { ...adaptive, limit: 0 }, begins: 32 },
    { policy: { ...adaptive, limit: 1, minLimit: 0 }, begins: 1 },
  ]
) {
  Deno.test(`concurrency limit, an adaptive one between ${policy.minLimit} and ${policy.limit} begins at ${begins}`, () => {
    assertEquals(new ConcurrencyLimit(policy).limit, begins);
  });
}

/** Reports answers that took `ms` with as many under way as are let in, or `open` of them. */
function answers(
  limit: ConcurrencyLimit,
  count: number,
  { ms, ok = true, open }: { ms: number; ok?: boolean; open?: number },
): void {
  for (let answer = 0; answer < count; answer++) {
    limit.enter(open ?? limit.limit - 1);
    limit.leave(ms, ok);
  }
}

Deno.test("concurrency limit, grows while it is used and answers come as quickly", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 5000, { ms: 10 });
  assert.ok(limit.limit > 100, `${limit.limit}`);
  answers(limit, 500_000, { ms: 10 });
  assertEquals(limit.limit, 1000);
});

Deno.test("concurrency limit, neither grows nor falls while it is hardly used", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 5000, { ms: 10, open: 5 });
  answers(limit, 5000, { ms: 500, open: 5 });
  assertEquals(limit.limit, 32);
});

Deno.test("concurrency limit, falls to the least when requests are lost, and grows again after", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 2000, { ms: 10 });
  answers(limit, 5000, { ms: 10, ok: false });
  assertEquals(limit.limit, 4);
  answers(limit, 20_000, { ms: 10 });
  assert.ok(limit.limit > 32, `${limit.limit}`);
});

Deno.test("concurrency limit, one lost request in fifty is no overload", () => {
  const limit = new ConcurrencyLimit(adaptive);
  for (let round = 0; round < 200; round++) {
    answers(limit, 49, { ms: 10 });
    answers(limit, 1, { ms: 10, ok: false });
  }
  assert.ok(limit.limit > 100, `${limit.limit}`);
});

Deno.test("concurrency limit, a changed policy holds at once", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 5000, { ms: 10 });
  limit.apply({ ...adaptive, limit: 20 });
  assertEquals(limit.limit, 20);
  limit.apply(fixed);
  assertEquals(limit.limit, 3);
  limit.apply({ ...fixed, limit: 0 });
  assertEquals(limit.limit, 0);
});

const exponential = (meanMs: number) => (_: number, random: Seeded) =>
  -Math.log(1 - random()) * meanMs;

/** Eight workers, ten milliseconds each: at its peak it answers 800 a second. */
const slow: Load = {
  policy: adaptive,
  workers: 8,
  serviceMs: exponential(10),
  perSecond: () => 2400,
  patienceMs: 1000,
  forMs: 20_000,
  warmUpMs: 5000,
};

for (
  const { title, changes, atLeast, p99Ms } of [
    { title: "of times that vary", changes: {}, atLeast: 720, p99Ms: 100 },
    { title: "of even times", changes: { serviceMs: () => 10 }, atLeast: 720, p99Ms: 40 },
    {
      title: "of short and long requests",
      changes: { serviceMs: (_: number, random: Seeded) => random() < 0.8 ? 1 : 46 },
      atLeast: 690,
      p99Ms: 120,
    },
    {
      title: "with a line",
      changes: { policy: { ...adaptive, queue: 50, queueMs: 300 } },
      atLeast: 720,
      p99Ms: 400,
    },
    {
      title: "with a line far too long",
      changes: { policy: { ...adaptive, queue: 1000, queueMs: 300 } },
      atLeast: 720,
      p99Ms: 400,
    },
  ] satisfies readonly {
    readonly title: string;
    readonly changes: Partial<Load>;
    readonly atLeast: number;
    readonly p99Ms: number;
  }[]
) {
  Deno.test(`concurrency limit, three times what an application ${title} can do: it goes on doing it`, () => {
    for (let seed = 1; seed <= 3; seed++) {
      const outcome = overload({ ...slow, ...changes }, seeded(seed));
      const said = JSON.stringify(outcome);
      assert.ok(outcome.good / 15 >= atLeast, said);
      assert.ok(outcome.p99Ms <= p99Ms, said);
    }
  });
}

Deno.test("concurrency limit, the same load without one: nobody is served in time", () => {
  const outcome = overload({ ...slow, policy: { ...fixed, limit: 0 }, forMs: 8000 }, seeded(1));
  assertEquals(outcome.good, 0);
});

for (
  const { title, changes, refusedShare } of [
    {
      title: "a steady load",
      changes: { perSecond: () => 3000, forMs: 12_000 },
      refusedShare: 0.005,
    },
    {
      title: "bursts of twenty times the usual load",
      changes: { perSecond: (atMs: number) => atMs % 1000 < 100 ? 8000 : 400, warmUpMs: 10_000 },
      refusedShare: 0.02,
    },
    {
      title: "answers that suddenly take five times as long",
      changes: {
        serviceMs: (atMs: number, random: Seeded) =>
          exponential(atMs > 10_000 ? 50 : 10)(atMs, random),
        perSecond: () => 1000,
      },
      refusedShare: 0.05,
    },
  ] satisfies readonly {
    readonly title: string;
    readonly changes: Partial<Load>;
    readonly refusedShare: number;
  }[]
) {
  Deno.test(`concurrency limit, an application that takes everything is hardly touched by ${title}`, () => {
    for (let seed = 1; seed <= 2; seed++) {
      const outcome = overload(
        { ...slow, workers: Infinity, serviceMs: exponential(20), ...changes },
        seeded(seed),
      );
      assert.ok(outcome.refused / outcome.offered <= refusedShare, JSON.stringify(outcome));
    }
  });
}
