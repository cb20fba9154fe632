/** Whether the registry answers, and how long to leave it alone when it does not. */
import { backoffMs } from "../../core/backoff.ts";
import type { Clock, Logger, Random } from "../../core/ports.ts";
import { RegistryError, type RegistrySign, type WatchState } from "../registry/registry.ts";

export interface ContactState {
  /** Undefined until the first call has ended. */
  readonly reachable: boolean | undefined;
  /** Monotonic time of the last good answer. */
  readonly lastAnswerAtMs?: number;
  readonly lastError?: string;
  /** Left out where the registry cannot be watched. */
  readonly watch?: WatchState;
}

export interface ContactOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For messages: kind and address of the registry. */
  readonly where: string;
  /** The registry answers, for the first time or again. */
  readonly onRestored: () => void;
  readonly onLost: () => void;
}

/** New names wait this long after a failure before one of them tries again. */
const gate = { baseMs: 500, maxMs: 5_000 } as const;

/** A registry that comes and goes is told of once in this time. */
const quietMs = 60_000;

/** Senseless answers in a row after which the registry as a whole counts as silent. */
const manyGarbled = 10;

export class RegistryContact {
  readonly #options: ContactOptions;
  #state: ContactState = { reachable: undefined };
  #failures = 0;
  #garbled = 0;
  #toldAtMs = -Infinity;
  /** Whether the present outage and its end are not worth a line. */
  #quiet = false;
  #blockedUntilMs = -Infinity;
  #lastFailure: RegistrySign | undefined;

  constructor(options: ContactOptions) {
    this.#options = options;
  }

  get state(): ContactState {
    return this.#state;
  }

  /** The last call that got no answer, or one without sense. */
  get lastFailure(): RegistrySign | undefined {
    return this.#lastFailure;
  }

  succeeded(): void {
    const { clock, logger, where, onRestored } = this.#options;
    const before = this.#state.reachable;
    this.#state = { reachable: true, lastAnswerAtMs: clock.now() };
    this.#failures = 0;
    this.#garbled = 0;
    this.#blockedUntilMs = -Infinity;
    if (before === true) return;
    logger[this.#quiet ? "debug" : "info"](`the registry answers: ${where}`);
    onRestored();
  }

  /** A refusal is an answer. Nonsense is one too, as long as sense comes in between. */
  failed(error: unknown): void {
    const { clock, random } = this.#options;
    const code = error instanceof RegistryError ? error.code : "unreachable";
    if (code === "refused" || code === "forbidden" || code === "lease_lost") {
      return this.succeeded();
    }
    const words = error instanceof Error ? error.message : String(error);
    this.#lastFailure = { atMs: clock.now(), why: `it gave no usable answer lately: ${words}` };
    if (code === "garbled") {
      this.#garbled++;
      if (this.#state.reachable === true && this.#garbled < manyGarbled) return;
    } else if (clock.now() >= this.#blockedUntilMs) {
      // Many polls that fail in the same moment are one failure.
      this.#failures++;
      this.#blockedUntilMs = clock.now() + backoffMs(gate, this.#failures, random());
    }
    this.#lost(words);
  }

  /** Why the registry should not be asked about a new name just now, undefined when it may be. */
  get blocked(): string | undefined {
    return this.#options.clock.now() < this.#blockedUntilMs ? this.#state.lastError : undefined;
  }

  #lost(lastError: string): void {
    const { clock, logger, where, onLost } = this.#options;
    const before = this.#state.reachable;
    this.#state = { ...this.#state, reachable: false, lastError };
    // One line per outage and not per call; of many short outages in a row only the first is told.
    if (before === false) return;
    this.#quiet = clock.now() - this.#toldAtMs < quietMs;
    if (!this.#quiet) this.#toldAtMs = clock.now();
    logger[this.#quiet ? "debug" : "warn"](
      `the registry gives no usable answer; what is known stays: ${lastError}`,
      { where },
    );
    onLost();
  }
}
