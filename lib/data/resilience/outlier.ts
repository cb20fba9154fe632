/** Passive outlier detection: finds from the outcome of real requests which endpoints of a cluster fail. */
import type { Random } from "../../core/ports.ts";
import type { OutlierPolicy } from "../../core/traffic.ts";
import { ShareWindow } from "./share_window.ts";

/** How far below the others an endpoint's share of successes has to lie. */
const clearlyBelow = 0.2;
/**
 * How much better "it is worse than the others" has to explain the failures than chance does, as the logarithm of a
 * probability: e^-12 is six in a million. Where all endpoints fail alike, few requests alone prove nothing.
 */
const chanceExponent = 12;

/**
 * What came of an attempt. `server_error`: the application answered, with an error of its own; it counts for the share
 * of successes, not as unreachable. Too many requests (429) says of an endpoint that it works.
 */
export type Outcome = "success" | "gateway_failure" | "server_error";

/** The outcome of an attempt that was answered; one without an answer is a gateway failure. */
export function outcomeOf(status: number): Outcome {
  if (status < 500) return "success";
  return status >= 502 && status <= 504 ? "gateway_failure" : "server_error";
}

/**
 * Whether so few endpoints are well that ejections are to be ignored.
 *
 * Shape: `healthy` of `total` endpoints; what is left would be overrun by traffic meant for all.
 */
export function inPanic(healthy: number, total: number, policy: OutlierPolicy): boolean {
  return policy.enabled && total > 0 && healthy < total * policy.panicShare;
}

/** What the endpoints of one cluster have in common in one data thread: the policy, the sum, the cap. */
export class ClusterHealth {
  policy: OutlierPolicy;
  readonly random: Random;
  /** Endpoints of the cluster; whoever applies a snapshot sets it. */
  total = 0;
  /** Answers of all endpoints; those of one that is ejected are taken out. */
  readonly window = new ShareWindow();
  #ejected = 0;

  constructor(policy: OutlierPolicy, random: Random) {
    this.policy = policy;
    this.random = random;
  }

  /** Endpoints that are out, those on probation included. */
  get ejected(): number {
    return this.policy.enabled ? this.#ejected : 0;
  }

  /**
   * Takes one endpoint out where the cap allows it.
   *
   * Shape: never the only one; of several always one, unless the cap is 0.
   */
  eject(): boolean {
    const { maxEjectedShare } = this.policy;
    if (this.total < 2 || maxEjectedShare <= 0) return false;
    const most = Math.max(1, Math.floor(this.total * maxEjectedShare));
    if (this.#ejected >= Math.min(most, this.total)) return false;
    this.#ejected++;
    return true;
  }

  readmit(): void {
    this.#ejected--;
  }

  /**
   * Whether an endpoint that was counted just now does clearly worse than the others.
   *
   * Shape: compared with their sum, so that busy ones weigh more. Cost: two logarithms, after failures only.
   */
  standsOut(own: ShareWindow, nowMs: number): boolean {
    const { minRequests, successShare, windowMs } = this.policy;
    const weight = own.weight(nowMs, windowMs);
    const requests = own.requests(weight);
    const failures = own.failures(weight);
    if (requests < minRequests || 1 - failures / requests >= successShare) return false;
    const others = this.window.requests(weight) - requests;
    if (others < minRequests) return false;
    const othersFailures = Math.max(0, this.window.failures(weight) - failures);
    return failures / requests - othersFailures / others >= clearlyBelow &&
      surprise(failures, requests, (othersFailures + 1) / (others + 2)) >= chanceExponent;
  }
}

/**
 * How little chance alone explains that many failures: the logarithm of the bound on its probability.
 *
 * Source: Chernoff's bound on the tail of a binomial distribution, by the relative entropy of the two shares.
 */
function surprise(failures: number, requests: number, usualShare: number): number {
  const share = failures / requests;
  const wellShare = 1 - share;
  const ofWell = wellShare > 0 ? wellShare * Math.log(wellShare / (1 - usualShare)) : 0;
  return requests * (share * Math.log(share / usualShare) + ofWell);
}
