/** The live endpoint set of one service in one data thread, with the state that outlives its snapshots. */
import type { ClusterSnapshot } from "../../plane/messages.ts";
import { nextIndex } from "../balance/round_robin.ts";
import type { Poolable, PoolGauge } from "../net/pool.ts";
import { type BudgetPolicy, RetryBudget } from "../resilience/budget.ts";
import { endpointKey, EndpointState } from "./endpoint.ts";

export interface ClusterOptions {
  readonly gauge: PoolGauge;
  readonly budget: BudgetPolicy;
  readonly nowMs: number;
  /**
   * In [0, 1): where the first round begins, so that a fleet does not start at the same instance. `first`: no rounds,
   * the first usable endpoint is picked every time, as the addresses of one host are ordered for a reason.
   */
  readonly spread: number | "first";
}

export class Cluster<Connection extends Poolable> {
  readonly service: string;
  readonly block: number;
  readonly budget: RetryBudget;
  endpoints: readonly EndpointState<Connection>[] = [];
  unusable: readonly string[] = [];
  readonly #gauge: PoolGauge;
  /** Index of the last pick; -1 throughout for clusters that keep to the order. */
  #last: number;
  readonly #rotates: boolean;

  constructor(snapshot: ClusterSnapshot, options: ClusterOptions) {
    this.service = snapshot.service;
    this.block = snapshot.block;
    this.#gauge = options.gauge;
    this.budget = new RetryBudget(options.budget, options.nowMs);
    this.#rotates = options.spread !== "first";
    this.#last = options.spread === "first"
      ? -1
      : Math.floor(options.spread * Math.max(1, snapshot.endpoints.length));
    this.apply(snapshot);
  }

  /** Takes over a newer set. Endpoints with the same address keep their state and connections. */
  apply(snapshot: ClusterSnapshot): void {
    const before = new Map(this.endpoints.map((endpoint) => [endpoint.key, endpoint]));
    this.endpoints = snapshot.endpoints.map((record) => {
      const key = endpointKey(record);
      const kept = before.get(key);
      if (kept === undefined) return new EndpointState<Connection>(record, this.#gauge);
      before.delete(key);
      kept.update(record);
      return kept;
    });
    this.unusable = snapshot.unusable;
    for (const gone of before.values()) gone.retire();
  }

  find(key: string): EndpointState<Connection> | undefined {
    return this.endpoints.find((endpoint) => endpoint.key === key);
  }

  /**
   * Picks the endpoint of the next attempt.
   *
   * Shape: prefers endpoints that are neither ejected nor draining nor tried already; then, rather than fail, takes
   * ejected and at last draining ones. Undefined when every endpoint was tried.
   * Cost: one look when all are well.
   */
  pick(
    nowMs: number,
    tried: readonly EndpointState<Connection>[] | undefined,
  ): EndpointState<Connection> | undefined {
    const { endpoints } = this;
    const count = endpoints.length;
    if (count === 0) return undefined;
    const next = this.#last + 1 < count ? this.#last + 1 : 0;
    const first = endpoints[next]!;
    if (
      tried === undefined && first.ejectedUntil <= nowMs && first.drainingUntil <= nowMs
    ) {
      if (this.#rotates) this.#last = next;
      return first;
    }
    const untried = (index: number) => !tried?.includes(endpoints[index]!);
    for (
      const usable of [
        (endpoint: EndpointState<Connection>) =>
          endpoint.ejectedUntil <= nowMs && endpoint.drainingUntil <= nowMs,
        (endpoint: EndpointState<Connection>) => endpoint.drainingUntil <= nowMs,
        () => true,
      ]
    ) {
      const index = nextIndex(
        count,
        this.#last,
        (candidate) => usable(endpoints[candidate]!) && untried(candidate),
      );
      if (index >= 0) {
        if (this.#rotates) this.#last = index;
        return endpoints[index];
      }
    }
    return undefined;
  }

  close(): void {
    for (const endpoint of this.endpoints) endpoint.retire();
    this.endpoints = [];
  }
}
