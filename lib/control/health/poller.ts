/** Runs the checks of the own application round after round and tells when the verdict changes. */
import { jittered } from "../../core/backoff.ts";
import {
  type CheckOutcome,
  type CheckSpec,
  describeCheck,
  type RunCheck,
} from "../../core/check.ts";
import { formatDuration } from "../../core/duration.ts";
import type { Clock, Logger, Random } from "../../core/ports.ts";
import {
  type HealthState,
  type HealthThresholds,
  type HealthVerdict,
  initialHealth,
  recordRound,
} from "./health_state.ts";

/** Units: milliseconds. */
export interface HealthPolicy extends HealthThresholds {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Interval while the application has never been up ... */
  readonly startIntervalMs: number;
  /** ... for this long after the start, so that a fast start is seen fast. */
  readonly startForMs: number;
}

const defaultHealthPolicy: HealthPolicy = {
  intervalMs: 2000,
  timeoutMs: 1000,
  rise: 2,
  fall: 3,
  startIntervalMs: 250,
  startForMs: 30_000,
};

export interface HealthEffects {
  readonly clock: Clock;
  readonly random: Random;
  readonly runCheck: RunCheck;
  readonly logger: Logger;
}

/** One check as the admin page shows it. */
export interface CheckView {
  readonly check: string;
  readonly verdict: HealthVerdict;
  readonly lastOk: boolean | undefined;
  readonly reason: string;
  /** Results in a row like the last one. */
  readonly streak: number;
}

/** Units: `sinceMs` and `checkedAtMs` are wall-clock milliseconds. */
export interface HealthSnapshot {
  readonly verdict: HealthVerdict;
  readonly sinceMs: number;
  /** When the newest round ended; undefined before the first. */
  readonly checkedAtMs: number | undefined;
  readonly checks: readonly CheckView[];
}

/** Called after the verdict changed; `before` is the old one. */
export type HealthChanged = (snapshot: HealthSnapshot, before: HealthVerdict) => void;

export interface HealthPollerOptions {
  /** An application without checks (`none`) counts as up from the start. */
  readonly checks: readonly CheckSpec[];
  readonly policy?: Partial<HealthPolicy>;
  readonly changed: HealthChanged;
}

// How late a check may be before it is given up from outside.
const graceMs = 250;

/**
 * The poller of one application.
 *
 * Shape: `changed` is told the first verdict too (before: `unknown`); without checks that happens inside `start`.
 */
export class HealthPoller {
  readonly #checks: readonly CheckSpec[];
  readonly #policy: HealthPolicy;
  readonly #changed: HealthChanged;
  readonly #effects: HealthEffects;
  readonly #stop = new AbortController();
  /** Checks whose last run has not come back; they are not run again before. */
  readonly #running = new Set<number>();
  #state: HealthState;
  #sinceMs: number;
  #checkedAtMs: number | undefined;
  #everUp = false;
  #loop: Promise<void> | undefined;

  constructor(options: HealthPollerOptions, effects: HealthEffects) {
    this.#checks = options.checks;
    this.#policy = { ...defaultHealthPolicy, ...options.policy };
    this.#changed = options.changed;
    this.#effects = effects;
    this.#state = initialHealth(options.checks.length);
    this.#sinceMs = effects.clock.wall();
  }

  get verdict(): HealthVerdict {
    return this.#state.verdict;
  }

  snapshot(): HealthSnapshot {
    return {
      verdict: this.#state.verdict,
      sinceMs: this.#sinceMs,
      checkedAtMs: this.#checkedAtMs,
      checks: this.#checks.map((spec, index) => {
        const { verdict, lastOk, reason, streak } = this.#state.checks[index]!;
        return { check: describeCheck(spec), verdict, lastOk, reason, streak };
      }),
    };
  }

  /** Begins the rounds. Calling it again does nothing. */
  start(): void {
    if (this.#loop || this.#stop.signal.aborted) return;
    if (this.#checks.length === 0) {
      this.#loop = Promise.resolve();
      this.#tell("unknown");
      return;
    }
    this.#loop = this.#run();
  }

  /** Ends the rounds; no callback comes after it has resolved. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#effects;
    const signal = this.#stop.signal;
    const startedMs = clock.now();
    // Sidecars that were started together must not ask in step.
    await clock.sleep(this.#policy.startIntervalMs * random(), signal);
    while (!signal.aborted) {
      const beganMs = clock.now();
      await this.#round();
      const starting = !this.#everUp && clock.now() - startedMs < this.#policy.startForMs;
      const periodMs = starting ? this.#policy.startIntervalMs : this.#policy.intervalMs;
      const nextMs = beganMs + jittered(periodMs, 0.1, random());
      await clock.sleep(Math.max(0, nextMs - clock.now()), signal);
    }
  }

  async #round(): Promise<void> {
    const results = await Promise.all(this.#checks.map((spec, index) => this.#runOne(spec, index)));
    if (this.#stop.signal.aborted) return;
    const before = this.#state.verdict;
    this.#state = recordRound(this.#state, results, this.#policy);
    this.#checkedAtMs = this.#effects.clock.wall();
    if (this.#state.verdict !== before) this.#tell(before);
  }

  /** The outcome of one check, whatever its runner does. */
  async #runOne(spec: CheckSpec, index: number): Promise<CheckOutcome> {
    const { timeoutMs } = this.#policy;
    const late = `no result within ${formatDuration(timeoutMs)}`;
    if (this.#running.has(index)) return { ok: false, detail: late };
    this.#running.add(index);
    const settled = new AbortController();
    const stopped = () => settled.abort();
    this.#stop.signal.addEventListener("abort", stopped);
    const run = this.#call(spec, timeoutMs);
    run.then(() => this.#running.delete(index));
    const given = this.#effects.clock.sleep(timeoutMs + graceMs, settled.signal)
      .then((): CheckOutcome => ({ ok: false, detail: late }));
    try {
      return await Promise.race([run, given]);
    } finally {
      settled.abort();
      this.#stop.signal.removeEventListener("abort", stopped);
    }
  }

  async #call(spec: CheckSpec, timeoutMs: number): Promise<CheckOutcome> {
    try {
      return await this.#effects.runCheck(spec, timeoutMs);
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) };
    }
  }

  #tell(before: HealthVerdict): void {
    const { clock, logger } = this.#effects;
    this.#sinceMs = clock.wall();
    if (this.#state.verdict === "up") this.#everUp = true;
    const snapshot = this.snapshot();
    const failing = snapshot.checks.filter((one) => one.verdict !== "up")
      .map((one) => `${one.check}: ${one.reason}`).join("; ");
    if (snapshot.verdict === "up") logger.info("the application is up");
    else logger.warn("the application is down", { reason: failing });
    try {
      this.#changed(snapshot, before);
    } catch (error) {
      logger.error("the listener for health changes failed", { error });
    }
  }
}
