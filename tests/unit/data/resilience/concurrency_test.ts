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
    { policy: adaptive, begins: 4 },
    { policy: { ...adaptive, limit: 10 }, begins: 4 },
    { policy: { ...adaptive, minLimit: 50 }, begins: 50 },
    { policy: { ...adaptive, limit: 0 }, begins: 4 },
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
  answers(limit, 500, { ms: 10 });
  const grown = limit.limit;
  assert.ok(grown > 20, `${grown}`);
  answers(limit, 5000, { ms: 10, open: 5 });
  answers(limit, 5000, { ms: 500, open: 5 });
  assertEquals(limit.limit, grown);
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

Deno.test("concurrency limit, a single lost request of a short look is none", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 15, { ms: 10 });
  answers(limit, 1, { ms: 10, ok: false });
  assertEquals(limit.limit, 6);
});

Deno.test("concurrency limit, callers who all leave after a long wait lower it", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 2000, { ms: 10 });
  const grown = limit.limit;
  for (let caller = 0; caller < 5 * grown; caller++) {
    limit.enter(limit.limit - 1);
    limit.left(1000);
  }
  assert.ok(limit.limit < grown / 4, `${limit.limit} of ${grown}`);
});

for (
  const { title, waitedMs } of [
    { title: "soon", waitedMs: 2 },
    { title: "for reasons of their own", waitedMs: -1 },
  ]
) {
  Deno.test(`concurrency limit, callers who leave ${title} say nothing`, () => {
    const limit = new ConcurrencyLimit(adaptive);
    answers(limit, 2000, { ms: 10 });
    const grown = limit.limit;
    for (let caller = 0; caller < 5 * grown; caller++) {
      limit.enter(limit.limit - 1);
      limit.left(waitedMs);
    }
    assertEquals(limit.limit, grown);
  });
}

Deno.test("concurrency limit, a few callers who leave late among many answers change nothing", () => {
  const limit = new ConcurrencyLimit(adaptive);
  answers(limit, 2000, { ms: 10 });
  const grown = limit.limit;
  for (let round = 0; round < 200; round++) {
    answers(limit, 49, { ms: 10 });
    limit.enter(limit.limit - 1);
    limit.left(100);
  }
  assert.ok(limit.limit >= grown, `${limit.limit} of ${grown}`);
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

/** From the first request on three times what the application can do; what it does from the fourth second on counts. */
const colds = [
  { workers: 1, ms: 10 },
  { workers: 1, ms: 50 },
  { workers: 2, ms: 50 },
  { workers: 4, ms: 50 },
  { workers: 4, ms: 100 },
  { workers: 8, ms: 10 },
  { workers: 8, ms: 200 },
  { workers: 16, ms: 50 },
  { workers: 32, ms: 10 },
  { workers: 64, ms: 50 },
];
for (const { ms, workers } of colds) {
  for (const seenLeaving of [false, true]) {
    const how = seenLeaving ? "whose callers are seen to leave" : "whose late answers tell";
    Deno.test(`concurrency limit, a cold start under three times what ${workers} workers of ${ms} ms can do, ${how}`, () => {
      const peak = workers * 1000 / ms;
      let good = 0;
      for (let seed = 1; seed <= 4; seed++) {
        const outcome = overload({
          ...slow,
          workers,
          serviceMs: exponential(ms),
          perSecond: () => peak * 3,
          seenLeaving,
          forMs: 13_000,
          warmUpMs: 3000,
        }, seeded(seed));
        good += outcome.good / 10 / 4;
      }
      assert.ok(good >= peak * 0.9, `${good} of ${peak} a second`);
    });
  }
}

Deno.test("concurrency limit, an application that takes everything is refused little while it is learnt", () => {
  const outcome = overload({
    ...slow,
    workers: Infinity,
    serviceMs: exponential(20),
    perSecond: () => 500,
    forMs: 10_000,
    warmUpMs: 0,
  }, seeded(1));
  assert.ok(outcome.refused <= 150, JSON.stringify(outcome));
});

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
