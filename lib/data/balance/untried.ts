/** The endpoint for another attempt: one that has not had the request yet. */
import type { Balancer, PickRequest } from "./balancer.ts";
import type { Candidate } from "./candidate.ts";
import { mixHash } from "../../core/hash.ts";

/** How often the balancer is asked before any untried candidate will do. */
const asks = 4;

/**
 * Picks by the balancer among those not tried yet.
 *
 * Shape: -1 when all were tried. A key goes to the same second choice each time; a session's binding is neither
 * used nor changed, as one failed attempt does not end it.
 */
export function pickUntried(
  balancer: Balancer,
  candidates: readonly Candidate[],
  request: PickRequest & { readonly tried: readonly Candidate[] },
): number {
  const { nowMs, random, hash, tried } = request;
  for (let ask = 1; ask <= asks && candidates.length > 0; ask++) {
    const index = balancer.pick(candidates, {
      nowMs,
      random,
      hash: hash < 0 ? hash : mixHash(hash, ask),
      stickyId: "",
    });
    if (!tried.includes(candidates[index]!)) return index;
  }
  const count = candidates.length;
  const start = Math.floor(random() * count);
  for (let step = 0; step < count; step++) {
    const index = (start + step) % count;
    if (!tried.includes(candidates[index]!)) return index;
  }
  return -1;
}
