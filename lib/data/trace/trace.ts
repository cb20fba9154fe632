/** The trace of one request on its way through: continued or begun, recorded or not, and what goes upstream of it. */
import { wordText, writeWord } from "../../core/hex.ts";
import type { Random } from "../../core/ports.ts";
import type { TraceIds, TracingPolicy } from "../../plane/observe.ts";
import type { Parent } from "./parent.ts";
import type { Sampler } from "./sampler.ts";
import { type TraceFields, traceFormat, type TraceFormats } from "./trace_fields.ts";

/** Room that `Trace.write` may need. Units: bytes. */
export const maxTraceBytes = 320;

export interface TraceEffects {
  readonly sampler: Sampler;
  readonly random: Random;
  /** Units: milliseconds, monotonic. */
  readonly nowMs: number;
}

/** The bits of the formats that are written for callers that have none. */
export function formatsOf(write: TracingPolicy["write"]): TraceFormats {
  return write.reduce((formats, name) => formats | traceFormat[name], 0);
}

/**
 * Decides on the trace of a request whose fields have been gathered.
 *
 * Shape: `write` are the formats for callers without one; those that a caller uses are kept to.
 * Cost: one object, and no text at all for a request that is not recorded.
 */
export function beginTrace(fields: TraceFields, write: TraceFormats, effects: TraceEffects): Trace {
  const found = fields.parent();
  const state = found?.from === traceFormat.w3c ? fields.state : undefined;
  return new Trace({
    parent: found?.parent,
    continuesW3c: found?.from === traceFormat.w3c,
    formats: fields.formats === 0 ? write : fields.formats,
    isCallers: fields.formats !== 0,
    state,
  }, effects);
}

interface TraceParts {
  readonly parent: Parent | undefined;
  readonly continuesW3c: boolean;
  readonly formats: TraceFormats;
  readonly isCallers: boolean;
  readonly state: string | undefined;
}

const traceparentStart = asciiBytes("traceparent: 00-");
const b3Start = asciiBytes("b3: ");
const traceIdStart = asciiBytes("X-B3-TraceId: ");
const spanIdStart = asciiBytes("\r\nX-B3-SpanId: ");
const parentStart = asciiBytes("\r\nX-B3-ParentSpanId: ");
const sampledYes = asciiBytes("\r\nX-B3-Sampled: 1");
const sampledNo = asciiBytes("\r\nX-B3-Sampled: 0");
const debugYes = asciiBytes("\r\nX-B3-Flags: 1");
const DASH = 45, ZERO = 48, ONE = 49, LETTER_D = 100;

export class Trace {
  /** Whether spans are made. */
  readonly sampled: boolean;
  /**
   * Whether the request's own fields of traces are replaced by the lines of `write`; else they go on as they came, since
   * the caller has decided that nothing is recorded.
   */
  readonly rewritten: boolean;
  /** Whether `tracestate` must not go on: it belongs to a `traceparent` that does not. */
  readonly dropsState: boolean;
  /** Whether the caller sent fields of traces; else the trace is of this sidecar's making. */
  readonly isCallers: boolean;
  readonly #debug: boolean;
  readonly #short: boolean;
  readonly #formats: TraceFormats;
  readonly #state: string | undefined;
  readonly #hasParent: boolean;
  readonly #trace0: number;
  readonly #trace1: number;
  readonly #trace2: number;
  readonly #trace3: number;
  readonly #parent0: number;
  readonly #parent1: number;
  /** Of the request as a whole. */
  #span0 = 0;
  #span1 = 0;
  /** Of the attempt, as it goes upstream. */
  #attempt0: number;
  #attempt1: number;
  /** Where the attempt's span stands in the composed head; 0 where it does not. */
  #at0 = 0;
  #at1 = 0;
  #at2 = 0;

  constructor(
    { parent, continuesW3c, formats, isCallers, state }: TraceParts,
    effects: TraceEffects,
  ) {
    const { random, sampler, nowMs } = effects;
    this.isCallers = isCallers;
    const known = parent?.known === true;
    this.#trace0 = known ? parent.trace0 : randomWord(random);
    this.#trace1 = known ? parent.trace1 : randomWord(random);
    this.#trace2 = known ? parent.trace2 : randomWord(random);
    this.#trace3 = known ? parent.trace3 : randomWord(random);
    this.#hasParent = known;
    this.#parent0 = known ? parent.span0 : 0;
    this.#parent1 = known ? parent.span1 : 0;
    this.#short = known && parent.short;
    this.#formats = formats;
    this.#state = state;
    const decision = parent?.decision ?? "open";
    this.#debug = decision === "debug";
    this.sampled = decision === "open"
      ? sampler.sample(this.#trace2, this.#trace3, nowMs)
      : decision !== "no";
    this.rewritten = decision !== "no";
    this.dropsState = this.rewritten && !continuesW3c && (formats & traceFormat.w3c) !== 0;
    if (this.sampled) {
      this.#span0 = randomWord(random);
      this.#span1 = randomWord(random);
    }
    this.#attempt0 = randomWord(random);
    this.#attempt1 = randomWord(random);
  }

  /**
   * Writes the field lines for upstream at a place that has `maxTraceBytes`, and remembers where the span stands.
   *
   * Shape: the place behind them. The bytes may move to another buffer afterwards, as long as their offset stays.
   */
  write(bytes: Uint8Array, from: number): number {
    this.#at0 = this.#at1 = this.#at2 = 0;
    if (!this.rewritten) return from;
    let at = from;
    if ((this.#formats & traceFormat.w3c) !== 0) at = this.#writeTraceparent(bytes, at);
    if ((this.#formats & traceFormat.b3) !== 0) at = this.#writeB3(bytes, at);
    if ((this.#formats & traceFormat.b3multi) !== 0) at = this.#writeB3Fields(bytes, at);
    return at;
  }

  #writeTraceparent(bytes: Uint8Array, from: number): number {
    let at = put(bytes, from, traceparentStart);
    at = this.#putTrace(bytes, at, false);
    bytes[at++] = DASH;
    this.#at0 = at;
    at = putSpan(bytes, at, this.#attempt0, this.#attempt1);
    bytes[at++] = DASH;
    bytes[at++] = ZERO;
    bytes[at++] = this.sampled ? ONE : ZERO;
    return putEnd(bytes, at);
  }

  #writeB3(bytes: Uint8Array, from: number): number {
    let at = put(bytes, from, b3Start);
    at = this.#putTrace(bytes, at, this.#short);
    bytes[at++] = DASH;
    this.#at1 = at;
    at = putSpan(bytes, at, this.#attempt0, this.#attempt1);
    bytes[at++] = DASH;
    bytes[at++] = this.#debug ? LETTER_D : this.sampled ? ONE : ZERO;
    if (this.sampled) {
      bytes[at++] = DASH;
      at = putSpan(bytes, at, this.#span0, this.#span1);
    }
    return putEnd(bytes, at);
  }

  #writeB3Fields(bytes: Uint8Array, from: number): number {
    let at = put(bytes, from, traceIdStart);
    at = this.#putTrace(bytes, at, this.#short);
    at = put(bytes, at, spanIdStart);
    this.#at2 = at;
    at = putSpan(bytes, at, this.#attempt0, this.#attempt1);
    if (this.sampled) {
      at = put(bytes, at, parentStart);
      at = putSpan(bytes, at, this.#span0, this.#span1);
    }
    at = put(bytes, at, this.#debug ? debugYes : this.sampled ? sampledYes : sampledNo);
    return putEnd(bytes, at);
  }

  #putTrace(bytes: Uint8Array, from: number, short: boolean): number {
    let at = from;
    if (!short) at = putSpan(bytes, at, this.#trace0, this.#trace1);
    return putSpan(bytes, at, this.#trace2, this.#trace3);
  }

  /**
   * Gives the next attempt a span of its own, in the head that was composed before.
   *
   * Shape: its identifier; undefined when nothing is recorded, and the head stays as it is.
   */
  nextAttempt(bytes: Uint8Array, random: Random): string | undefined {
    if (!this.sampled) return undefined;
    this.#attempt0 = randomWord(random);
    this.#attempt1 = randomWord(random);
    if (this.#at0 > 0) putSpan(bytes, this.#at0, this.#attempt0, this.#attempt1);
    if (this.#at1 > 0) putSpan(bytes, this.#at1, this.#attempt0, this.#attempt1);
    if (this.#at2 > 0) putSpan(bytes, this.#at2, this.#attempt0, this.#attempt1);
    return wordText(this.#attempt0) + wordText(this.#attempt1);
  }

  /** What goes into the record. Shape: undefined when nothing is recorded. */
  ids(): TraceIds | undefined {
    if (!this.sampled) return undefined;
    return {
      traceId: wordText(this.#trace0) + wordText(this.#trace1) + wordText(this.#trace2) +
        wordText(this.#trace3),
      spanId: wordText(this.#span0) + wordText(this.#span1),
      ...(this.#hasParent ? { parentId: wordText(this.#parent0) + wordText(this.#parent1) } : {}),
      ...(this.#state === undefined ? {} : { state: this.#state }),
    };
  }
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function put(bytes: Uint8Array, at: number, source: Uint8Array): number {
  for (let index = 0; index < source.length; index++) bytes[at + index] = source[index]!;
  return at + source.length;
}

function putSpan(bytes: Uint8Array, at: number, high: number, low: number): number {
  writeWord(bytes, at, high);
  writeWord(bytes, at + 8, low);
  return at + 16;
}

function putEnd(bytes: Uint8Array, at: number): number {
  bytes[at] = 13;
  bytes[at + 1] = 10;
  return at + 2;
}

/** A word at random. Shape: never 0, so that no identifier is all zeros, which would be none. */
function randomWord(random: Random): number {
  return Math.floor(random() * 0xffff_ffff) + 1;
}
