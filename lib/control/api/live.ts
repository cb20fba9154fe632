/** The feed behind the event stream: what has changed since a listener last looked, tick by tick. */
import type { SeriesColumns } from "../telemetry/series.ts";
import type { FailuresView } from "./shapes/events.ts";
import type {
  LiveEventName,
  LiveFigures,
  LiveService,
  LiveServiceFigures,
  LiveState,
} from "./shapes/live.ts";

/** Where the feed reads from; asked only while somebody listens. */
export interface LiveSource {
  /** Units: milliseconds since 1970. */
  wall(): number;
  state(): Omit<LiveState, "at">;
  services(): readonly LiveService[];
  figures(): {
    readonly all: LiveFigures;
    readonly inbound: LiveFigures;
    readonly services: ReadonlyMap<string, LiveServiceFigures>;
  };
  /** Closed buckets that ended after the moment, on the clock of the samples. */
  columns(scope: "all" | "inbound", sinceMs: number): SeriesColumns;
  /** The columns as JSON, with times of the wall. */
  columnsJson(columns: SeriesColumns): string;
  readonly bucketMs: number;
  failures(after: number): FailuresView;
}

export interface LiveEvent {
  readonly event: LiveEventName;
  /** JSON. */
  readonly data: string;
}

/** Everything at one tick, as JSON, so that two ticks can be compared by text. */
interface Frame {
  readonly tick: number;
  readonly state: string;
  readonly services: ReadonlyMap<string, string>;
  readonly totals: string;
  readonly figures: ReadonlyMap<string, string>;
}

/** What one listener has got. */
interface Seen {
  frame: Frame | undefined;
  columnsMs: number;
  failures: number;
}

const maxListeners = 32;
/** Failures that are told of at a time; the newest ones. */
const maxFailures = 50;
/** With many services the figures come less often. */
const manyServices = 100;
const slowTicks = 3;

export class LiveFeed {
  readonly #source: LiveSource;
  readonly #maxListeners: number;
  #listeners = 0;
  #tick = 0;
  #next = Promise.withResolvers<void>();
  #frame: Frame | undefined;
  #over = false;

  constructor(source: LiveSource, options: { readonly maxListeners?: number } = {}) {
    this.#source = source;
    this.#maxListeners = options.maxListeners ?? maxListeners;
  }

  get listeners(): number {
    return this.#listeners;
  }

  /** A second has passed. Cost: nothing is read unless somebody listens. */
  tick(): void {
    this.#tick++;
    this.#turn();
  }

  /** Ends every listener's events. */
  close(): void {
    this.#over = true;
    this.#turn();
  }

  #turn(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
  }

  /**
   * The events of one listener: everything first, then what changes.
   *
   * Shape: ends with the signal; undefined when too many listen already. A slow listener misses ticks, not changes.
   */
  listen(signal: AbortSignal): AsyncGenerator<LiveEvent> | undefined {
    if (this.#listeners >= this.#maxListeners || this.#over) return undefined;
    this.#listeners++;
    let left = false;
    const leave = () => {
      if (left) return;
      left = true;
      if (--this.#listeners === 0) this.#frame = undefined;
    };
    // A generator that nobody has begun to read never reaches its end.
    signal.addEventListener("abort", () => {
      leave();
      this.#turn();
    }, { once: true });
    return this.#events(signal, leave);
  }

  async *#events(signal: AbortSignal, leave: () => void): AsyncGenerator<LiveEvent> {
    const seen: Seen = { frame: undefined, columnsMs: -Infinity, failures: 0 };
    try {
      while (!signal.aborted && !this.#over) {
        const next = this.#next.promise;
        yield* this.#news(seen);
        await next;
      }
    } finally {
      leave();
    }
  }

  *#news(seen: Seen): Generator<LiveEvent> {
    const source = this.#source;
    const before = seen.frame;
    const frame = this.#present();
    if (frame !== before) {
      seen.frame = frame;
      if (frame.state !== before?.state) {
        yield { event: "state", data: `{"at":${source.wall()},${frame.state.slice(1)}` };
      }
      const changed = changes(frame.services, before?.services);
      const gone = [...before?.services.keys() ?? []].filter((name) => !frame.services.has(name));
      if (changed.length > 0 || gone.length > 0 || before === undefined) {
        const values = changed.map(([, value]) => value).join(",");
        yield { event: "services", data: `{"changed":[${values}],"gone":${JSON.stringify(gone)}}` };
      }
      const moved = changes(frame.figures, before?.figures);
      if (moved.length > 0 || frame.totals !== before?.totals) {
        const values = moved.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",");
        yield { event: "figures", data: `{${frame.totals},"services":{${values}}}` };
      }
    }
    const all = source.columns("all", seen.columnsMs);
    const newest = all.endMs.at(-1);
    if (newest !== undefined) {
      const inbound = source.columns("inbound", seen.columnsMs);
      seen.columnsMs = newest;
      yield {
        event: "points",
        data: `{"bucketMs":${source.bucketMs},"all":${source.columnsJson(all)},` +
          `"inbound":${source.columnsJson(inbound)}}`,
      };
    }
    const failures = source.failures(seen.failures);
    if (failures.newest > seen.failures || before === undefined) {
      seen.failures = failures.newest;
      const told = { ...failures, failures: failures.failures.slice(0, maxFailures) };
      yield { event: "failures", data: JSON.stringify(told) };
    }
  }

  /** The frame of this tick, made once for all listeners. */
  #present(): Frame {
    const last = this.#frame;
    if (last !== undefined) {
      const ticks = last.services.size > manyServices ? slowTicks : 1;
      if (this.#tick - last.tick < ticks) return last;
    }
    const source = this.#source;
    const figures = source.figures();
    return this.#frame = {
      tick: this.#tick,
      state: JSON.stringify(source.state()),
      services: new Map(source.services().map((one) => [one.service, JSON.stringify(one)])),
      totals: `"all":${JSON.stringify(figures.all)},"inbound":${JSON.stringify(figures.inbound)}`,
      figures: new Map([...figures.services].map(([name, one]) => [name, JSON.stringify(one)])),
    };
  }
}

function changes(
  now: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string> | undefined,
): readonly (readonly [string, string])[] {
  return [...now].filter(([name, text]) => before?.get(name) !== text);
}
