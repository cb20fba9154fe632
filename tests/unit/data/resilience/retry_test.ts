/** What follows a failed attempt. */
import { assert, assertEquals } from "@test/assert";
import {
  asksForRetry,
  decideRetry,
  type FailedAttempt,
  type RetryDecision,
} from "../../../../lib/data/resilience/retry.ts";
import { seeded } from "../../../support/seeded.ts";

const policy = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 250 };
const first: FailedAttempt = {
  attempt: 1,
  reachedUpstream: false,
  idempotent: false,
  replayable: true,
  remainingMs: 1000,
  another: false,
};
const stop = (reason: "attempts" | "not_idempotent" | "body_consumed" | "deadline") =>
  ({ kind: "stop", reason }) as const;

const table: readonly {
  readonly title: string;
  readonly failed: Partial<FailedAttempt>;
  readonly jitter?: number;
  readonly decision: RetryDecision;
}[] = [
  {
    title: "a POST that never left is sent again",
    failed: {},
    decision: { kind: "retry", delayMs: 50 },
  },
  {
    title: "a POST that may have been processed is not",
    failed: { reachedUpstream: true },
    decision: stop("not_idempotent"),
  },
  {
    title: "a GET that may have been processed is",
    failed: { reachedUpstream: true, idempotent: true },
    decision: { kind: "retry", delayMs: 50 },
  },
  {
    title: "a body that cannot be repeated stops it",
    failed: { replayable: false },
    decision: stop("body_consumed"),
  },
  { title: "the last attempt stops it", failed: { attempt: 3 }, decision: stop("attempts") },
  { title: "so does one beyond", failed: { attempt: 4 }, decision: stop("attempts") },
  {
    title: "attempts are asked before all else",
    failed: { attempt: 3, replayable: false, reachedUpstream: true, remainingMs: 0 },
    decision: stop("attempts"),
  },
  {
    title: "the pause doubles",
    failed: { attempt: 2 },
    decision: { kind: "retry", delayMs: 100 },
  },
  {
    title: "another endpoint is tried at once",
    failed: { another: true },
    decision: { kind: "retry", delayMs: 0 },
  },
  {
    title: "a pause as long as the time left stops it",
    failed: { remainingMs: 50 },
    decision: stop("deadline"),
  },
  {
    title: "a pause shorter than the time left does not",
    failed: { remainingMs: 51 },
    decision: { kind: "retry", delayMs: 50 },
  },
  {
    title: "no time left stops even another endpoint",
    failed: { another: true, remainingMs: 0 },
    decision: stop("deadline"),
  },
  {
    title: "a Retry-After is obeyed, and the pause comes on top of it",
    failed: { retryAfterMs: 500 },
    decision: { kind: "retry", delayMs: 550 },
  },
  {
    title: "a Retry-After holds for another endpoint too",
    failed: { retryAfterMs: 500, another: true },
    decision: { kind: "retry", delayMs: 550 },
  },
  {
    title: "a Retry-After of nothing asks for nothing",
    failed: { retryAfterMs: 0, another: true },
    decision: { kind: "retry", delayMs: 0 },
  },
  {
    title: "a Retry-After that was not sent asks for nothing",
    failed: { retryAfterMs: undefined, another: true },
    decision: { kind: "retry", delayMs: 0 },
  },
  {
    title: "a part of a millisecond is not taken off",
    failed: { retryAfterMs: 500.2 },
    jitter: 0,
    decision: { kind: "retry", delayMs: 501 },
  },
  {
    title: "a Retry-After beyond the time left stops it",
    failed: { retryAfterMs: 1000 },
    decision: stop("deadline"),
  },
  {
    title: "two seconds are waited for",
    failed: { retryAfterMs: 2_000, remainingMs: 60_000 },
    decision: { kind: "retry", delayMs: 2_050 },
  },
  {
    title: "more than two seconds are not, however much time is left",
    failed: { retryAfterMs: 2_001, remainingMs: 60_000 },
    decision: stop("deadline"),
  },
  {
    title: "an answer to a POST that asks for another attempt does not get one",
    failed: { reachedUpstream: true, retryAfterMs: 100 },
    decision: stop("not_idempotent"),
  },
  {
    title: "no jitter means no pause",
    failed: {},
    jitter: 0,
    decision: { kind: "retry", delayMs: 0 },
  },
];

for (const { title, failed, jitter = 0.5, decision } of table) {
  Deno.test(`retry, ${title}`, () => {
    assertEquals(decideRetry(policy, { ...first, ...failed }, jitter), decision);
  });
}

for (
  const [status, statuses, asks] of [
    [503, [502, 503, 504], true],
    [502, [503], false],
    [429, [429, 503], true],
    [200, [200, 503], false],
    [503, [], false],
  ] as const
) {
  Deno.test(`retry, status ${status} with ${statuses.join(" ") || "none"} asked for: ${asks ? "another attempt" : "the answer counts"}`, () => {
    assertEquals(asksForRetry(status, statuses), asks);
  });
}

Deno.test("retry, a pause is a whole number of milliseconds within the ceiling and the time left", () => {
  const random = seeded(5);
  for (let round = 0; round < 5000; round++) {
    const failed: FailedAttempt = {
      attempt: 1 + random.below(40),
      reachedUpstream: random.below(2) === 0,
      idempotent: random.below(2) === 0,
      replayable: random.below(4) !== 0,
      remainingMs: random.below(400) - 50,
      another: random.below(3) === 0,
      retryAfterMs: random.below(3) === 0 ? random() * 300 : undefined,
    };
    const decision = decideRetry({ ...policy, maxAttempts: 50 }, failed, random());
    if (decision.kind === "stop") continue;
    assert.ok(Number.isInteger(decision.delayMs));
    const askedMs = failed.retryAfterMs ?? 0;
    assert.ok(decision.delayMs >= askedMs && decision.delayMs <= policy.maxDelayMs + askedMs + 1);
    assert.ok(decision.delayMs < failed.remainingMs);
    assert.ok(!failed.reachedUpstream || failed.idempotent);
    assert.ok(failed.replayable);
  }
});
