/** Stickiness: a session stays with its endpoint as long as that answers. */
import type { Balancer, PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { ConsistentHash } from "./consistent_hash.ts";
import { hashText, mixHash } from "../../core/hash.ts";
import { PerList } from "./per_list.ts";
import { RoundRobin } from "./round_robin.ts";
import { type SessionRules, StickySessions } from "./sticky_sessions.ts";
import type { WarmUp } from "./warm_up.ts";

/** How many other places are tried for a session that has to move. */
const moves = 4;

/**
 * Shape: a session without a binding goes to the endpoint its id hashes to, so that the other threads, other
 * sidecars and this one after a restart send it to the same place; the binding keeps it there when others come.
 * Requests without a session take turns.
 */
export class Sticky implements Balancer {
  readonly sessions: StickySessions;
  readonly #sessionless: RoundRobin;
  readonly #hash: ConsistentHash;
  readonly #indexes: PerList<ReadonlyMap<string, number>>;

  constructor(warmUp: WarmUp, rules: SessionRules & { readonly spread: number }) {
    this.sessions = new StickySessions(rules);
    this.#sessionless = new RoundRobin(warmUp, rules.spread);
    this.#hash = new ConsistentHash(warmUp);
    this.#indexes = new PerList((candidates) =>
      new Map(candidates.map((candidate, index) => [candidate.key, index]))
    );
  }

  pick(candidates: readonly Candidate[], request: PickRequest): number {
    const { stickyId, nowMs } = request;
    if (stickyId === "") return this.#sessionless.pick(candidates, request);
    const bound = this.bound(candidates, request);
    if (bound >= 0) {
      this.sessions.touch(stickyId, nowMs);
      return bound;
    }
    const index = this.#place(candidates, request);
    this.sessions.bind(stickyId, candidates[index]!.key, nowMs);
    return index;
  }

  peek(candidates: readonly Candidate[], request: PickRequest): number {
    if (request.stickyId === "") return this.#sessionless.peek(candidates);
    const bound = this.bound(candidates, request);
    return bound >= 0 ? bound : this.#place(candidates, request);
  }

  bound(candidates: readonly Candidate[], request: PickRequest): number {
    if (request.stickyId === "") return -1;
    const key = this.sessions.find(request.stickyId, request.nowMs);
    return key === "" ? -1 : this.#indexes.of(candidates).get(key) ?? -1;
  }

  /** Where a session without a binding goes. */
  #place(candidates: readonly Candidate[], request: PickRequest): number {
    const { stickyId, nowMs } = request;
    const avoid = this.sessions.avoided(stickyId, nowMs);
    const hash = hashText(stickyId);
    let index = this.#hash.owner(candidates, { hash, nowMs });
    for (let move = 1; move <= moves && candidates[index]!.key === avoid; move++) {
      index = this.#hash.owner(candidates, { hash: mixHash(hash, move), nowMs });
    }
    if (candidates[index]!.key !== avoid) return index;
    return index + 1 < candidates.length ? index + 1 : 0;
  }
}
