/** The registry's lists of service names: that of the own application, and those of others, fetched when needed. */
import type { Clock } from "../../core/ports.ts";
import type { Discovery } from "../registry/registry.ts";
import { NamesIndex } from "./names_index.ts";

export interface NameListsOptions {
  readonly discovery: Discovery;
  readonly app: string;
  readonly environment: string;
  readonly clock: Clock;
  /** Asked afresh each time. Units: milliseconds. */
  readonly intervalMs: () => number;
  /** Ends calls under way. */
  readonly signal: AbortSignal;
}

export class NameLists {
  readonly #options: NameListsOptions;
  readonly #lists = new Map<string, NamesIndex>();
  /** Of the own application. */
  readonly own: NamesIndex;

  constructor(options: NameListsOptions) {
    this.#options = options;
    this.own = this.of(options.app);
  }

  /** The list of an application; of one that is not the own one only what it shares. */
  of(app: string): NamesIndex {
    const known = this.#lists.get(app);
    if (known) return known;
    const { discovery, environment, clock, intervalMs, signal } = this.#options;
    const scope = { app, environment, sharedOnly: app !== this.#options.app };
    const list = new NamesIndex({
      fetchNames: () => discovery.names(scope, signal),
      clock,
      get intervalMs() {
        return intervalMs();
      },
    });
    this.#lists.set(app, list);
    return list;
  }

  /** Something in the registry changed: the next miss fetches its list again. */
  invalidate(): void {
    for (const list of this.#lists.values()) list.invalidate();
  }
}
