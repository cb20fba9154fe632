/** Who wants to see requests, and the records that go to them: nobody wants any as a rule, and then it costs nothing. */
import type { FailureCode } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import type { AttemptRecord, ObservePolicy, TapFilter } from "../../plane/observe.ts";
import type { ListenerRole } from "../../plane/messages.ts";
import { type RecordBatch, RecordPacker, type RecordParts } from "../../plane/record_batch.ts";
import { Sampler } from "../trace/sampler.ts";
import { formatsOf, type Trace } from "../trace/trace.ts";
import { TraceFields, type TraceFormats } from "../trace/trace_fields.ts";

/** Records of one batch; more are only counted. */
const maxRecords = 2000;
const batchMs = 100;

export interface ObserverOptions {
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  readonly random: Random;
  readonly post: (records: { batch: RecordBatch; dropped: number }) => void;
}

/** A tap with what it may still have this second. */
interface Tap {
  readonly filter: TapFilter;
  secondAtMs: number;
  left: number;
}

export class Observer {
  /** Whether requests leave a trail at all. */
  active = false;
  /** Gathered anew for every request that is traced. */
  readonly traceFields = new TraceFields();
  traceFormats: TraceFormats = 0;
  sampler: Sampler | undefined;
  readonly #options: ObserverOptions;
  #logShare = 0;
  #taps: readonly Tap[] = [];
  readonly #records = new RecordPacker();
  #dropped = 0;
  #sending = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  setPolicy({ logShare, taps, tracing }: ObservePolicy): void {
    const known = new Map(this.#taps.map((tap) => [tap.filter.id, tap]));
    this.#taps = taps.map((filter) => {
      const { secondAtMs = -Infinity, left = 0 } = known.get(filter.id) ?? {};
      return { filter, secondAtMs, left };
    });
    this.#logShare = logShare;
    this.sampler = tracing === undefined ? undefined : new Sampler(tracing);
    this.traceFormats = tracing === undefined ? 0 : formatsOf(tracing.write);
    this.active = logShare > 0 || taps.length > 0 || tracing !== undefined;
  }

  /** Whether there is an access log; whatever its share, it gets the failures that are made here. */
  get keepsFailures(): boolean {
    return this.#logShare > 0;
  }

  /** Whether what becomes of a request decides if anybody wants its record. */
  get decidesLate(): boolean {
    return this.#taps.length > 0 || this.#logShare > 0;
  }

  /** Whether the access log wants the next request. */
  logs(): boolean {
    return this.#logShare > 0 && this.#options.random() < this.#logShare;
  }

  /** The taps that want a request. */
  tapsFor(request: TapFacts): readonly number[] {
    if (this.#taps.length === 0) return [];
    const nowMs = this.#options.clock.now();
    return this.#taps.filter((tap) => fits(tap.filter, request) && spend(tap, nowMs)).map((tap) =>
      tap.filter.id
    );
  }

  /** Whether one more record fits into the batch; where it does not, it is only counted. */
  hasRoom(): boolean {
    if (this.#records.count < maxRecords) return true;
    this.#dropped++;
    return false;
  }

  /** Shape: to be called only where there is room. */
  push(record: RecordParts): void {
    this.#records.add(record);
    if (this.#sending) return;
    this.#sending = true;
    this.#options.clock.sleep(batchMs).then(() => this.flush());
  }

  flush(): void {
    this.#sending = false;
    if (this.#records.count === 0) return;
    this.#options.post({ batch: this.#records.take(), dropped: this.#dropped });
    this.#dropped = 0;
  }
}

export type TapFacts = Pick<
  RecordParts,
  "role" | "service" | "method" | "path" | "status" | "code"
>;

function fits(filter: TapFilter, request: TapFacts): boolean {
  const { failuresOnly, method, pathPrefix, role, service, status } = filter;
  return (role === undefined || role === request.role) &&
    (service === undefined || service.toLowerCase() === request.service.toLowerCase()) &&
    (method === undefined || method === request.method) &&
    (pathPrefix === undefined || request.path.startsWith(pathPrefix)) &&
    (status === undefined || status === request.status ||
      status === Math.floor(request.status / 100)) &&
    (failuresOnly !== true || request.code !== undefined || request.status >= 500);
}

function spend(tap: Tap, nowMs: number): boolean {
  if (nowMs - tap.secondAtMs >= 1000) {
    tap.secondAtMs = nowMs;
    tap.left = tap.filter.perSecond;
  }
  return tap.left-- > 0;
}

/** What is remembered of one request while it is under way, for its record. Units: milliseconds. */
export class Trail {
  readonly at = Date.now();
  readonly role: ListenerRole;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly caller: string;
  readonly client: string;
  readonly logged: boolean;
  readonly trace: Trace | undefined;
  ownMs = 0;
  detail = "";
  readonly #startedAtMs: number;
  readonly #attempts: Mutable<AttemptRecord>[] = [];
  /** The attempt that is told of next. */
  #attempt: Mutable<AttemptRecord> | undefined;

  constructor(parts: TrailParts) {
    this.role = parts.role;
    this.method = parts.method;
    this.path = parts.path;
    this.authority = parts.authority;
    this.caller = parts.caller;
    this.client = parts.client;
    this.logged = parts.logged;
    this.trace = parts.trace;
    this.#startedAtMs = parts.startedAtMs;
  }

  attemptBegun(
    endpoint: string,
    { nowMs, spanId }: { readonly nowMs: number; readonly spanId: string | undefined },
  ): void {
    const startMs = nowMs - this.#startedAtMs;
    const attempt: Mutable<AttemptRecord> = { endpoint, startMs, endMs: startMs };
    if (spanId !== undefined) attempt.spanId = spanId;
    this.#attempts.push(attempt);
    this.#attempt = attempt;
  }

  /** Of two attempts side by side, what comes next is about the one at this endpoint. */
  turnTo(endpoint: string): void {
    this.#attempt = this.#attempts.findLast((attempt) => attempt.endpoint === endpoint);
  }

  /** It goes to another address than the one it began with. */
  attemptMoved(endpoint: string): void {
    if (this.#attempt !== undefined) this.#attempt.endpoint = endpoint;
  }

  attemptAnswered(status: number, nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    attempt.status = status;
    attempt.firstByteMs = nowMs - this.#startedAtMs;
  }

  attemptFailed(code: FailureCode): void {
    if (this.#attempt !== undefined) this.#attempt.code = code;
  }

  attemptEnded(nowMs: number): void {
    if (this.#attempt !== undefined) this.#attempt.endMs = nowMs - this.#startedAtMs;
  }

  /** The record of the finished request, where anybody wants it. */
  finish(observer: Observer, end: TrailEnd): void {
    const { service, status, code } = end;
    const { role, method, path, trace } = this;
    const taps = observer.tapsFor({ role, service, method, path, status, code });
    const wanted = this.logged || taps.length > 0 || trace?.sampled === true ||
      (code !== undefined && observer.keepsFailures);
    if (!wanted || !observer.hasRoom()) return;
    observer.push({
      at: this.at,
      role,
      method,
      path,
      authority: this.authority,
      service,
      caller: this.caller,
      client: this.client,
      route: end.route === "" ? undefined : end.route,
      status,
      code,
      detail: this.detail === "" ? undefined : this.detail,
      requestBytes: end.requestBytes,
      responseBytes: end.responseBytes,
      durationMs: end.nowMs - this.#startedAtMs,
      firstByteMs: end.firstByteAtMs === 0 ? undefined : end.firstByteAtMs - this.#startedAtMs,
      ownMs: this.ownMs,
      attempts: this.#attempts,
      trace: trace?.ids(),
      logged: this.logged,
      taps,
    });
  }
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

export interface TrailParts {
  readonly role: ListenerRole;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly caller: string;
  readonly client: string;
  readonly logged: boolean;
  readonly trace: Trace | undefined;
  readonly startedAtMs: number;
}

export interface TrailEnd {
  readonly service: string;
  readonly route: string;
  readonly status: number;
  readonly code: FailureCode | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly firstByteAtMs: number;
  readonly nowMs: number;
}
