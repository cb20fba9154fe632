/** What every balancer offers, and what it is told about the request. */
import type { Random } from "../../core/ports.ts";
import type { Candidate } from "./candidate.ts";
import type { StickySessions } from "./sticky_sessions.ts";

/** What a pick may depend on. One object may be used for all picks: balancers keep nothing of it. */
export interface PickRequest {
  readonly nowMs: number;
  readonly random: Random;
  /** `hashText` of the key the policy hashes on; -1: the request has none. */
  readonly hash: number;
  /** Session the request belongs to; empty: none. */
  readonly stickyId: string;
}

export interface Balancer {
  /**
   * The index of the candidate the next attempt goes to.
   *
   * Shape: `candidates` has at least one entry and is never changed: other membership, weights or health come as
   * another array. Several arrays may be in use side by side (zones, subsets); each has its own round.
   * Cost: no allocation for an array seen before, and no walk over it.
   */
  pick(candidates: readonly Candidate[], request: PickRequest): number;
  /** What `pick` would answer, without moving anything; where chance decides, one possible answer. */
  peek(candidates: readonly Candidate[], request: PickRequest): number;
  /**
   * The index a session is bound to; -1: to none of these.
   *
   * Shape: only where the policy binds. To be asked with all healthy endpoints before zones narrow the choice, or
   * a session would move with every change of zone.
   */
  bound?(candidates: readonly Candidate[], request: PickRequest): number;
  /** Only where the policy binds: to be told how calls of a session ended. */
  readonly sessions?: StickySessions;
}
