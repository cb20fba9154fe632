/** Brings spans to a collector: in batches, out of a queue with a bound, never in anyone's way. */
import { backoffMs } from "../../core/backoff.ts";
import type { Clock, Fetch, Logger, Random } from "../../core/ports.ts";
import type { RequestRecord } from "../../plane/observe.ts";
import { DeadlineError, withDeadline } from "../registry/deadline.ts";
import { otlpRejected, type Resource } from "./otlp.ts";
import { type SpanBatch, SpanBatches, type SpanFormat } from "./span_batches.ts";
import { spanCount } from "./spans.ts";

/** Units: milliseconds; the limits are numbers of spans, and a record's own stay together. */
export interface SpanExporterOptions {
  /** Whole URL of the collector, `http://host:4318/v1/traces` or `http://host:9411/api/v2/spans`. */
  readonly endpoint: string;
  readonly format: SpanFormat;
  readonly resource: Resource;
  /** Asked before every request, so that keys may change. Errors: the batch waits. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly maxWaiting?: number;
  readonly maxBatch?: number;
  /** How long a span waits for others. */
  readonly gatherMs?: number;
  readonly timeoutMs?: number;
  /** How long a batch is tried again. */
  readonly giveUpMs?: number;
}

/** Spans so far. */
export interface SpanCounts {
  readonly sent: number;
  /** The queue was full. */
  readonly full: number;
  /** The collector did not want them. */
  readonly refused: number;
  /** The collector could not be reached for too long, or the process ended. */
  readonly unreachable: number;
  readonly waiting: number;
}

type Outcome =
  | { readonly kind: "taken"; readonly rejected: number; readonly why: string }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "later"; readonly why: string; readonly afterMs?: number };

/** Source: OpenTelemetry Protocol, HTTP: what may be sent again. Zipkin answers with the same. */
const laterStatuses = new Set([429, 502, 503, 504]);
/** Where this process's own proxy is mesher, sending spans must not make more of them. */
const unrecorded = { b3: "0" } as const;
const backoff = { baseMs: 1_000, maxMs: 30_000 } as const;
/** A collector that asks for more patience than this is asked again sooner. */
const maxRetryAfterMs = 300_000;
/** Refusals are told of once in this time. */
const quietMs = 60_000;

export class SpanExporter {
  readonly #options: Required<SpanExporterOptions>;
  /** No more spans are taken, and none is tried twice. */
  readonly #closing = new AbortController();
  /** The time to say goodbye is over. */
  readonly #over = new AbortController();
  readonly #ended: Promise<void>;
  readonly #batches: SpanBatches;
  #wake: (() => void) | undefined;
  #sending = 0;
  #sent = 0;
  #full = 0;
  #refused = 0;
  #unreachable = 0;
  /** Whether the outage has been told of. */
  #silent = false;
  #toldAtMs = -Infinity;

  constructor(options: SpanExporterOptions) {
    this.#options = {
      maxWaiting: 4096,
      maxBatch: 512,
      gatherMs: 2_000,
      timeoutMs: 10_000,
      giveUpMs: 300_000,
      ...options,
    };
    this.#batches = new SpanBatches(this.#options);
    this.#ended = this.#run();
  }

  get counts(): SpanCounts {
    return {
      sent: this.#sent,
      full: this.#full,
      refused: this.#refused,
      unreachable: this.#unreachable,
      waiting: this.#batches.spans + this.#sending,
    };
  }

  /** Takes the spans of a record, all or none; returns at once, whatever the collector does. */
  add(record: RequestRecord): void {
    const count = spanCount(record);
    if (count === 0) return;
    if (this.#closing.signal.aborted || !this.#batches.add(record, count)) this.#full += count;
    else this.#wake?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (await this.#someWait()) {
      const batch = this.#batches.take()!;
      this.#sending = batch.spans;
      await this.#deliver(batch);
      this.#sending = 0;
      if (signal.aborted && this.#batches.spans === 0) return;
    }
  }

  /** Waits for spans, and then for more of them to go along. Shape: false when there will be none. */
  async #someWait(): Promise<boolean> {
    const { signal } = this.#closing;
    const { clock, gatherMs } = this.#options;
    const batches = this.#batches;
    if (batches.hasFull) return true;
    if (batches.spans === 0 && !signal.aborted) await this.#changed();
    const enough = new AbortController();
    const gathered = clock.sleep(gatherMs, enough.signal).then(() => enough.abort());
    while (!batches.hasFull && !signal.aborted && !enough.signal.aborted) {
      await Promise.race([this.#changed(), gathered]);
    }
    enough.abort();
    this.#wake = undefined;
    return batches.spans > 0;
  }

  /** Resolves when spans have come or the end has. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  async #deliver({ spans, body }: SpanBatch): Promise<void> {
    const { clock, random, giveUpMs } = this.#options;
    const { signal } = this.#closing;
    const startMs = clock.now();
    for (let attempt = 1;; attempt++) {
      const outcome = await this.#post(body);
      if (outcome.kind === "taken") return this.#taken(spans, outcome);
      if (outcome.kind === "refused") return this.#wasRefused(spans, outcome.why);
      this.#lost(outcome.why);
      const delayMs = Math.min(
        maxRetryAfterMs,
        Math.max(outcome.afterMs ?? 0, backoffMs(backoff, attempt, random())),
      );
      // Who is about to end has no time for a second try.
      if (signal.aborted || clock.now() + delayMs - startMs > giveUpMs) {
        this.#unreachable += spans;
        return;
      }
      await clock.sleep(delayMs, signal);
    }
  }

  async #post(body: Uint8Array<ArrayBuffer>): Promise<Outcome> {
    const { endpoint, format, fetch, headers, clock, timeoutMs } = this.#options;
    let fields: Readonly<Record<string, string>>;
    try {
      fields = await headers();
    } catch (error) {
      return { kind: "later", why: error instanceof Error ? error.message : String(error) };
    }
    try {
      const [response, text] = await withDeadline(async (signal) => {
        const response = await fetch(endpoint, {
          method: "POST",
          headers: { ...fields, ...unrecorded, "content-type": "application/json" },
          // A batch that was turned into a GET on the way would count as sent.
          redirect: "manual",
          signal,
          body,
        });
        return [response, await response.text()] as const;
      }, { clock, timeoutMs, signals: [this.#over.signal] });
      const { status } = response;
      if (status >= 200 && status < 300) {
        const { count, why } = format === "otlp" ? otlpRejected(text) : { count: 0, why: "" };
        return { kind: "taken", rejected: count, why };
      }
      const why = `${endpoint} answered ${status}`;
      if (!laterStatuses.has(status)) return { kind: "refused", why };
      const afterMs = retryAfterMs(response.headers.get("retry-after"), clock.wall());
      return { kind: "later", why, ...(afterMs === undefined ? {} : { afterMs }) };
    } catch (error) {
      const words = error instanceof DeadlineError ? error.message : "no connection";
      return { kind: "later", why: `${endpoint}: ${words}` };
    }
  }

  #taken(count: number, { rejected, why }: { rejected: number; why: string }): void {
    const { logger } = this.#options;
    const lost = Math.min(rejected, count);
    this.#sent += count - lost;
    if (this.#silent) {
      this.#silent = false;
      logger.info("the trace collector takes spans again", {
        lost: this.#unreachable + this.#full,
      });
    }
    if (lost > 0) this.#wasRefused(lost, why);
  }

  #wasRefused(count: number, why: string): void {
    const { clock, logger } = this.#options;
    this.#refused += count;
    if (clock.now() - this.#toldAtMs < quietMs) return;
    this.#toldAtMs = clock.now();
    logger.warn(
      "the trace collector does not want spans; look at tracing.endpoint and its format",
      {
        reason: why,
        spans: count,
      },
    );
  }

  /** One line per outage and not per try. */
  #lost(why: string): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#options.logger.warn("the trace collector takes no spans just now; they wait", {
      reason: why,
    });
  }

  /** Sends what waits, as far as the time allows; what is left is given up and counted. */
  async close(withinMs: number): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    const done = new AbortController();
    const late = this.#options.clock.sleep(withinMs, done.signal);
    await Promise.race([this.#ended, late]);
    done.abort();
    this.#over.abort();
    await this.#ended;
  }
}

/** Seconds, or a date. Shape: undefined when it is neither. Source: RFC 9110 section 10.2.3. */
export function retryAfterMs(text: string | null, wallMs: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallMs);
}
