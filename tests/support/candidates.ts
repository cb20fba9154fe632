/** Endpoints as balancers see them, made by hand. */
import { type BalancePolicy, type BalancerKind } from "../../lib/core/traffic.ts";
import type { PickRequest } from "../../lib/data/balance/balancer.ts";
import { type Candidate, freshNumbers } from "../../lib/data/balance/candidate.ts";
import { seeded } from "./seeded.ts";

/** Shape: `10.0.0.1:80` and so on, with the fields given; nothing known yet. */
export function candidate(number: number, fields: Partial<Candidate> = {}): Candidate {
  return { ...freshNumbers, key: `10.0.${number >> 8}.${number & 255}:80`, weight: 1, ...fields };
}

/** Candidates 1 to `count`. */
export function candidatesOf(count: number, fields: Partial<Candidate> = {}): Candidate[] {
  return Array.from({ length: count }, (_, index) => candidate(index + 1, fields));
}

export function weighted(weights: readonly number[]): Candidate[] {
  return weights.map((weight, index) => candidate(index + 1, { weight }));
}

/** A request without key or session at time 1,000. */
export function request(seed: number, fields: Partial<PickRequest> = {}): PickRequest {
  return { nowMs: 1_000, random: seeded(seed), hash: -1, stickyId: "", ...fields };
}

export function balancePolicy(
  kind: BalancerKind,
  fields: Partial<BalancePolicy> = {},
): BalancePolicy {
  return {
    kind,
    hashOn: { kind: "header", name: "x-user" },
    slowStartMs: 30_000,
    locality: "off",
    decayMs: 10_000,
    stickyIdleMs: 300_000,
    stickyFailures: 5,
    ...fields,
  };
}

/** How often each index came up. */
export function tally(count: number, picks: Iterable<number>): number[] {
  const counts = Array<number>(count).fill(0);
  for (const index of picks) counts[index]!++;
  return counts;
}
