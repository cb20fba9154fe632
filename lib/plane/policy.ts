/** What a data thread has to know of the configuration, as one plain value that is replaced whole. */
import type { Address } from "../core/address.ts";
import type { TrafficPolicy } from "../core/traffic.ts";
import type { LocalPort } from "../core/types.ts";

/** Units: every `Ms` is milliseconds, every `Bytes` bytes. */
export interface DataPolicy {
  /** Grows with every reload. */
  readonly revision: number;
  /** The own service's name; it goes into `x-cse-context`. Undefined for a consumer without a name. */
  readonly service?: string;
  /** Application ports that inbound may reach; the first `rest` one is the default. */
  readonly localPorts: readonly LocalPort[];
  /** Adds a Via field to requests and responses. */
  readonly via: boolean;
  /** Own listeners and admin address; a request to one of them is a loop. */
  readonly ownAddresses: readonly Address[];
  readonly timeouts: {
    readonly connectMs: number;
    /** From the first byte of a request head to its last. */
    readonly headMs: number;
    /** A client connection without a request. */
    readonly idleMs: number;
    /** A body in either direction that does not move. */
    readonly bodyIdleMs: number;
    /** An unused upstream connection in the pool. */
    readonly poolIdleMs: number;
    /** How long a request waits for control to say who a name is. */
    readonly resolveMs: number;
    /** A tunnel without traffic in either direction. */
    readonly tunnelIdleMs: number;
  };
  readonly limits: {
    readonly headBytes: number;
    readonly headFields: number;
    /** Request bodies up to this size are kept for a second attempt; larger ones stream. */
    readonly replayBytes: number;
    /** Client connections of one thread; beyond it accepting pauses. */
    readonly connections: number;
    readonly hops: number;
    /** Requests of one thread that wait for one name. */
    readonly parked: number;
  };
  /** How long an endpoint that refused a connection is passed over when control says nothing sooner. */
  readonly ejectMs: number;
  /**
   * How calls are balanced, protected and routed. Retry budgets in it are this thread's share; rates are the whole ones,
   * counted in memory that all threads share; limits on requests under way hold for each thread.
   */
  readonly traffic: TrafficPolicy;
  /** Paths of the own application's health checks: calls to them are never limited. */
  readonly healthPaths: readonly string[];
}
