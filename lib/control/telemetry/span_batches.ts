/** Spans that wait for a collector: written as they come, in batches that can go as they are, within bounds. */
import type { RequestRecord } from "../../plane/observe.ts";
import { OtlpBody, type Resource } from "./otlp.ts";
import { type SpanBody, SpanTeller } from "./spans.ts";
import { ZipkinBody } from "./zipkin.ts";

export type SpanFormat = "otlp" | "zipkin";

/** Units: numbers of spans. */
export interface SpanBatchesOptions {
  readonly format: SpanFormat;
  readonly resource: Resource;
  readonly maxWaiting: number;
  /** A record's spans stay together, so that there may be a few more. */
  readonly maxBatch: number;
}

/** The body of one request to the collector. */
export interface SpanBatch {
  readonly spans: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Paths may be long: a batch is full with this many bytes, whatever its number of spans. */
const maxBatchBytes = 768 * 1024;
/** Of all batches. */
const maxWaitingBytes = 16 * 1024 * 1024;

export class SpanBatches {
  readonly #options: SpanBatchesOptions;
  readonly #body: SpanBody;
  readonly #teller: SpanTeller;
  readonly #full: SpanBatch[] = [];
  #fullBytes = 0;
  /** In the body that is not full yet. */
  #gathered = 0;
  #spans = 0;

  constructor(options: SpanBatchesOptions) {
    const { format, resource } = options;
    this.#options = options;
    this.#body = format === "otlp" ? new OtlpBody(resource) : new ZipkinBody(resource.service);
    this.#teller = new SpanTeller(this.#body);
  }

  /** Spans that wait. */
  get spans(): number {
    return this.#spans;
  }

  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  /** Takes the spans of a record. Shape: whether there was room for all of them; if not, none was taken. */
  add(record: RequestRecord, count: number): boolean {
    const { maxBatch, maxWaiting } = this.#options;
    const bytes = this.#fullBytes + this.#body.length;
    if (this.#spans + count > maxWaiting || bytes >= maxWaitingBytes) return false;
    this.#teller.tell(record);
    this.#spans += count;
    this.#gathered += count;
    if (this.#gathered >= maxBatch || this.#body.length >= maxBatchBytes) this.#fill();
    return true;
  }

  #fill(): void {
    const body = this.#body.take();
    this.#full.push({ spans: this.#gathered, body });
    this.#fullBytes += body.length;
    this.#gathered = 0;
  }

  /** The batch that has waited longest, full or not. Shape: undefined when nothing waits. */
  take(): SpanBatch | undefined {
    if (this.#full.length === 0 && this.#gathered > 0) this.#fill();
    const batch = this.#full.shift();
    if (batch === undefined) return undefined;
    this.#spans -= batch.spans;
    this.#fullBytes -= batch.body.length;
    return batch;
  }
}
