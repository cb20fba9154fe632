/** Turns believed sets into cluster snapshots and posts them, newest last, one service at a time. */
import type { ClusterSnapshot } from "../../plane/messages.ts";
import { clusterOf, type ClusterOptions, type ResolvedSet, resolveSet } from "./cluster.ts";
import type { ServiceSet } from "./service_set.ts";

export interface ClusterFeedOptions {
  readonly blockOf: (service: string) => number;
  readonly lookupHost: ClusterOptions["lookupHost"];
  /** Puts in which counter slots the endpoints have; left out where nobody looks at them. */
  readonly slotted?: (cluster: ClusterSnapshot) => ClusterSnapshot;
  readonly post: (cluster: ClusterSnapshot) => void;
  readonly gone: (service: string) => void;
}

export class ClusterFeed {
  readonly #options: ClusterFeedOptions;
  /** The newest set of each service; an older one that is still being resolved is not posted any more. */
  readonly #newest = new Map<string, ServiceSet>();
  readonly #posted = new Map<string, ClusterSnapshot>();
  /** What was found for the set of each service that was posted last: most of the next one is the same. */
  readonly #resolved = new Map<string, ResolvedSet>();
  readonly #working = new Map<string, Promise<void>>();

  constructor(options: ClusterFeedOptions) {
    this.#options = options;
  }

  /** The sets as they were posted last. */
  get clusters(): ReadonlyMap<string, ClusterSnapshot> {
    return this.#posted;
  }

  publish(set: ServiceSet): void {
    this.#newest.set(set.service, set);
    const { blockOf, lookupHost } = this.#options;
    const { service } = set;
    const block = blockOf(service);
    const work = resolveSet(set, { lookupHost }, this.#resolved.get(service)).then((resolved) => {
      if (this.#newest.get(service) !== set) return;
      const found = clusterOf(service, resolved, block);
      const cluster = this.#options.slotted?.(found) ?? found;
      this.#resolved.set(service, resolved);
      this.#posted.set(service, cluster);
      this.#options.post(cluster);
    });
    this.#working.set(set.service, work);
  }

  forget(service: string): void {
    this.#newest.delete(service);
    this.#posted.delete(service);
    this.#resolved.delete(service);
    this.#working.delete(service);
    this.#options.gone(service);
  }

  /** Resolves once the newest set of the service was posted. */
  async settled(service: string): Promise<void> {
    let work: Promise<void> | undefined;
    while (work !== this.#working.get(service)) {
      work = this.#working.get(service);
      await work;
    }
  }

  /** Posts the newest set once more, for threads that asked whether there is a newer one. */
  async repeat(service: string): Promise<void> {
    await this.settled(service);
    const cluster = this.#posted.get(service);
    if (cluster !== undefined) this.#options.post(cluster);
  }
}
