/** What follows a failed attempt. */
import { assert, assertEquals } from "@test/assert";
import {
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
    };
    const decision = decideRetry({ ...policy, maxAttempts: 50 }, failed, random());
    if (decision.kind === "stop") continue;
    assert.ok(Number.isInteger(decision.delayMs));
    assert.ok(decision.delayMs >= 0 && decision.delayMs <= policy.maxDelayMs);
    assert.ok(decision.delayMs < failed.remainingMs);
    assert.ok(!failed.reachedUpstream || failed.idempotent);
    assert.ok(failed.replayable);
  }
});
