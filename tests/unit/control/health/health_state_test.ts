/** The health state machine: streaks of several checks become one verdict. */
import { assertEquals } from "@test/assert";
import {
  type HealthState,
  type HealthVerdict,
  initialHealth,
  recordRound,
} from "../../../../lib/control/health/health_state.ts";

const thresholds = { rise: 2, fall: 3 };

/** Plays rounds such as "+-" (first check passes, second fails; `.` is not run) and returns every verdict. */
function play(checkCount: number, rounds: readonly string[]): HealthVerdict[] {
  const verdicts: HealthVerdict[] = [];
  let state: HealthState = initialHealth(checkCount);
  for (const round of rounds) {
    const results = [...round].map((mark) =>
      mark === "." ? undefined : { ok: mark === "+", detail: mark }
    );
    state = recordRound(state, results, thresholds);
    verdicts.push(state.verdict);
  }
  return verdicts;
}

const table: readonly {
  readonly title: string;
  readonly checks: number;
  readonly rounds: readonly string[];
  readonly verdicts: readonly HealthVerdict[];
}[] = [
  { title: "one pass is not enough", checks: 1, rounds: ["+"], verdicts: ["unknown"] },
  { title: "two passes make it up", checks: 1, rounds: ["+", "+"], verdicts: ["unknown", "up"] },
  {
    title: "a failure in between starts the count anew",
    checks: 1,
    rounds: ["+", "-", "+", "+"],
    verdicts: ["unknown", "unknown", "unknown", "up"],
  },
  {
    title: "three failures at the start make it down",
    checks: 1,
    rounds: ["-", "-", "-"],
    verdicts: ["unknown", "unknown", "down"],
  },
  {
    title: "two failures do not take it down",
    checks: 1,
    rounds: ["+", "+", "-", "-", "+"],
    verdicts: ["unknown", "up", "up", "up", "up"],
  },
  {
    title: "three failures take it down and two passes bring it back",
    checks: 1,
    rounds: ["+", "+", "-", "-", "-", "+", "+"],
    verdicts: ["unknown", "up", "up", "up", "down", "down", "up"],
  },
  {
    title: "all checks have to be up",
    checks: 2,
    rounds: ["+-", "+-", "++", "++"],
    verdicts: ["unknown", "unknown", "unknown", "up"],
  },
  {
    title: "one failing check is enough to be down",
    checks: 2,
    rounds: ["++", "++", "+-", "+-", "+-", "++", "++"],
    verdicts: ["unknown", "up", "up", "up", "down", "down", "up"],
  },
  {
    title: "a known state does not become unknown again",
    checks: 2,
    rounds: ["-+", "--", "-+", "+-", "+-"],
    verdicts: ["unknown", "unknown", "down", "down", "down"],
  },
  {
    title: "a check that was not run keeps its streak",
    checks: 2,
    rounds: ["++", ".+", "+."],
    verdicts: ["unknown", "unknown", "up"],
  },
];

for (const { title, checks, rounds, verdicts } of table) {
  Deno.test(`health state, ${title}`, () => assertEquals(play(checks, rounds), verdicts));
}

Deno.test("health state, an application without checks is up at once", () => {
  assertEquals(initialHealth(0), { verdict: "up", checks: [] });
});

Deno.test("health state, every check keeps its last result and reason", () => {
  const state = recordRound(initialHealth(2), [
    { ok: true, detail: "connected" },
    { ok: false, detail: "status 500, expected 200" },
  ], thresholds);
  assertEquals(state.checks, [
    { verdict: "unknown", streak: 1, lastOk: true, reason: "connected" },
    { verdict: "unknown", streak: 1, lastOk: false, reason: "status 500, expected 200" },
  ]);
});

Deno.test("health state, recording a round leaves the old state as it was", () => {
  const before = initialHealth(1);
  recordRound(before, [{ ok: true, detail: "connected" }], thresholds);
  assertEquals(before, initialHealth(1));
});
