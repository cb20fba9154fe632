/** What the protections of calls cost per request: each in the state it is in while all is well, and where they differ. */
import type { BreakerPolicy, ConcurrencyPolicy, OutlierPolicy } from "../../lib/core/traffic.ts";
import { Breaker } from "../../lib/data/resilience/breaker.ts";
import { RetryBudget } from "../../lib/data/resilience/budget.ts";
import { ConcurrencyLimit } from "../../lib/data/resilience/concurrency.ts";
import { parseDeadline } from "../../lib/data/resilience/deadline.ts";
import { EndpointHealth } from "../../lib/data/resilience/endpoint_health.ts";
import { HedgeDelay } from "../../lib/data/resilience/hedge.ts";
import { LocalCells, SharedCells } from "../../lib/data/resilience/limit_cells.ts";
import { ClusterHealth } from "../../lib/data/resilience/outlier.ts";
import { Waiter, WaitingLine } from "../../lib/data/resilience/queue.ts";
import { KeyedRateLimiter, RateLimiter } from "../../lib/data/resilience/rate_limit.ts";
import { asksForRetry, decideRetry } from "../../lib/data/resilience/retry.ts";
import { defaultServicePolicy } from "../support/policy.ts";

const outlier: OutlierPolicy = { ...defaultServicePolicy.outlier, enabled: true };
const breaker: BreakerPolicy = { ...defaultServicePolicy.breaker, enabled: true };
const fixed: ConcurrencyPolicy = {
  limit: 1024,
  adaptive: false,
  minLimit: 4,
  queue: 0,
  queueMs: 0,
};
const retry = { maxAttempts: 2, baseDelayMs: 25, maxDelayMs: 250 };
const budget = { budgetRatio: 0.2, budgetPerSecond: 10 };
const random = () => 0.5;

/** A clock that goes on by a twentieth of a millisecond with each look. */
let nowMs = 1000;
const tick = () => nowMs += 0.05;

const cluster = new ClusterHealth(outlier, random);
cluster.total = 16;
const endpoints = Array.from({ length: 16 }, () => new EndpointHealth(cluster));
let turn = 0;
const next = () => endpoints[turn = (turn + 1) & 15]!;

Deno.bench("nothing but the clock of this bench", () => {
  tick();
});

Deno.bench("outlier: pick, begin, succeed", () => {
  const at = tick();
  const endpoint = next();
  if (endpoint.mayPick(at, 3)) endpoint.succeeded(endpoint.begin(at), at);
});

Deno.bench("outlier: the same, one of ten an error of the application", () => {
  const at = tick();
  const endpoint = next();
  const ticket = endpoint.begin(at);
  if (turn % 10 === 0) endpoint.serverError(ticket, at);
  else endpoint.succeeded(ticket, at);
});

const off = new ClusterHealth({ ...outlier, enabled: false }, random);
const unwatched = new EndpointHealth(off);
Deno.bench("outlier: off", () => {
  const at = tick();
  if (unwatched.mayPick(at, 3)) unwatched.succeeded(unwatched.begin(at), at);
});

const closed = new Breaker(breaker, random);
Deno.bench("circuit breaker: closed", () => {
  const at = tick();
  closed.succeeded(closed.allow(at), at);
});

const disabled = new Breaker({ ...breaker, enabled: false }, random);
Deno.bench("circuit breaker: off", () => {
  const at = tick();
  disabled.succeeded(disabled.allow(at), at);
});

const limit = new ConcurrencyLimit(fixed);
Deno.bench("concurrency limit: fixed", () => {
  if (limit.enter(12)) limit.leave(2.5, true);
});

const adaptive = new ConcurrencyLimit({ ...fixed, adaptive: true });
Deno.bench("concurrency limit: adaptive", () => {
  if (adaptive.enter(12)) adaptive.leave(2.5, true);
});

const line = new WaitingLine({ queue: 100, queueMs: 1000 });
Deno.bench("waiting line: join and take", () => {
  const at = tick();
  line.join(new Waiter(() => {}), at);
  line.take(at);
});

const rate = { perSecond: 1e6, burst: 1000 };
const own = new RateLimiter(rate, { cells: new LocalCells(1), index: 0 });
Deno.bench("rate limit: one thread", () => {
  own.take(tick());
});

const memory = new SharedArrayBuffer(8 * 1025);
const shared = new RateLimiter(rate, {
  cells: new SharedCells(memory, { byteOffset: 0, length: 1 }),
  index: 0,
});
Deno.bench("rate limit: shared by threads", () => {
  shared.take(tick());
});

const refusing = new RateLimiter({ perSecond: 0.001, burst: 1 }, {
  cells: new SharedCells(memory, { byteOffset: 0, length: 1 }),
  index: 0,
});
Deno.bench("rate limit: shared, refusing", () => {
  refusing.take(tick());
});

const callers = Array.from({ length: 64 }, (_, index) => `10.0.${index}.17`);
const keyed = new KeyedRateLimiter(rate, {
  cells: new SharedCells(memory, { byteOffset: 8, length: 1024 }),
  seed: 5,
});
Deno.bench("rate limit: shared, by caller", () => {
  keyed.take(callers[turn = (turn + 1) & 63]!, tick());
});

const allowance = new RetryBudget(budget, nowMs);
Deno.bench("retry budget: one request", () => {
  allowance.deposit(budget);
});

const statuses = [502, 503, 504];
Deno.bench("retry: a status that asks for none", () => {
  asksForRetry(200, statuses);
});

Deno.bench("retry: decide", () => {
  decideRetry(retry, {
    attempt: 1,
    reachedUpstream: true,
    idempotent: true,
    replayable: true,
    remainingMs: 1000,
    another: true,
  }, 0.5);
});

const hedge = new HedgeDelay();
Deno.bench("hedge: one answer", () => {
  hedge.record(2 + (turn++ & 63));
});

Deno.bench("deadline: read", () => {
  parseDeadline("   14500");
});
