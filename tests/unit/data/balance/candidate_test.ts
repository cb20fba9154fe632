/** What answers and refusals do to the numbers of an endpoint. */
import { assert, assertEquals } from "@test/assert";
import {
  busyness,
  forgive,
  latencyNow,
  longAgo,
  maxRefusalMs,
  notYet,
  observeAnswer,
  observeRefusal,
  refusalMs,
} from "../../../../lib/data/balance/candidate.ts";
import { candidate } from "../../../support/candidates.ts";
import { seeded } from "../../../support/seeded.ts";

const decayMs = 10_000;

Deno.test("response time, jumps to a slower answer at once", () => {
  const one = candidate(1);
  observeAnswer(one, 10, { nowMs: 0, decayMs });
  observeAnswer(one, 400, { nowMs: 1, decayMs });
  assertEquals(one.latencyMs, 400);
});

Deno.test("response time, comes down by the decay, not by the number of fast answers", () => {
  const few = candidate(1);
  const many = candidate(2);
  for (const one of [few, many]) observeAnswer(one, 1_000, { nowMs: 0, decayMs });
  observeAnswer(few, 10, { nowMs: 5_000, decayMs });
  for (let nowMs = 5; nowMs <= 5_000; nowMs += 5) observeAnswer(many, 10, { nowMs, decayMs });
  const expected = 10 + 990 * Math.exp(-0.5);
  assert(Math.abs(few.latencyMs - expected) < 1e-6);
  assert(Math.abs(many.latencyMs - expected) < 1e-6);
});

Deno.test("response time, of an endpoint that nobody asks is forgotten", () => {
  const one = candidate(1);
  observeAnswer(one, 1_000, { nowMs: 0, decayMs });
  assertEquals(latencyNow(one, { nowMs: 50, decayMs }), 1_000);
  assert(Math.abs(latencyNow(one, { nowMs: 10_000, decayMs }) - 1_000 / Math.E) < 1e-6);
  assert(latencyNow(one, { nowMs: 200_000, decayMs }) < 1e-5);
});

Deno.test("response time, below the resolution of the clock is not taken for none", () => {
  const one = candidate(1);
  observeAnswer(one, 0, { nowMs: 0, decayMs });
  assert(one.latencyMs > 0 && one.meanMs > 0);
});

Deno.test("response time, lies between the fastest and the slowest answer seen, whatever comes", () => {
  const random = seeded(7);
  for (let round = 0; round < 200; round++) {
    const one = candidate(1);
    let nowMs = 0;
    let leastMs = Infinity;
    let mostMs = 0;
    for (let answer = 0; answer < 50; answer++) {
      nowMs += random() * 3_000;
      const elapsedMs = random() ** 4 * 2_000;
      leastMs = Math.min(leastMs, Math.max(0.001, elapsedMs));
      mostMs = Math.max(mostMs, elapsedMs, 0.001);
      observeAnswer(one, elapsedMs, { nowMs, decayMs });
      for (const value of [one.latencyMs, one.meanMs]) {
        assert(value >= leastMs - 1e-9 && value <= mostMs + 1e-9, `${value}`);
      }
    }
  }
});

Deno.test("mean response time, follows the last ten answers or so", () => {
  const one = candidate(1);
  observeAnswer(one, 100, { nowMs: 0, decayMs });
  assertEquals(one.meanMs, 100);
  for (let answer = 0; answer < 10; answer++) observeAnswer(one, 10, { nowMs: 0, decayMs });
  assert(one.meanMs < 21 && one.meanMs > 10, `${one.meanMs}`);
});

Deno.test("newcomer, its warm-up begins with its first good answer and not again", () => {
  const one = candidate(1, { warmFromMs: notYet });
  observeRefusal(one, 5, { nowMs: 100, decayMs, retryAfterMs: 0 });
  assertEquals(one.warmFromMs, notYet);
  observeAnswer(one, 5, { nowMs: 200, decayMs });
  observeAnswer(one, 5, { nowMs: 300, decayMs });
  assertEquals(one.warmFromMs, 200);
});

Deno.test("endpoint from the start, is warm and stays so", () => {
  const one = candidate(1);
  observeAnswer(one, 5, { nowMs: 200, decayMs });
  assertEquals(one.warmFromMs, longAgo);
});

Deno.test("refusal, makes an idle endpoint count as busy for a while and leaves its response time", () => {
  const one = candidate(1);
  observeAnswer(one, 8, { nowMs: 0, decayMs });
  observeRefusal(one, 0.2, { nowMs: 1_000, decayMs, retryAfterMs: 0 });
  assertEquals(one.latencyMs, 8);
  assertEquals(busyness(one, 1_001), 4);
  assertEquals(busyness(one, 1_000 + refusalMs), 0);
});

Deno.test("refusals in a row, count for longer and for more each time", () => {
  const one = candidate(1);
  let nowMs = 0;
  const seen: (readonly [busy: number, forMs: number])[] = [];
  for (let refusal = 0; refusal < 8; refusal++) {
    observeRefusal(one, 1, { nowMs, decayMs, retryAfterMs: 0 });
    seen.push([busyness(one, nowMs), one.refusedUntilMs - nowMs]);
    nowMs = one.refusedUntilMs;
  }
  assertEquals(seen, [
    [4, 5_000],
    [16, 10_000],
    [64, 20_000],
    [256, 40_000],
    [1_024, 60_000],
    [4_096, 60_000],
    [4_096, 60_000],
    [4_096, 60_000],
  ]);
});

Deno.test("refusals of calls that were under way together, are one sign", () => {
  const one = candidate(1);
  for (let call = 0; call < 20; call++) {
    observeRefusal(one, 1, { nowMs: 100 + call, decayMs, retryAfterMs: 0 });
  }
  assertEquals(busyness(one, 200), 4);
});

Deno.test("endpoint after its refusal, gets one call at a time until it answers well", () => {
  const one = candidate(1);
  observeRefusal(one, 1, { nowMs: 0, decayMs, retryAfterMs: 0 });
  assertEquals(busyness(one, 6_000), 0);
  one.open = 1;
  assertEquals(busyness(one, 6_000), 5);
  observeAnswer(one, 3, { nowMs: 6_000, decayMs });
  assertEquals(busyness(one, 6_000), 1);
});

Deno.test("Retry-After, is obeyed when it is longer than the guess, up to a bound", () => {
  const table: readonly (readonly [retryAfterMs: number, outMs: number, busy: number])[] = [
    [0, 5_000, 4],
    [1_000, 5_000, 4],
    [30_000, 30_000, 64],
    [86_400_000, maxRefusalMs, 64],
  ];
  for (const [retryAfterMs, outMs, busy] of table) {
    const one = candidate(1);
    observeRefusal(one, 1, { nowMs: 0, decayMs, retryAfterMs });
    assertEquals([one.refusedUntilMs, busyness(one, 1)], [outMs, busy], `${retryAfterMs}`);
  }
});

Deno.test("refusal between good answers, is taken back by the next one; a Retry-After stands", () => {
  for (const [retryAfterMs, busy] of [[0, 0], [30_000, 64]] as const) {
    const one = candidate(1);
    observeRefusal(one, 1, { nowMs: 0, decayMs, retryAfterMs });
    observeAnswer(one, 5, { nowMs: 100, decayMs });
    assertEquals(busyness(one, 101), busy);
    observeAnswer(one, 5, { nowMs: 30_000, decayMs });
    assertEquals([busyness(one, 30_000), one.refusals], [0, 0]);
  }
});

Deno.test("Retry-After, a shorter one that comes later does not cut the time", () => {
  const one = candidate(1);
  observeRefusal(one, 1, { nowMs: 0, decayMs, retryAfterMs: 100_000 });
  observeRefusal(one, 1, { nowMs: 10, decayMs, retryAfterMs: 0 });
  assertEquals(one.refusedUntilMs, 100_000);
});

Deno.test("refusals, are taken back when a probe finds the endpoint well", () => {
  const one = candidate(1);
  observeRefusal(one, 1, { nowMs: 0, decayMs, retryAfterMs: 100_000 });
  forgive(one);
  assertEquals(busyness(one, 1), 0);
});

Deno.test("fast refusals, make the mean response time worse, not better", () => {
  const one = candidate(1);
  observeAnswer(one, 20, { nowMs: 0, decayMs });
  observeRefusal(one, 0.1, { nowMs: 1, decayMs, retryAfterMs: 0 });
  assert(one.meanMs > 100);
});
