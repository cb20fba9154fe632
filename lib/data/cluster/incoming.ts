/** A change of a cluster's set on its way in: piece by piece, and then all at once. */
import type { ClusterChange, EndpointSnapshot } from "../../plane/messages.ts";
import type { Poolable } from "../net/pool.ts";
import type { Cluster } from "./cluster.ts";
import type { EndpointState } from "./endpoint.ts";

export class IncomingChange<Connection extends Poolable> {
  readonly #cluster: Cluster<Connection>;
  readonly #change: ClusterChange;
  /** Position in the set before, by index among those that come. */
  readonly #kept = new Map<number, number>();
  readonly #joining: EndpointState<Connection>[] = [];
  /** Newer records of endpoints that stay, by index among those that come. */
  readonly #records = new Map<number, EndpointSnapshot>();

  /** Shape: the cluster has the set that the change was made for, and no other until `finish`. */
  constructor(cluster: Cluster<Connection>, change: ClusterChange) {
    this.#cluster = cluster;
    this.#change = change;
    const { kept } = change;
    for (let at = 0; at < kept.length; at += 2) this.#kept.set(kept[at]!, kept[at + 1]!);
  }

  /** Takes the next records. Nobody sees anything of them yet. */
  take(records: readonly EndpointSnapshot[]): void {
    const { endpoints } = this.#cluster;
    for (const record of records) {
      const index = this.#joining.length;
      const was = this.#kept.get(index);
      if (was === undefined) {
        this.#joining.push(this.#cluster.join(record));
        continue;
      }
      this.#joining.push(endpoints[was]!);
      this.#records.set(index, record);
    }
  }

  /** Makes the newer set the cluster's. */
  finish(): void {
    const { splices, unusable } = this.#change;
    const before = this.#cluster.endpoints;
    const staying = new Set<EndpointState<Connection>>();
    let reweighted = false;
    for (const [index, record] of this.#records) {
      const endpoint = this.#joining[index]!;
      staying.add(endpoint);
      if (endpoint.update(record)) reweighted = true;
    }
    const stretches: EndpointState<Connection>[][] = [];
    const left: EndpointState<Connection>[] = [];
    let from = 0;
    let joined = 0;
    for (let index = 0; index < splices.length; index += 3) {
      const at = splices[index]!;
      const end = at + splices[index + 1]!;
      const count = splices[index + 2]!;
      stretches.push(before.slice(from, at), this.#joining.slice(joined, joined + count));
      for (from = at; from < end; from++) {
        if (!staying.has(before[from]!)) left.push(before[from]!);
      }
      joined += count;
    }
    stretches.push(before.slice(from));
    const none: EndpointState<Connection>[] = [];
    this.#cluster.setEndpoints(none.concat(...stretches), { left, reweighted, unusable });
  }
}
