/** Clusters of many endpoints as a data thread gets them: packed, and not read before somebody has them. */
import type { Place } from "../../lib/data/balance/locality.ts";
import { Cluster } from "../../lib/data/cluster/cluster.ts";
import { IncomingChange } from "../../lib/data/cluster/incoming.ts";
import { changeBetween, wholeChange } from "../../lib/plane/cluster_change.ts";
import { blockBase, counterBytes } from "../../lib/plane/counters.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../lib/plane/messages.ts";
import type { FakeSocket } from "./fake_socket.ts";
import { changedService, defaultServicePolicy, type ServiceChanges } from "./policy.ts";

export interface Connection {
  readonly socket: FakeSocket;
}

/** Endpoints with ports from `first` on. */
export function records(
  count: number,
  { first = 1, more = () => ({}) }: {
    readonly first?: number;
    readonly more?: (port: number) => Partial<EndpointSnapshot>;
  } = {},
): EndpointSnapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    host: "10.0.0.1",
    port: first + index,
    instanceId: `i${first + index}`,
    version: "1.0.0",
    mesher: false,
    ...more(first + index),
  }));
}

export class LargeCluster {
  readonly cluster: Cluster<Connection>;
  readonly counters = new Float64Array(counterBytes / 8);
  /** Steps that the last set took. */
  steps = 0;
  #set: { readonly number: number; readonly cluster: ClusterSnapshot } | undefined;

  /** Shape: `read` is for one like those that are never large: it reads each set when it comes. */
  constructor({ calls = {}, place = {}, read = false }: {
    readonly calls?: ServiceChanges;
    readonly place?: Place;
    readonly read?: boolean;
  } = {}) {
    this.#read = read;
    this.cluster = new Cluster<Connection>(snapshot([]), {
      gauge: { idle: 0 },
      policy: changedService(defaultServicePolicy, calls),
      place,
      random: () => 0.3,
      clock: { now: () => 0, sleep: () => new Promise<void>(() => {}) },
      counters: this.counters,
      base: blockBase(3),
      inOrder: false,
    });
  }

  readonly #read: boolean;

  /** The next set, as a change of the last one. */
  set(endpoints: readonly EndpointSnapshot[]): void {
    const before = this.#set;
    const next = { number: (before?.number ?? 0) + 1, cluster: snapshot(endpoints) };
    this.#set = next;
    const change = before === undefined ? wholeChange(next) : changeBetween(before, next);
    const incoming = new IncomingChange(this.cluster, structuredClone(change));
    this.steps = 1;
    while (!incoming.step()) this.steps++;
    if (this.#read) void this.cluster.endpoints;
  }

  get unread(): number {
    return this.cluster.roster.unread;
  }
}

function snapshot(endpoints: readonly EndpointSnapshot[]): ClusterSnapshot {
  return { service: "shop", block: 3, endpoints, unusable: [] };
}
