/** What is told of single requests: to the access log, to traces and to whoever watches; and what explains one. */
import type { FailureCode } from "../core/errors.ts";
import type { TrafficPolicy } from "../core/traffic.ts";
import type { ListenerRole } from "./messages.ts";

/** Who wants to see requests. Nobody: a request costs one comparison. */
export interface ObservePolicy {
  /** Share of requests in the access log, in [0, 1]. Failures that the sidecar made are reported always. */
  readonly logShare: number;
  /** Undefined: no spans are made; trace fields pass through untouched. */
  readonly tracing?: TracingPolicy;
  readonly taps: readonly TapFilter[];
}

export interface TracingPolicy {
  /** Of requests whose caller has not decided, in [0, 1]. */
  readonly share: number;
  /** Spans a second of one thread begun here, at most; 0: no bound. */
  readonly perSecond: number;
  /** Formats written where the caller sent none. */
  readonly write: readonly ("w3c" | "b3" | "b3multi")[];
}

/** Every member that is there has to fit. */
export interface TapFilter {
  readonly id: number;
  readonly role?: ListenerRole;
  readonly service?: string;
  readonly method?: string;
  readonly pathPrefix?: string;
  /** Of the status, as 200 or 2 for its class. */
  readonly status?: number;
  readonly failuresOnly?: boolean;
  /** Records a second of one thread, at most. */
  readonly perSecond: number;
}

/** Units: milliseconds; `...Ms` of an attempt counts from the request's beginning. */
export interface AttemptRecord {
  readonly endpoint: string;
  readonly startMs: number;
  /** Undefined when no byte of an answer came. */
  readonly firstByteMs?: number;
  readonly endMs: number;
  readonly status?: number;
  readonly code?: FailureCode;
  /** 16 hex digits; with tracing only. */
  readonly spanId?: string;
}

export interface TraceIds {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentId?: string;
  readonly state?: string;
}

/** One finished request. Secrets are not in it: no query, no fields. Units: milliseconds, bytes of bodies. */
export interface RequestRecord {
  /** Since 1970. */
  readonly at: number;
  readonly role: ListenerRole;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** As the caller wrote it. */
  readonly authority: string;
  readonly service: string;
  /** Service that calls, where it is known. */
  readonly caller: string;
  readonly client: string;
  readonly route?: string;
  /** As sent; 499 when the client left before its answer began. */
  readonly status: number;
  readonly code?: FailureCode;
  readonly detail?: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
  readonly firstByteMs?: number;
  /** What the sidecar itself took. */
  readonly ownMs: number;
  readonly attempts: readonly AttemptRecord[];
  readonly trace?: TraceIds;
  /** Whether it is for the access log, and the taps that asked for it. */
  readonly logged: boolean;
  readonly taps: readonly number[];
}

export interface ExplainQuestion {
  readonly id: number;
  readonly method: string;
  /** Absolute: http://Service:port/path?query. */
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** What a data thread would do with a request; nothing was sent and no counter moved. */
export interface Explanation {
  /** Steps in the order they would be taken, in plain words. */
  readonly steps: readonly { readonly step: string; readonly result: string }[];
  readonly service?: string;
  readonly route?: string;
  readonly candidates: readonly {
    readonly endpoint: string;
    readonly instanceId: string;
    readonly state: string;
    /** Undefined: it may be picked. */
    readonly excluded?: string;
    readonly share?: number;
  }[];
  readonly pick?: string;
  /** The failure it would end in at once. */
  readonly failure?: { readonly code: FailureCode; readonly detail: string };
  readonly policy?: TrafficPolicy["fallback"];
}
