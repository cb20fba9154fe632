/** Gathers what the fields of one request say of its trace. */
import { readB3, readB3Fields } from "./b3.ts";
import type { Parent } from "./parent.ts";
import { isTracestate, readTraceparent } from "./traceparent.ts";

/** The formats, a bit each. */
export const traceFormat = { w3c: 1, b3: 2, b3multi: 4 } as const;
export type TraceFormats = number;

export interface FoundParent {
  readonly parent: Parent;
  readonly from: TraceFormats;
}

/** Used again for every request of a thread. */
export class TraceFields {
  #formats: TraceFormats = 0;
  #traceparent: string | undefined;
  #tracestate: string | undefined;
  #b3: string | undefined;
  #traceId: string | undefined;
  #spanId: string | undefined;
  #parentSpanId: string | undefined;
  #sampled: string | undefined;
  #flags: string | undefined;

  /** Formats of which there was a field, valid or not. */
  get formats(): TraceFormats {
    return this.#formats;
  }

  /** Makes it ready for the next request. */
  clear(): void {
    this.#formats = 0;
    this.#traceparent = this.#tracestate = this.#b3 = undefined;
    this.#traceId = this.#spanId = this.#parentSpanId = undefined;
    this.#sampled = this.#flags = undefined;
  }

  /** Takes a field. Shape: `name` in lower case; one that has nothing to do with traces is passed over. */
  add(name: string, value: string): void {
    switch (name) {
      case "traceparent":
        this.#formats |= traceFormat.w3c;
        this.#traceparent = once(this.#traceparent, value);
        return;
      case "tracestate":
        this.#tracestate = this.#tracestate === undefined ? value : `${this.#tracestate},${value}`;
        return;
      case "b3":
        this.#formats |= traceFormat.b3;
        this.#b3 = once(this.#b3, value);
        return;
      case "x-b3-traceid":
        this.#formats |= traceFormat.b3multi;
        this.#traceId = once(this.#traceId, value);
        return;
      case "x-b3-spanid":
        this.#formats |= traceFormat.b3multi;
        this.#spanId = once(this.#spanId, value);
        return;
      case "x-b3-parentspanid":
        this.#formats |= traceFormat.b3multi;
        this.#parentSpanId = once(this.#parentSpanId, value);
        return;
      case "x-b3-sampled":
        this.#formats |= traceFormat.b3multi;
        this.#sampled = once(this.#sampled, value);
        return;
      case "x-b3-flags":
        this.#formats |= traceFormat.b3multi;
        this.#flags = once(this.#flags, value);
        return;
    }
  }

  /** What the caller says. Shape: by the first format that is valid: W3C, single B3, B3 of many fields. */
  parent(): FoundParent | undefined {
    if (this.#formats === 0) return undefined;
    const w3c = this.#traceparent === undefined ? undefined : readTraceparent(this.#traceparent);
    if (w3c !== undefined) return { parent: w3c, from: traceFormat.w3c };
    const b3 = this.#b3 === undefined ? undefined : readB3(this.#b3);
    if (b3 !== undefined) return { parent: b3, from: traceFormat.b3 };
    if ((this.#formats & traceFormat.b3multi) === 0) return undefined;
    const multi = readB3Fields({
      traceId: this.#traceId,
      spanId: this.#spanId,
      parentSpanId: this.#parentSpanId,
      sampled: this.#sampled,
      flags: this.#flags,
    });
    return multi === undefined ? undefined : { parent: multi, from: traceFormat.b3multi };
  }

  /** `tracestate`, all fields joined. Shape: undefined where there is none, or not a valid one. */
  get state(): string | undefined {
    const text = this.#tracestate;
    return text !== undefined && isTracestate(text) ? text : undefined;
  }
}

/** A field that must occur once only. Shape: no format knows an empty one, so that two of them are not valid. */
function once(known: string | undefined, value: string): string {
  return known === undefined ? value : "";
}
