/** The circuit breaker of a cluster: when it opens, what it lets try, when it closes. */
import { assert, assertEquals } from "@test/assert";
import type { BreakerPolicy } from "../../../../lib/core/traffic.ts";
import { Breaker } from "../../../../lib/data/resilience/breaker.ts";
import { seeded } from "../../../support/seeded.ts";

const policy: BreakerPolicy = {
  enabled: true,
  windowMs: 10_000,
  minRequests: 20,
  errorShare: 0.5,
  openMs: 5000,
  force: "none",
};
/** Jitter that changes nothing. */
const even = () => 0.5;

function breakerOf(changes: Partial<BreakerPolicy> = {}): Breaker {
  return new Breaker({ ...policy, ...changes }, even);
}

/** Sends requests one after another: `s` succeeds, `f` fails. Shape: how many were refused. */
function send(breaker: Breaker, outcomes: string, nowMs: number): number {
  let refused = 0;
  for (const outcome of outcomes) {
    const ticket = breaker.allow(nowMs);
    if (ticket === 0) refused++;
    else if (outcome === "s") breaker.succeeded(ticket, nowMs);
    else breaker.failed(ticket, nowMs);
  }
  return refused;
}

for (
  const { title, outcomes, changes = {}, refused, state } of [
    { title: "closed while all is well", outcomes: "s".repeat(100), refused: 0, state: "closed" },
    {
      title: "closed below the least number of requests",
      outcomes: "f".repeat(19),
      refused: 0,
      state: "closed",
    },
    { title: "open at it", outcomes: "f".repeat(20), refused: 0, state: "open" },
    {
      title: "closed just below the share of errors",
      outcomes: "f".repeat(9) + "s".repeat(11),
      refused: 0,
      state: "closed",
    },
    {
      title: "open at the share of errors, though a success brought it there",
      outcomes: "f".repeat(10) + "s".repeat(10),
      refused: 0,
      state: "open",
    },
    {
      title: "refusing what comes after",
      outcomes: "f".repeat(25),
      refused: 5,
      state: "open",
    },
    {
      title: "closed throughout when it is off",
      outcomes: "f".repeat(100),
      changes: { enabled: false },
      refused: 0,
      state: "closed",
    },
    {
      title: "closed throughout when it is forced to be",
      outcomes: "f".repeat(100),
      changes: { force: "closed" },
      refused: 0,
      state: "closed",
    },
    {
      title: "open throughout when it is forced to be, also when it is off",
      outcomes: "s".repeat(10),
      changes: { enabled: false, force: "open" },
      refused: 10,
      state: "open",
    },
  ] satisfies readonly {
    readonly title: string;
    readonly outcomes: string;
    readonly changes?: Partial<BreakerPolicy>;
    readonly refused: number;
    readonly state: string;
  }[]
) {
  Deno.test(`circuit breaker, ${title}`, () => {
    const breaker = breakerOf(changes);
    assertEquals(send(breaker, outcomes, 1000), refused);
    assertEquals(breaker.state, state);
  });
}

Deno.test("circuit breaker, errors older than the window do not count", () => {
  const breaker = breakerOf();
  send(breaker, "f".repeat(19), 0);
  send(breaker, "f", 10_500);
  assertEquals(breaker.state, "closed");
});

Deno.test("circuit breaker, the window moves on bucket by bucket", () => {
  const breaker = breakerOf();
  for (let second = 0; second < 60; second++) {
    // Two of three fail, but with 1.8 a second there are never twenty within the window.
    send(breaker, "ffs".slice(0, second % 5 === 0 ? 1 : 2), second * 1000);
    assertEquals(breaker.state, "closed", `second ${second}`);
  }
});

Deno.test("circuit breaker, while it is open it says when to come back", () => {
  const breaker = breakerOf();
  send(breaker, "f".repeat(20), 1000);
  assertEquals(breaker.allow(1001), 0);
  assertEquals(breaker.retryAfterMs(1001), 4999);
  assertEquals(breakerOf({ force: "open" }).retryAfterMs(1), 5000);
});

Deno.test("circuit breaker, after its time one request tries, and its success closes it", () => {
  const breaker = breakerOf();
  send(breaker, "f".repeat(20), 0);
  assertEquals(breaker.allow(4999), 0);
  const trial = breaker.allow(5000);
  assert.ok(trial > 0);
  assertEquals(breaker.state, "trying");
  assertEquals(breaker.allow(5001), 0, "one at a time");
  breaker.succeeded(trial, 5100);
  assertEquals(breaker.state, "closed");
  assertEquals(send(breaker, "f".repeat(19), 5200), 0, "what was counted is forgotten");
  assertEquals(breaker.state, "closed");
});

Deno.test("circuit breaker, each trial that fails doubles the time, up to eight times", () => {
  const breaker = breakerOf();
  send(breaker, "f".repeat(20), 0);
  const timesMs = [];
  let nowMs = 0;
  for (let round = 0; round < 6; round++) {
    const waitMs = breaker.retryAfterMs(nowMs);
    timesMs.push(waitMs);
    nowMs += waitMs;
    send(breaker, "f", nowMs);
    assertEquals(breaker.state, "open");
  }
  assertEquals(timesMs, [5000, 10_000, 20_000, 40_000, 40_000, 40_000]);
  nowMs += breaker.retryAfterMs(nowMs);
  send(breaker, "s" + "f".repeat(20), nowMs);
  assertEquals(breaker.retryAfterMs(nowMs), 5000, "a success ends the series");
});

Deno.test("circuit breaker, the open time is spread by a fifth to either side", () => {
  const random = seeded(2);
  const timesMs = Array.from({ length: 500 }, () => {
    const breaker = new Breaker(policy, random);
    send(breaker, "f".repeat(20), 0);
    return breaker.retryAfterMs(0);
  });
  const least = Math.min(...timesMs), most = Math.max(...timesMs);
  assert.ok(least >= 4000 && least < 4050 && most <= 6000 && most > 5950, `${least} to ${most}`);
});

Deno.test("circuit breaker, answers to requests from before it opened neither close it nor count", () => {
  const breaker = breakerOf();
  const old = [breaker.allow(0), breaker.allow(0)];
  send(breaker, "f".repeat(20), 0);
  breaker.succeeded(old[0]!, 100);
  assertEquals(breaker.state, "open");
  const trial = breaker.allow(5000);
  breaker.failed(old[1]!, 5001);
  assertEquals(breaker.state, "trying");
  breaker.succeeded(trial, 5002);
  assertEquals(breaker.state, "closed");
});

Deno.test("circuit breaker, a trial that stays silent is followed by another, one without a caller at once", () => {
  const breaker = breakerOf();
  send(breaker, "f".repeat(20), 0);
  const silent = breaker.allow(5000);
  assertEquals(breaker.allow(9999), 0);
  const next = breaker.allow(10_000);
  breaker.succeeded(silent, 10_001);
  assertEquals(breaker.state, "trying");
  breaker.abandoned(next, 10_002);
  assertEquals(breaker.state, "open");
  breaker.succeeded(breaker.allow(10_002), 10_003);
  assertEquals(breaker.state, "closed");
});

Deno.test("circuit breaker, a changed policy holds at once", () => {
  const breaker = breakerOf();
  send(breaker, "f".repeat(20), 0);
  breaker.apply({ ...policy, force: "closed" });
  assertEquals([breaker.state, send(breaker, "ff", 1)], ["closed", 0]);
  breaker.apply({ ...policy, force: "open" });
  assertEquals([breaker.state, send(breaker, "ss", 2)], ["open", 2]);
  breaker.apply({ ...policy, windowMs: 1000 });
  assertEquals([breaker.state, send(breaker, "f".repeat(20), 3)], ["closed", 0]);
  assertEquals(breaker.state, "open");
});

Deno.test("circuit breaker, under random traffic it lets one request try at a time and opens only with cause", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const breaker = new Breaker(policy, random);
    const open: { readonly ticket: number; readonly sinceMs: number }[] = [];
    /** When requests ended that were sent while it was closed, and how. */
    let ended: { readonly atMs: number; readonly failed: boolean }[] = [];
    let nowMs = 0;
    let failing = 0;
    for (let step = 0; step < 5000; step++) {
      nowMs += random.below(60);
      if (random() < 0.005) failing = random();
      const before = breaker.state;
      if (random() < 0.5 || open.length === 0) {
        const ticket = breaker.allow(nowMs);
        if (before === "closed") assert.ok(ticket > 0);
        if (before === "trying" && ticket > 0) {
          // Only because the last one had been silent for as long as it is open at least.
          assert.ok(open.every((each) => each.ticket < ticket));
        }
        if (ticket > 0 && random() < 0.98) open.push({ ticket, sinceMs: nowMs });
        continue;
      }
      const [done] = open.splice(random.below(open.length), 1);
      const failed = random() < failing;
      if (failed) breaker.failed(done!.ticket, nowMs);
      else breaker.succeeded(done!.ticket, nowMs);
      if (before !== "closed") ended = [];
      else {
        ended.push({ atMs: nowMs, failed });
        if (breaker.state === "closed") continue;
        const counted = ended.filter((each) => nowMs - each.atMs <= policy.windowMs);
        assert.ok(counted.length >= policy.minRequests, `${counted.length}`);
        assert.ok(counted.some((each) => each.failed));
      }
    }
  }
});
