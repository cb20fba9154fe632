/** The one state machine behind the application's health: several checks in, one verdict out. */

/** `unknown` only until the first verdict; after that it is up or down. */
export type HealthVerdict = "unknown" | "up" | "down";

export interface HealthThresholds {
  /** Passes in a row that make a check count as up. */
  readonly rise: number;
  /** Failures in a row that make it count as down. */
  readonly fall: number;
}

/** One check: its verdict and the streak that may change it. */
export interface CheckState {
  readonly verdict: HealthVerdict;
  /** Results in a row like the last one. */
  readonly streak: number;
  /** The last result; undefined before the first. */
  readonly lastOk: boolean | undefined;
  readonly reason: string;
}

export interface HealthState {
  readonly verdict: HealthVerdict;
  readonly checks: readonly CheckState[];
}

/** Results of one round; undefined for a check that was not run in it. */
export type RoundResults =
  readonly ({ readonly ok: boolean; readonly detail: string } | undefined)[];

/** The state before any result. An application without checks is up at once. */
export function initialHealth(checkCount: number): HealthState {
  const check: CheckState = {
    verdict: "unknown",
    streak: 0,
    lastOk: undefined,
    reason: "not checked yet",
  };
  return {
    verdict: checkCount === 0 ? "up" : "unknown",
    checks: Array.from({ length: checkCount }, () => check),
  };
}

/**
 * Takes in the results of one round.
 *
 * Shape: pure; `results` has one entry per check, in the same order. The application is up when all checks are,
 * and down when one of them is or when it was up or down before and not all are up.
 */
export function recordRound(
  state: HealthState,
  results: RoundResults,
  thresholds: HealthThresholds,
): HealthState {
  const checks = state.checks.map((check, index) => {
    const result = results[index];
    return result === undefined ? check : recordCheck(check, result, thresholds);
  });
  return { verdict: combine(state.verdict, checks), checks };
}

function recordCheck(
  check: CheckState,
  result: { readonly ok: boolean; readonly detail: string },
  thresholds: HealthThresholds,
): CheckState {
  const streak = check.lastOk === result.ok ? check.streak + 1 : 1;
  let verdict = check.verdict;
  if (result.ok && streak >= thresholds.rise) verdict = "up";
  if (!result.ok && streak >= thresholds.fall) verdict = "down";
  return { verdict, streak, lastOk: result.ok, reason: result.detail };
}

function combine(before: HealthVerdict, checks: readonly CheckState[]): HealthVerdict {
  if (checks.every((check) => check.verdict === "up")) return "up";
  if (checks.some((check) => check.verdict === "down")) return "down";
  // A check without a verdict of its own cannot make a known state unknown again.
  return before === "unknown" ? "unknown" : "down";
}
