/** Consistent hash: equal keys go to the same endpoint, and few of them move when the endpoints change. */
import type { Balancer, PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { mixHash } from "../../core/hash.ts";
import { LeastRequest } from "./least_request.ts";
import { PerList } from "./per_list.ts";
import { SlotTable } from "./slot_table.ts";
import type { WarmUp } from "./warm_up.ts";

/** Calls under way, for an average weight, up to which an owner keeps all of its keys. */
const freeCalls = 8;
/** How many others are looked at for the calls of an owner with more. */
const alternatives = 3;

export class ConsistentHash implements Balancer {
  readonly #warmUp: WarmUp;
  readonly #keyless: LeastRequest;
  readonly #lists: PerList<SlotTable>;
  /** The newest table, for what the next can take over from it. */
  #newest: SlotTable | undefined;

  constructor(warmUp: WarmUp) {
    this.#warmUp = warmUp;
    this.#keyless = new LeastRequest(warmUp);
    this.#lists = new PerList((candidates) =>
      this.#newest = new SlotTable(candidates, this.#newest)
    );
  }

  pick(candidates: readonly Candidate[], request: PickRequest): number {
    if (request.hash < 0) return this.#keyless.pick(candidates, request);
    const owner = this.owner(candidates, request);
    const { open, weight } = candidates[owner]!;
    if (open <= freeCalls) return owner;
    // A key that everybody wants at once may use a few more endpoints, the same ones each time, and only those that
    // are clearly less busy.
    const load = open / weight;
    const table = this.#lists.of(candidates);
    for (let step = 1; step <= alternatives; step++) {
      const index = this.#owner(table, candidates, {
        hash: mixHash(request.hash, step),
        nowMs: request.nowMs,
      });
      const other = candidates[index]!;
      if ((other.open / other.weight) * 2 < load) return index;
    }
    return owner;
  }

  peek(candidates: readonly Candidate[], request: PickRequest): number {
    return this.pick(candidates, request);
  }

  /** The endpoint a key belongs to however busy it is. Shape: an index. */
  owner(
    candidates: readonly Candidate[],
    request: { readonly hash: number; readonly nowMs: number },
  ): number {
    return this.#owner(this.#lists.of(candidates), candidates, request);
  }

  #owner(
    table: SlotTable,
    candidates: readonly Candidate[],
    request: { readonly hash: number; readonly nowMs: number },
  ): number {
    const { hash, nowMs } = request;
    const owner = table.owner(hash);
    const share = this.#warmUp.share(candidates[owner]!, nowMs);
    if (share === 1 || table.threshold(hash, owner) < share) return owner;
    // Keys come over to a newcomer one by one; until then they stay where they were.
    const settled = table.ownerAmong(
      hash,
      (index) => table.threshold(hash, index) < this.#warmUp.share(candidates[index]!, nowMs),
    );
    return settled < 0 ? owner : settled;
  }
}
