/** The beat of the portable clock: steady while anything happens, silent while nothing does and no deadline is near. */

/** So many beats without anything between them, a quarter of a second, and the ticker rests. */
const quietBeats = 16;

/** Timers of the runtime that keep no process alive. */
export interface Schedule {
  every(ms: number, then: () => void): number;
  after(ms: number, then: () => void): number;
  cancel(timer: number): void;
}

export interface TickerOptions {
  /** Units: milliseconds between two beats. */
  readonly beatMs: number;
  readonly beat: () => void;
  /** How long there may be no beat if nothing happens meanwhile. Units: milliseconds. */
  readonly restMs: () => number;
  readonly schedule?: Schedule;
}

export class Ticker {
  readonly #options: TickerOptions;
  readonly #schedule: Schedule;
  #timer = 0;
  #quiet = 0;
  #resting = true;
  #stopped = false;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? runtimeSchedule;
    this.touch();
  }

  /** Whether the beats have stopped, so that what the last one noted is old. */
  get resting(): boolean {
    return this.#resting;
  }

  /** Something has happened: beats go on, or begin again. To be called whenever a deadline is set as well. */
  touch(): void {
    this.#quiet = 0;
    if (!this.#resting || this.#stopped) return;
    this.#schedule.cancel(this.#timer);
    this.#resting = false;
    this.#timer = this.#schedule.every(this.#options.beatMs, this.#beat);
  }

  readonly #beat = (): void => {
    this.#quiet++;
    this.#options.beat();
    // What the beat itself has set in motion counts as well.
    if (this.#quiet < quietBeats || this.#stopped) return;
    const restMs = this.#options.restMs();
    if (restMs > this.#options.beatMs) this.#rest(restMs);
    else if (this.#resting) this.touch();
  };

  #rest(restMs: number): void {
    this.#schedule.cancel(this.#timer);
    this.#resting = true;
    this.#timer = this.#schedule.after(restMs, this.#beat);
  }

  stop(): void {
    this.#stopped = true;
    this.#schedule.cancel(this.#timer);
  }
}

const runtimeSchedule: Schedule = {
  every: (ms, then) => idly(setInterval(then, ms)),
  after: (ms, then) => idly(setTimeout(then, ms)),
  cancel: (timer) => clearTimeout(timer),
};

function idly(timer: ReturnType<typeof setTimeout>): number {
  Deno.unrefTimer(Number(timer));
  return Number(timer);
}
