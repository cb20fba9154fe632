/** The retry budget: a share of requests plus a few a second. */
import { assert, assertEquals } from "@test/assert";
import { RetryBudget } from "../../../../lib/data/resilience/budget.ts";
import { seeded } from "../../../support/seeded.ts";

function drain(budget: RetryBudget, policy: typeof usual, nowMs: number): number {
  let taken = 0;
  while (budget.withdraw(policy, nowMs)) taken++;
  return taken;
}

const usual = { budgetRatio: 0.2, budgetPerSecond: 10 };

Deno.test("retry budget, begins with one second's worth", () => {
  assertEquals(drain(new RetryBudget(usual, 5000), usual, 5000), 10);
});

Deno.test("retry budget, every five requests earn one retry", () => {
  const budget = new RetryBudget(usual, 0);
  drain(budget, usual, 0);
  for (let request = 0; request < 50; request++) budget.deposit(usual);
  const taken = drain(budget, usual, 0);
  // A fifth has no exact binary form, so the last one may be a hair short.
  assert.ok(taken === 10 || taken === 9, `${taken}`);
});

Deno.test("retry budget, time earns retries, also in small steps", () => {
  const budget = new RetryBudget(usual, 0);
  drain(budget, usual, 0);
  let taken = 0;
  for (let nowMs = 10; nowMs <= 2000; nowMs += 10) taken += drain(budget, usual, nowMs);
  assert.ok(Math.abs(taken - 20) <= 1, `${taken}`);
});

Deno.test("retry budget, saves up ten seconds and a hundred requests at most", () => {
  const budget = new RetryBudget(usual, 0);
  for (let request = 0; request < 10_000; request++) budget.deposit(usual);
  assertEquals(Math.floor(budget.tokens), 120);
  assertEquals(drain(budget, usual, 3_600_000), 120);
});

Deno.test("retry budget, a clock that stands or goes back earns nothing", () => {
  const budget = new RetryBudget(usual, 10_000);
  drain(budget, usual, 10_000);
  assertEquals(drain(budget, usual, 10_000), 0);
  assertEquals(drain(budget, usual, 0), 0);
});

Deno.test("retry budget, none at all allows no retry", () => {
  const none = { budgetRatio: 0, budgetPerSecond: 0 };
  const budget = new RetryBudget(none, 0);
  for (let request = 0; request < 1000; request++) budget.deposit(none);
  assertEquals(drain(budget, none, 1_000_000), 0);
});

Deno.test("retry budget, in a storm of failures retries stay a fifth of the requests and a few a second", () => {
  const budget = new RetryBudget(usual, 0);
  let retries = 0;
  const seconds = 60, perSecond = 500;
  for (let request = 0; request < seconds * perSecond; request++) {
    budget.deposit(usual);
    if (budget.withdraw(usual, (request * 1000) / perSecond)) retries++;
  }
  const allowed = seconds * perSecond * usual.budgetRatio + seconds * usual.budgetPerSecond + 120;
  assert.ok(retries <= allowed && retries > allowed * 0.9, `${retries} of ${allowed}`);
});

Deno.test("retry budget, over any window of any traffic tries stay within 1.2 of the requests, 10 a second and what was saved", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    let nowMs = random() * 1e6;
    const budget = new RetryBudget(usual, nowMs);
    // The worst window that ends here: retries beyond what its requests and its time earned.
    let beyond = 0, most = 0, begunMs = nowMs;
    for (let step = 0; step < 20_000; step++) {
      nowMs += random() < 0.002 ? random() * 60_000 : random() * (seed % 3 === 0 ? 100 : 2);
      beyond = Math.max(0, beyond - (nowMs - begunMs) / 1000 * usual.budgetPerSecond);
      begunMs = nowMs;
      // Bursts of requests without failures, then of failures that ask for as many retries as there may be.
      const failing = Math.floor(step / 500) % 2 === 1;
      budget.deposit(usual);
      beyond = Math.max(0, beyond - usual.budgetRatio);
      for (let ask = failing ? 3 : 0; ask > 0; ask--) {
        if (!budget.withdraw(usual, nowMs)) break;
        beyond += 1;
        most = Math.max(most, beyond);
      }
    }
    const saved = usual.budgetPerSecond * 10 + usual.budgetRatio * 100;
    assert.ok(most <= saved + 1e-6 && most > saved / 2, `seed ${seed}: ${most} of ${saved}`);
  }
});
