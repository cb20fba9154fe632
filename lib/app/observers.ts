/** Who watches single requests: the taps, and what else asks for records. Keeps the data threads told. */
import type { ObservePolicy, RequestRecord, TapFilter } from "../plane/observe.ts";
import type { Tapped, TapQuery } from "../control/api/view.ts";

export interface ObserversOptions {
  readonly post: (observe: ObservePolicy) => void;
}

/** Everything but the taps. */
export type ObserveBase = Omit<ObservePolicy, "taps">;

interface Tap {
  readonly filter: TapFilter;
  queue: RequestRecord[];
  dropped: number;
  wake: () => void;
}

const maxTaps = 8;
/** Records that wait for one slow listener. */
const maxWaiting = 1000;

export class Observers {
  readonly #options: ObserversOptions;
  readonly #taps = new Map<number, Tap>();
  #base: ObserveBase = { logShare: 0 };
  #lastId = 0;
  #over = false;

  constructor(options: ObserversOptions) {
    this.#options = options;
  }

  /** What the access log and traces want; posted at once. */
  setBase(base: ObserveBase): void {
    this.#base = base;
    this.#post();
  }

  get policy(): ObservePolicy {
    return { ...this.#base, taps: [...this.#taps.values()].map(({ filter }) => filter) };
  }

  /** A thread was replaced: it does not know who watches. */
  repeat(): void {
    this.#post();
  }

  #post(): void {
    this.#options.post(this.policy);
  }

  /** Shape: ends, and vanishes from the data threads, with the signal; undefined when too many listen already. */
  tap(query: TapQuery, signal: AbortSignal): AsyncGenerator<Tapped> | undefined {
    if (this.#taps.size >= maxTaps || this.#over || signal.aborted) return undefined;
    const id = ++this.#lastId;
    const tap: Tap = { filter: filterOf(id, query), queue: [], dropped: 0, wake: () => {} };
    this.#taps.set(id, tap);
    this.#post();
    // At the signal and not at the generator's end: one that nobody reads from never ends.
    signal.addEventListener("abort", () => {
      if (this.#taps.delete(id)) this.#post();
      tap.wake();
    }, { once: true });
    return this.#read(tap, signal);
  }

  async *#read(tap: Tap, signal: AbortSignal): AsyncGenerator<Tapped> {
    while (!signal.aborted && !this.#over) {
      if (tap.dropped > 0) {
        const { dropped } = tap;
        tap.dropped = 0;
        yield { dropped };
        continue;
      }
      if (tap.queue.length === 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        tap.wake = resolve;
        await promise;
        continue;
      }
      const records = tap.queue;
      tap.queue = [];
      yield* records;
    }
  }

  /** Takes a batch of a data thread; `dropped` requests had no room in it. */
  received({ records, dropped }: {
    readonly records: Iterable<RequestRecord>;
    readonly dropped: number;
  }): void {
    if (this.#taps.size === 0) return;
    for (const record of records) {
      for (const id of record.taps) {
        const tap = this.#taps.get(id);
        if (tap === undefined) continue;
        if (tap.queue.length < maxWaiting) tap.queue.push(record);
        else tap.dropped++;
      }
    }
    for (const tap of this.#taps.values()) {
      tap.dropped += dropped;
      if (tap.queue.length > 0 || tap.dropped > 0) tap.wake();
    }
  }

  /** Ends every tap. */
  close(): void {
    this.#over = true;
    for (const tap of this.#taps.values()) tap.wake();
  }
}

/** Shape: members that were not asked for are not there at all, so that threads need not look at them. */
function filterOf(id: number, query: TapQuery): TapFilter {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), perSecond: query.perSecond, id };
}
