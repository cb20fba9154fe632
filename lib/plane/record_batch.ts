/** Records of requests on their way between threads: numbers in one block and every text once, which is cheap to copy. */
import type { FailureCode } from "../core/errors.ts";
import { readWord, wordText } from "../core/hex.ts";
import type { ListenerRole } from "./messages.ts";
import type { AttemptRecord, RequestRecord, TraceIds } from "./observe.ts";

/** What `RecordPacker` has packed and `recordsIn` unpacks. */
export interface RecordBatch {
  readonly count: number;
  /** Shape: members of one record after the other; texts by their place among the texts. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/** A value whose members may be undefined instead of lacking. */
export type Unpacked<Value> = { readonly [Key in keyof Value]: Value[Key] | undefined };

/** What a packer takes. Shape: what a record must have it must have here. */
export type RecordParts =
  & Omit<RequestRecord, "route" | "code" | "detail" | "firstByteMs" | "trace">
  & Unpacked<Pick<RequestRecord, "route" | "code" | "detail" | "firstByteMs" | "trace">>;

/** Numbers of a record, of each of its attempts, and of each tap. */
const perRecord = 28, perAttempt = 8;
const firstRoom = 1024;
/** The place of a text that is not there. */
const none = -1;
const inbound = 1, logged = 2;

/** Gathers records. */
export class RecordPacker {
  #numbers = new Float64Array(firstRoom);
  #length = 0;
  #count = 0;
  #texts: string[] = [];
  readonly #places = new Map<string, number>();

  get count(): number {
    return this.#count;
  }

  add(record: RecordParts): void {
    const { attempts, taps, trace } = record;
    const length = perRecord + attempts.length * perAttempt + taps.length;
    const numbers = this.#withRoom(length);
    let at = this.#length;
    numbers[at++] = record.at;
    numbers[at++] = (record.role === "inbound" ? inbound : 0) | (record.logged ? logged : 0);
    numbers[at++] = this.#shared(record.method);
    numbers[at++] = this.#shared(record.path);
    numbers[at++] = this.#shared(record.authority);
    numbers[at++] = this.#shared(record.service);
    numbers[at++] = this.#shared(record.caller);
    numbers[at++] = this.#shared(record.client);
    numbers[at++] = this.#shared(record.route);
    numbers[at++] = record.status;
    numbers[at++] = this.#shared(record.code);
    numbers[at++] = this.#shared(record.detail);
    numbers[at++] = record.requestBytes;
    numbers[at++] = record.responseBytes;
    numbers[at++] = record.durationMs;
    numbers[at++] = record.firstByteMs ?? NaN;
    numbers[at++] = record.ownMs;
    at = putDigits(numbers, at, trace?.traceId, 0);
    at = putDigits(numbers, at, trace?.traceId, 16);
    at = putDigits(numbers, at, trace?.spanId, 0);
    at = putDigits(numbers, at, trace?.parentId, 0);
    numbers[at++] = this.#shared(trace?.state);
    numbers[at++] = attempts.length;
    numbers[at++] = taps.length;
    for (let index = 0; index < attempts.length; index++) {
      const attempt = attempts[index]!;
      numbers[at++] = this.#shared(attempt.endpoint);
      numbers[at++] = attempt.startMs;
      numbers[at++] = attempt.firstByteMs ?? NaN;
      numbers[at++] = attempt.endMs;
      numbers[at++] = attempt.status ?? NaN;
      numbers[at++] = this.#shared(attempt.code);
      at = putDigits(numbers, at, attempt.spanId, 0);
    }
    for (let index = 0; index < taps.length; index++) numbers[at++] = taps[index]!;
    this.#length = at;
    this.#count++;
  }

  #withRoom(length: number): Float64Array<ArrayBuffer> {
    const wanted = this.#length + length;
    if (wanted > this.#numbers.length) {
      const before = this.#numbers;
      this.#numbers = new Float64Array(Math.max(wanted, before.length * 2));
      this.#numbers.set(before);
    }
    return this.#numbers;
  }

  #shared(text: string | undefined): number {
    if (text === undefined) return none;
    let place = this.#places.get(text);
    if (place === undefined) {
      place = this.#texts.push(text) - 1;
      this.#places.set(text, place);
    }
    return place;
  }

  /** Gives what has been gathered and begins anew. */
  take(): RecordBatch {
    const batch = {
      count: this.#count,
      numbers: this.#numbers.slice(0, this.#length),
      texts: this.#texts,
    };
    this.#length = this.#count = 0;
    this.#texts = [];
    this.#places.clear();
    return batch;
  }
}

/** 16 hex digits. Identifiers are as good as never the same: as numbers they need no place among the texts. */
function putDigits(
  numbers: Float64Array,
  at: number,
  digits: string | undefined,
  from: number,
): number {
  numbers[at] = digits === undefined ? none : readWord(digits, from);
  numbers[at + 1] = digits === undefined ? none : readWord(digits, from + 8);
  return at + 2;
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** The records of a batch in their order; each is made when it is asked for. */
export function* recordsIn({ count, numbers, texts }: RecordBatch): Generator<RequestRecord> {
  const reader = new Reader(numbers, texts);
  for (let index = 0; index < count; index++) yield reader.record();
}

class Reader {
  readonly #numbers: Float64Array;
  readonly #texts: readonly string[];
  #at = 0;

  constructor(numbers: Float64Array, texts: readonly string[]) {
    this.#numbers = numbers;
    this.#texts = texts;
  }

  #number(): number {
    return this.#numbers[this.#at++]!;
  }

  #numberOrNone(): number | undefined {
    const number = this.#numbers[this.#at++]!;
    return Number.isNaN(number) ? undefined : number;
  }

  #text(): string {
    return this.#texts[this.#numbers[this.#at++]!]!;
  }

  #textOrNone(): string | undefined {
    const place = this.#numbers[this.#at++]!;
    return place === none ? undefined : this.#texts[place];
  }

  #digitsOrNone(): string | undefined {
    const high = this.#numbers[this.#at++]!;
    const low = this.#numbers[this.#at++]!;
    return high === none ? undefined : wordText(high) + wordText(low);
  }

  record(): RequestRecord {
    const at = this.#number();
    const flags = this.#number();
    const role: ListenerRole = (flags & inbound) === 0 ? "outbound" : "inbound";
    const attempts: AttemptRecord[] = [];
    const taps: number[] = [];
    const method = this.#text();
    const path = this.#text();
    const authority = this.#text();
    const service = this.#text();
    const caller = this.#text();
    const client = this.#text();
    const route = this.#textOrNone();
    const status = this.#number();
    const code = this.#textOrNone() as FailureCode | undefined;
    const detail = this.#textOrNone();
    const record: Mutable<RequestRecord> = {
      at,
      role,
      method,
      path,
      authority,
      service,
      caller,
      client,
      status,
      requestBytes: this.#number(),
      responseBytes: this.#number(),
      durationMs: this.#number(),
      ownMs: 0,
      attempts,
      logged: (flags & logged) !== 0,
      taps,
    };
    if (route !== undefined) record.route = route;
    if (code !== undefined) record.code = code;
    if (detail !== undefined) record.detail = detail;
    const firstByteMs = this.#numberOrNone();
    if (firstByteMs !== undefined) record.firstByteMs = firstByteMs;
    record.ownMs = this.#number();
    const trace = this.#trace();
    if (trace !== undefined) record.trace = trace;
    const attemptCount = this.#number();
    const tapCount = this.#number();
    for (let index = 0; index < attemptCount; index++) attempts.push(this.#attempt());
    for (let index = 0; index < tapCount; index++) taps.push(this.#number());
    return record;
  }

  #trace(): TraceIds | undefined {
    const high = this.#digitsOrNone();
    const low = this.#digitsOrNone();
    const spanId = this.#digitsOrNone();
    const parentId = this.#digitsOrNone();
    const state = this.#textOrNone();
    if (high === undefined || low === undefined || spanId === undefined) return undefined;
    const trace: Mutable<TraceIds> = { traceId: high + low, spanId };
    if (parentId !== undefined) trace.parentId = parentId;
    if (state !== undefined) trace.state = state;
    return trace;
  }

  #attempt(): AttemptRecord {
    const endpoint = this.#text();
    const startMs = this.#number();
    const firstByteMs = this.#numberOrNone();
    const attempt: Mutable<AttemptRecord> = { endpoint, startMs, endMs: this.#number() };
    if (firstByteMs !== undefined) attempt.firstByteMs = firstByteMs;
    const status = this.#numberOrNone();
    if (status !== undefined) attempt.status = status;
    const code = this.#textOrNone() as FailureCode | undefined;
    if (code !== undefined) attempt.code = code;
    const spanId = this.#digitsOrNone();
    if (spanId !== undefined) attempt.spanId = spanId;
    return attempt;
  }
}
