/** Rate limits: bursts, waits, changes, keys, and threads that share a bucket. */
import { assert, assertEquals } from "@test/assert";
import {
  type LimitCells,
  LocalCells,
  SharedCells,
} from "../../../../lib/data/resilience/limit_cells.ts";
import { KeyedRateLimiter, RateLimiter } from "../../../../lib/data/resilience/rate_limit.ts";
import { seeded } from "../../../support/seeded.ts";

type Rate = { readonly perSecond: number; readonly burst: number };

function limiterOf(limit: Rate, cells: LimitCells = new LocalCells(1)): RateLimiter {
  return new RateLimiter(limit, { cells, index: 0 });
}

/** Tries at one moment. Shape: how many went. */
function tries(limiter: RateLimiter, count: number, nowMs: number): number {
  let went = 0;
  for (let turn = 0; turn < count; turn++) if (limiter.take(nowMs) === 0) went++;
  return went;
}

for (
  const { limit, firstMs, went, waitMs } of [
    { limit: { perSecond: 10, burst: 5 }, firstMs: 0, went: 5, waitMs: 100 },
    { limit: { perSecond: 10, burst: 5 }, firstMs: 123_456.789, went: 5, waitMs: 100 },
    { limit: { perSecond: 10, burst: 1 }, firstMs: 0, went: 1, waitMs: 100 },
    { limit: { perSecond: 10, burst: 0 }, firstMs: 0, went: 1, waitMs: 100 },
    { limit: { perSecond: 3, burst: 7 }, firstMs: 1e7 + 0.1, went: 7, waitMs: 334 },
    { limit: { perSecond: 0.01, burst: 1 }, firstMs: 5, went: 1, waitMs: 100_000 },
    { limit: { perSecond: 1e6, burst: 50 }, firstMs: 1e8 + 0.3, went: 50, waitMs: 1 },
    { limit: { perSecond: 0, burst: 5 }, firstMs: 0, went: 0, waitMs: 60_000 },
    { limit: { perSecond: Infinity, burst: 5 }, firstMs: 0, went: 100, waitMs: 0 },
  ]
) {
  Deno.test(`rate limit, ${limit.perSecond} a second with bursts of ${limit.burst}: ${went} of 100 at ${firstMs} ms, then a wait of ${waitMs} ms`, () => {
    const limiter = limiterOf(limit);
    assertEquals([tries(limiter, 100, firstMs), limiter.take(firstMs)], [went, waitMs]);
  });
}

Deno.test("rate limit, whoever waits as long as it was told may go, and hardly sooner", () => {
  const random = seeded(4);
  for (let round = 0; round < 500; round++) {
    const limiter = limiterOf({ perSecond: 0.1 + random() * 300, burst: 1 + random.below(20) });
    let nowMs = random() * 1e6;
    for (let step = 0; step < 50; step++) {
      const waitMs = limiter.take(nowMs);
      assert.ok(Number.isInteger(waitMs));
      if (waitMs > 1) assert.ok(limiter.take(nowMs + waitMs - 1.5) > 0);
      if (waitMs > 0) assertEquals(limiter.take(nowMs + waitMs), 0);
      nowMs += waitMs + random() * 5;
    }
  }
});

Deno.test("rate limit, refusals take nothing out", () => {
  const limiter = limiterOf({ perSecond: 10, burst: 1 });
  limiter.take(0);
  for (let nowMs = 1; nowMs < 100; nowMs++) assert.ok(limiter.take(nowMs) > 0);
  assertEquals(limiter.take(100), 0);
});

Deno.test("rate limit, over any time no more go than the burst and what the rate allows, and no fewer when asked often", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const limit = { perSecond: 1 + random() * 500, burst: 3 + random.below(50) };
    const limiter = limiterOf(limit);
    const eager = seed % 2 === 0;
    let nowMs = random() * 1e7, went = 0, most = -Infinity, least = Infinity;
    const beganMs = nowMs;
    for (let step = 0; step < 5000; step++) {
      nowMs += eager ? random() * 200 / limit.perSecond : random() ** 4 * 5000 / limit.perSecond;
      // The most that went in any stretch ending here, beyond what the rate earned in it.
      const earned = (nowMs - beganMs) / 1000 * limit.perSecond;
      least = Math.min(least, went - earned);
      if (limiter.take(nowMs) === 0) went++;
      most = Math.max(most, went - earned - least);
    }
    assert.ok(most <= limit.burst + 1e-3, `seed ${seed}: ${most} of ${limit.burst}`);
    const earned = (nowMs - beganMs) / 1000 * limit.perSecond;
    if (eager) assert.ok(went >= earned + limit.burst - 2, `${went} of ${earned}`);
  }
});

for (
  const { title, before, after, seen } of [
    {
      title: "faster: the long debt of the slow one is gone with the first request",
      before: { perSecond: 1, burst: 100 },
      after: { perSecond: 1000, burst: 100 },
      seen: [[500, 0], [510, 10], [700, 100]],
    },
    {
      title: "slower: what was taken quickly costs little of the new burst",
      before: { perSecond: 1000, burst: 100 },
      after: { perSecond: 1, burst: 10 },
      seen: [[0, 9], [2000, 2], [3000, 1]],
    },
    {
      title: "a smaller burst",
      before: { perSecond: 10, burst: 100 },
      after: { perSecond: 10, burst: 2 },
      seen: [[0, 0], [100, 1], [500, 2]],
    },
    {
      title: "none at all",
      before: { perSecond: 1000, burst: 100 },
      after: { perSecond: 0, burst: 100 },
      seen: [[1000, 0]],
    },
    {
      title: "some again after none",
      before: { perSecond: 0, burst: 100 },
      after: { perSecond: 10, burst: 100 },
      seen: [[1000, 100]],
    },
  ]
) {
  Deno.test(`rate limit, changed to ${title}`, () => {
    const limiter = limiterOf(before);
    tries(limiter, 1000, 0);
    limiter.apply(after);
    assertEquals(seen.map(([nowMs]) => [nowMs, tries(limiter, 1000, nowMs!)]), seen);
  });
}

Deno.test("rate limit, a clock that lags behind another's by a turn gives nothing away", () => {
  const cells = new SharedCells(new SharedArrayBuffer(8), { byteOffset: 0, length: 1 });
  const [ahead, behind] = [0, 1].map(() => limiterOf({ perSecond: 1000, burst: 10 }, cells));
  let went = 0;
  for (let nowMs = 0; nowMs < 1000; nowMs++) {
    for (let turn = 0; turn < 5; turn++) {
      if (ahead!.take(nowMs) === 0) went++;
      if (behind!.take(nowMs - 50) === 0) went++;
    }
  }
  assert.ok(went <= 1010, `${went}`);
});

/** Cells between whose reading and writing another thread does something. */
class DisturbedCells implements LimitCells {
  readonly length: number;
  readonly #cells: LimitCells;
  readonly #disturb: () => void;

  constructor(cells: LimitCells, disturb: () => void) {
    this.length = cells.length;
    this.#cells = cells;
    this.#disturb = disturb;
  }

  read(index: number): number {
    const timeMs = this.#cells.read(index);
    this.#disturb();
    return timeMs;
  }

  replace(index: number, timeMs: number): boolean {
    return this.#cells.replace(index, timeMs);
  }
}

Deno.test("rate limit, threads that take from a bucket at the same time get no more than one would", () => {
  const memory = new SharedArrayBuffer(8 * 16);
  const cells = () => new SharedCells(memory, { byteOffset: 0, length: 16 });
  const limit = { perSecond: 10, burst: 20 };
  const rival = new RateLimiter(limit, { cells: cells(), index: 0 });
  let rivalWent = 0;
  const disturbed = new DisturbedCells(cells(), () => {
    if (rival.take(0) === 0) rivalWent++;
  });
  const went = tries(new RateLimiter(limit, { cells: disturbed, index: 0 }), 50, 0);
  assertEquals(went + rivalWent, 20);
  assert.ok(rivalWent > 0);
});

Deno.test("keyed rate limit, threads that take for a key at the same time get no more than one would", () => {
  const limit = { perSecond: 10, burst: 20 };
  for (let round = 0; round < 36; round++) {
    const every = 1 + round % 9;
    // Some keys have one cell only.
    const key = `caller ${round}`;
    const memory = new SharedArrayBuffer(8 * 16);
    const cells = () => new SharedCells(memory, { byteOffset: 0, length: 16 });
    const rival = new KeyedRateLimiter(limit, { cells: cells(), seed: 1 });
    let rivalWent = 0, reads = 0;
    const disturbed = new DisturbedCells(cells(), () => {
      if (++reads % every === 0 && rival.take(key, 0) === 0) rivalWent++;
    });
    const own = new KeyedRateLimiter(limit, { cells: disturbed, seed: 1 });
    let went = 0;
    for (let turn = 0; turn < 50; turn++) if (own.take(key, 0) === 0) went++;
    assertEquals(went + rivalWent, 20, `the other one at every ${every} of the reads`);
    assert.ok(rivalWent > 0);
  }
});

function keyed(limit: Rate, length: number): KeyedRateLimiter {
  return new KeyedRateLimiter(limit, { cells: new LocalCells(length), seed: 7 });
}

Deno.test("keyed rate limit, each key has a bucket of its own", () => {
  const limiter = keyed({ perSecond: 10, burst: 2 }, 1024);
  for (const key of ["shop", "basket", ""]) {
    assertEquals([0, 1, 2].map(() => limiter.take(key, 0)), [0, 0, 100], key);
  }
});

Deno.test("keyed rate limit, zero rejects every key", () => {
  assertEquals(keyed({ perSecond: 0, burst: 2 }, 16).take("shop", 0), 60_000);
});

Deno.test("keyed rate limit, in a table of one cell all share it and none gets more", () => {
  const limiter = keyed({ perSecond: 10, burst: 5 }, 1);
  let went = 0;
  for (let key = 0; key < 50; key++) if (limiter.take(`caller ${key}`, 0) === 0) went++;
  assertEquals(went, 5);
});

Deno.test("keyed rate limit, no key ever gets more than the limit, however full the table is", () => {
  const limiter = keyed({ perSecond: 20, burst: 3 }, 32);
  const random = seeded(9);
  const went = new Map<string, number>();
  for (let nowMs = 0; nowMs < 10_000; nowMs += 1) {
    const key = `caller ${random.below(40)}`;
    if (limiter.take(key, nowMs) === 0) went.set(key, (went.get(key) ?? 0) + 1);
  }
  for (const [key, count] of went) assert.ok(count <= 203, `${key}: ${count}`);
});

Deno.test("keyed rate limit, a hundred callers that storm hold back few of a thousand others", () => {
  const limiter = keyed({ perSecond: 10, burst: 5 }, 1024);
  for (let turn = 0; turn < 20; turn++) {
    for (let caller = 0; caller < 100; caller++) limiter.take(`storm ${caller}`, 0);
  }
  let held = 0;
  for (let caller = 0; caller < 1000; caller++) {
    // Each alone with the storm: nobody's single request is in the others' way.
    const own = keyed({ perSecond: 10, burst: 5 }, 1024);
    for (let turn = 0; turn < 5; turn++) {
      for (let stormy = 0; stormy < 100; stormy++) own.take(`storm ${stormy}`, 0);
    }
    if (own.take(`quiet ${caller}`, 0) > 0) held++;
  }
  assert.ok(held < 50, `${held} of 1000`);
});

Deno.test("keyed rate limit, another seed lets other keys fall together", () => {
  const shared = (seed: number) => {
    const limiter = new KeyedRateLimiter({ perSecond: 1, burst: 1 }, {
      cells: new LocalCells(4),
      seed,
    });
    return Array.from({ length: 20 }, (_, key) => limiter.take(`caller ${key}`, 0) === 0).join();
  };
  assert.ok(new Set([1, 2, 3, 4, 5].map(shared)).size > 1);
});

for (
  const limit of [
    { perSecond: 10, burst: 5 },
    { perSecond: 0, burst: 5 },
    { perSecond: 1e6, burst: 50 },
    { perSecond: 0.01, burst: 1 },
  ]
) {
  Deno.test(`rate limit, ${limit.perSecond} a second with bursts of ${limit.burst}: a look says what the next one gets, and takes nothing`, () => {
    const random = seeded(9);
    const limiter = limiterOf(limit);
    const keyed = new KeyedRateLimiter(limit, { cells: new LocalCells(64), seed: 7 });
    let nowMs = 1000;
    for (let step = 0; step < 500; step++) {
      nowMs += random() < 0.5 ? 0 : random() * 1500 / (limit.perSecond || 1);
      const key = `user-${random.below(5)}`;
      const looked = [limiter.look(nowMs), keyed.look(key, nowMs)];
      assertEquals([limiter.look(nowMs), keyed.look(key, nowMs)], looked);
      assertEquals([limiter.take(nowMs), keyed.take(key, nowMs)], looked);
    }
  });
}

Deno.test("rate limit, a look at a cell from another pace sees what a request would see", () => {
  const cells = new LocalCells(1);
  cells.replace(0, 1e9);
  const limiter = limiterOf({ perSecond: 10, burst: 5 }, cells);
  const looked = limiter.look(0);
  assertEquals([looked, cells.read(0), limiter.take(0)], [100, 1e9, 100]);
});
