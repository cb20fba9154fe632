/** The newest set of every service, and the messages that bring a data thread up to date with them. */
import { changeBetween, type NumberedSet, wholeChange } from "./cluster_change.ts";
import type { ClusterChange, ClusterSnapshot, ThreadMessage } from "./messages.ts";

/** A set up to this size is sent whole whenever it changes: it costs less than finding out what differs. */
const smallSet = 64;
/** A set up to this size is there before the thread serves anybody. */
const startSet = 256;

/** The sets as one thread was sent them last, by service. Shape: number 0 for one that no change can build upon. */
export type HeldSets = Map<string, NumberedSet>;

export class ClusterPosts {
  readonly #sets = new Map<string, NumberedSet>();
  #number = 0;
  /** Made last: the other threads mostly need the same one. */
  #made: { base: NumberedSet | undefined; set: NumberedSet; change: ClusterChange } | undefined;

  constructor(clusters: readonly ClusterSnapshot[]) {
    for (const cluster of clusters) this.put(cluster);
  }

  put(cluster: ClusterSnapshot): void {
    this.#sets.set(cluster.service, { number: ++this.#number, cluster });
  }

  delete(service: string): void {
    this.#sets.delete(service);
    if (this.#made?.set.cluster.service === service) this.#made = undefined;
  }

  /** What a new thread begins with; it is sent the larger sets while it serves already. */
  begin(): { readonly clusters: readonly ClusterSnapshot[]; readonly held: HeldSets } {
    const clusters: ClusterSnapshot[] = [];
    const held: HeldSets = new Map();
    for (const [service, { cluster }] of this.#sets) {
      if (cluster.endpoints.length > startSet) continue;
      clusters.push(cluster);
      held.set(service, { number: 0, cluster });
    }
    return { clusters, held };
  }

  /** The services of which the thread was sent nothing yet. */
  missing(held: HeldSets): readonly string[] {
    return [...this.#sets.keys()].filter((service) => !held.has(service));
  }

  /**
   * The message with which a thread has the newest set of a service, which is noted as sent.
   *
   * Shape: undefined for a service that is not followed.
   */
  next(held: HeldSets, service: string): ThreadMessage | undefined {
    const set = this.#sets.get(service);
    if (set === undefined) return undefined;
    const base = held.get(service);
    held.set(service, set);
    const { cluster, number } = set;
    if (cluster.endpoints.length <= smallSet) return { kind: "cluster", cluster, number };
    return { kind: "cluster_change", change: this.#change(base, set) };
  }

  #change(base: NumberedSet | undefined, set: NumberedSet): ClusterChange {
    const made = this.#made;
    if (made !== undefined && made.base === base && made.set === set) return made.change;
    const usable = base !== undefined && base.number > 0 &&
      base.cluster.block === set.cluster.block;
    const change = usable ? changeBetween(base, set) : wholeChange(set);
    this.#made = { base, set, change };
    return change;
  }
}
