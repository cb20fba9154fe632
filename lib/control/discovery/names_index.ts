/** The registry's list of service names, for callers whose libraries write host names in lower case. */
import { closest } from "../../core/closest.ts";
import type { Clock } from "../../core/ports.ts";

export interface NamesIndexOptions {
  /** Asks the registry. Errors: whatever it throws. */
  readonly fetchNames: () => Promise<readonly string[]>;
  readonly clock: Clock;
  /** While misses find nothing new, the list is in the end asked for only this often. Units: milliseconds. */
  readonly intervalMs: number;
}

/**
 * How soon the first miss after news may ask again. Callers that lower-case names cannot find a service that has just
 * been registered any other way, so the wait begins short and doubles while asking is in vain. Units: milliseconds.
 */
const firstWaitMs = 1000;
/** Longer lists are not searched for a similar name: callers that invent names would pay for it with everybody's time. */
const maxCompared = 5000;

export class NamesIndex {
  readonly #options: NamesIndexOptions;
  #waitMs = firstWaitMs;
  #names: ReadonlyMap<string, readonly string[]> | undefined;
  /** When a miss asked last; lists that others asked for do not make a miss wait. */
  #missedAtMs = -Infinity;
  #fetching: Promise<void> | undefined;

  constructor(options: NamesIndexOptions) {
    this.#options = options;
  }

  /**
   * All names that differ from `name` at most by case, sorted.
   *
   * Errors: those of the registry when there is no list at all; an old list is used while no newer one can be had.
   */
  async matching(name: string): Promise<readonly string[]> {
    const key = name.toLowerCase();
    const known = this.#names?.get(key);
    if (known !== undefined) return known;
    const { clock, intervalMs } = this.#options;
    if (!this.#names || clock.now() - this.#missedAtMs >= this.#waitMs) {
      this.#missedAtMs = clock.now();
      try {
        await this.refresh();
      } catch (error) {
        if (!this.#names) throw error;
      }
      const found = this.#names?.has(key) === true;
      this.#waitMs = found ? firstWaitMs : Math.min(intervalMs, this.#waitMs * 2);
    }
    return this.#names?.get(key) ?? [];
  }

  /** The name nearest to one that was not found. Shape: undefined when none is near or there is no list. */
  near(name: string): string | undefined {
    if (this.#names === undefined || this.#names.size > maxCompared) return undefined;
    return closest(name, [...this.#names.values()].flat());
  }

  /** Fetches the list now. Errors: those of the registry. */
  refresh(): Promise<void> {
    return this.#fetching ??= this.#fetch().finally(() => this.#fetching = undefined);
  }

  /** Something in the registry changed: the next miss fetches the list again. */
  invalidate(): void {
    this.#missedAtMs = -Infinity;
    this.#waitMs = firstWaitMs;
  }

  async #fetch(): Promise<void> {
    const names = await this.#options.fetchNames();
    const index = new Map<string, string[]>();
    for (const name of [...new Set(names)].sort()) {
      const key = name.toLowerCase();
      const same = index.get(key);
      if (same) same.push(name);
      else index.set(key, [name]);
    }
    this.#names = index;
  }
}
