/** The border between the planes: every message that crosses it, as plain values that survive structured cloning. */
import type { Address } from "../core/address.ts";
import type { FailureCode } from "../core/errors.ts";
import type { ExplainQuestion, Explanation, ObservePolicy } from "./observe.ts";
import type { RecordBatch } from "./record_batch.ts";
import type { DataPolicy } from "./policy.ts";

export type ListenerRole = "outbound" | "inbound";

/** A listening socket: shared by descriptor (native), or opened by the thread itself (portable). */
export interface ListenerSpec {
  readonly role: ListenerRole;
  readonly address: Address;
  /** Native only: the open descriptor, owned by control. */
  readonly fd?: number;
}

export type NetKind = "native" | "portable";

/** One address to dial. Equal `host` and `port` in two snapshots mean the same endpoint: its state is carried over. */
export interface EndpointSnapshot {
  /** IPv4 or IPv6 literal without brackets; control has resolved names. */
  readonly host: string;
  readonly port: number;
  readonly instanceId: string;
  readonly version: string;
  /** True when the registry says that a mesher sidecar listens there: its private headers may be believed. */
  readonly mesher: boolean;
  /** Its slots in the counters; none when all are taken. */
  readonly slot?: number;
  readonly region?: string;
  readonly zone?: string;
  /** Properties of the instance, for subsets. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Relative to the others; 1 where nothing is said. */
  readonly weight?: number;
}

/** The whole endpoint set of one service at one moment. */
export interface ClusterSnapshot {
  /** The name as the registry spells it. */
  readonly service: string;
  /** Counter block (counters.ts) of the service, the same in every thread. */
  readonly block: number;
  readonly endpoints: readonly EndpointSnapshot[];
  /** Instances that exist but cannot be used, with the reason; for the failure text only. */
  readonly unusable: readonly string[];
}

/** What choosing among endpoints takes before one of them is called. */
export interface RecordKind {
  readonly weight: number;
  readonly zone?: string;
  readonly region?: string;
}

/** Records as bytes (record_pack.ts), which structured cloning does not copy. */
export interface PackedRecords {
  readonly count: number;
  /** Each kind that occurs, once. */
  readonly kinds: readonly RecordKind[];
  readonly bytes: SharedArrayBuffer;
}

/** Records that a change brings. */
export type ChangeRecords =
  | { readonly kind: "few"; readonly records: readonly EndpointSnapshot[] }
  /** So many that a thread reads only those that it calls. */
  | { readonly kind: "many"; readonly records: PackedRecords };

/** A newer set of a service, told by what differs from the one that the thread was sent last. */
export interface ClusterChange {
  readonly service: string;
  readonly block: number;
  /** Number of the set that is changed; 0: none, the change puts the whole set together. */
  readonly base: number;
  /** Number of the set that results. */
  readonly number: number;
  /**
   * Stretches that are replaced, in ascending order, three numbers each: position in the set that is changed, how many
   * leave there, how many of `added` come there.
   */
  readonly splices: readonly number[];
  /** In the order of the new set. */
  readonly added: ChangeRecords;
  /**
   * Added ones that only moved or whose record is another, three numbers each: index in `added`, position in the old
   * set, 1 if another instance is behind the address now, else 0.
   */
  readonly kept: readonly number[];
  readonly unusable: readonly string[];
}

/** Who a name is, as control found out. */
export type Resolution =
  /** A service; its cluster was posted before this answer. */
  | { readonly kind: "service"; readonly service: string }
  /** Two services differ only by case; the caller has to choose. */
  | { readonly kind: "ambiguous"; readonly names: readonly string[] }
  /** The registry knows no such service; `detail` says what was looked for and where. */
  | { readonly kind: "unknown"; readonly detail: string }
  | { readonly kind: "registry_down"; readonly detail: string }
  /** A host outside the mesh, with all its addresses in the order of the system's resolver. */
  | { readonly kind: "host"; readonly addresses: readonly string[] }
  | { readonly kind: "host_unknown"; readonly detail: string };

export interface ThreadStart {
  readonly kind: "start";
  /** Index of the thread, 0-based. */
  readonly thread: number;
  readonly net: NetKind;
  /** eventfd that ends epoll_wait; -1 for portable threads. */
  readonly wakeFd: number;
  /** Int32Array(1): sequence number of the newest message posted to this thread. */
  readonly sequence: SharedArrayBuffer;
  /** Float64Array laid out by counters.ts. */
  readonly counters: SharedArrayBuffer;
  /** Cells of rate limits (limits.ts), the same for all threads. */
  readonly limits: SharedArrayBuffer;
  /** `performance.timeOrigin` of control, by which threads agree on a time. Units: milliseconds. */
  readonly originMs: number;
  /** Uint8Array with a 1 for every descriptor the thread has open, so that control can close them if it dies. */
  readonly descriptors: SharedArrayBuffer;
  readonly listeners: readonly ListenerSpec[];
  readonly policy: DataPolicy;
  readonly clusters: readonly ClusterSnapshot[];
}

/** Descriptors a thread can have on record; one beyond it is merely not closed if the thread dies. */
export const maxDescriptors = 1 << 17;

/** Control to thread. `sequence` lets a thread know that it has everything that was posted before its wake-up. */
export type ToThread =
  & { readonly sequence: number }
  & (
    | ThreadMessage
    | { readonly kind: "stop" }
  );

export type ThreadMessage =
  | { readonly kind: "policy"; readonly policy: DataPolicy }
  /** Who wants records of requests from now on. */
  | { readonly kind: "observe"; readonly observe: ObservePolicy }
  /** What would become of a request? Answered by `explained`. */
  | { readonly kind: "explain"; readonly question: ExplainQuestion }
  /** `number`: what later changes name the set by. */
  | { readonly kind: "cluster"; readonly cluster: ClusterSnapshot; readonly number?: number }
  /** Made of `cluster` on the way to a thread: what it has already is not sent again. */
  | { readonly kind: "cluster_change"; readonly change: ClusterChange }
  /** The service is no longer followed; the thread forgets it and asks again when needed. */
  | { readonly kind: "cluster_gone"; readonly service: string }
  /** The answer holds for `validMs`; for a service it holds until cluster_gone. */
  | {
    readonly kind: "resolved";
    readonly name: string;
    readonly resolution: Resolution;
    readonly validMs: number;
  }
  /** Control probed an endpoint that threads had passed over. */
  | {
    readonly kind: "verdict";
    readonly service: string;
    readonly host: string;
    readonly port: number;
    readonly healthy: boolean;
  }
  /**
   * announce: inbound answers say that this sidecar drains and close their connections.
   * close_inbound, close_outbound: the listeners close, idle connections too, open requests finish.
   */
  | { readonly kind: "drain"; readonly phase: "announce" | "close_inbound" | "close_outbound" };

/** One failure, for the log and the page. */
export interface FailureReport {
  readonly at: number;
  readonly role: ListenerRole;
  readonly code: FailureCode;
  readonly status: number;
  readonly method: string;
  readonly target: string;
  readonly service: string;
  readonly endpoint: string;
  readonly attempts: number;
  readonly detail: string;
}

/** Thread to control. */
export type FromThread =
  | { readonly kind: "listening"; readonly role: ListenerRole; readonly address: Address }
  | { readonly kind: "started" }
  | { readonly kind: "acknowledged"; readonly revision: number }
  /** Who is this name? Asked once per name; the answer is a `resolved` message. */
  | { readonly kind: "resolve"; readonly name: string }
  /** No endpoint of the service is left to try; is there a newer set? */
  | { readonly kind: "refresh"; readonly service: string }
  /** A change came for a set that this thread does not have; the whole set has to be sent. */
  | { readonly kind: "cluster_gap"; readonly service: string }
  /** An endpoint could not be reached and is passed over; control probes it and sends a verdict. */
  | {
    readonly kind: "suspect";
    readonly service: string;
    readonly host: string;
    readonly port: number;
    readonly reason: string;
  }
  /** A batch, at most every 100 ms; `dropped` failures did not fit. */
  | {
    readonly kind: "failures";
    readonly failures: readonly FailureReport[];
    readonly dropped: number;
  }
  /** Requests that someone wanted to see, at most every 100 ms; `dropped` ones did not fit. */
  | { readonly kind: "records"; readonly batch: RecordBatch; readonly dropped: number }
  | { readonly kind: "explained"; readonly id: number; readonly explanation: Explanation }
  /** Native listener errors such as an exhausted descriptor table. */
  | { readonly kind: "trouble"; readonly message: string }
  | { readonly kind: "fatal"; readonly message: string }
  | { readonly kind: "stopped" };
