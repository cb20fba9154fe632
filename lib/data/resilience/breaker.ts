/** The circuit breaker of one cluster: stops sending for a while when too much of what was sent failed. */
import { jittered } from "../../core/backoff.ts";
import type { Random } from "../../core/ports.ts";
import type { BreakerPolicy } from "../../core/traffic.ts";
import { BucketWindow } from "./bucket_window.ts";

/** In the order of the gauge's values. */
export const breakerStates = ["closed", "open", "trying"] as const;
export type BreakerState = typeof breakerStates[number];

/** The open time doubles with each trial that failed, up to this many times the policy's. */
const longestFactor = 8;
/** The open time is spread by this share to either side, so that a fleet does not try in step. */
const jitterShare = 0.2;
/** What `allow` gives where nothing is measured. Shape: no ticket of a measured request. */
const unmeasured = -1;

/**
 * Shape: `allow` gives a ticket, or 0 when the request is refused; each ticket goes to exactly one of `succeeded`,
 * `failed` and `abandoned`. Tickets from before the last change of state count for nothing. Refusals are not counted.
 * Units: milliseconds of any clock that never goes back. Cost: a few nanoseconds; buckets are made when it is enabled
 * and used.
 */
export class Breaker {
  #policy: BreakerPolicy;
  readonly #random: Random;
  #state: BreakerState = "closed";
  #ticket = 1;
  /** Open: when one request may try. Trying: when another one may, should that one stay silent. */
  #untilMs = 0;
  /** Times in a row that it opened without having closed. */
  #openings = 0;
  #window: BucketWindow | undefined;

  constructor(policy: BreakerPolicy, random: Random) {
    this.#policy = policy;
    this.#random = random;
  }

  /** What holds for the next request, a switch set by hand included. */
  get state(): BreakerState {
    const { force, enabled } = this.#policy;
    if (force !== "none") return force;
    return enabled ? this.#state : "closed";
  }

  /** Takes over a changed policy. Shape: what was measured is kept, unless its window has another length now. */
  apply(policy: BreakerPolicy): void {
    if (policy.windowMs !== this.#policy.windowMs) this.#window = undefined;
    if (!policy.enabled || policy.force !== "none") this.#close();
    this.#policy = policy;
  }

  /**
   * Whether a request may go.
   *
   * Shape: 0 when not; then `retryAfterMs` tells how long. Else its ticket; with `state` "trying" it is the one that
   * decides.
   */
  allow(nowMs: number): number {
    const { force, enabled, openMs } = this.#policy;
    if (force === "open") return 0;
    if (!enabled || force === "closed") return unmeasured;
    if (this.#state === "closed") return this.#ticket;
    if (nowMs < this.#untilMs) return 0;
    this.#state = "trying";
    this.#untilMs = nowMs + openMs;
    return ++this.#ticket;
  }

  /** Whether `allow` would refuse a request now; changes nothing. */
  refuses(nowMs: number): boolean {
    const { state } = this;
    if (this.#policy.force !== "none") return state === "open";
    return state !== "closed" && nowMs < this.#untilMs;
  }

  /** After a refusal: how long until a request may try. Units: milliseconds, at least 1. */
  retryAfterMs(nowMs: number): number {
    if (this.#policy.force === "open") return this.#policy.openMs;
    return Math.max(1, Math.ceil(this.#untilMs - nowMs));
  }

  succeeded(ticket: number, nowMs: number): void {
    if (ticket !== this.#ticket) return;
    if (this.#state !== "closed") return this.#close();
    this.#counted(nowMs).add(0);
    this.#judge(nowMs);
  }

  failed(ticket: number, nowMs: number): void {
    if (ticket !== this.#ticket) return;
    if (this.#state !== "closed") return this.#open(nowMs);
    this.#counted(nowMs).add(1);
    this.#judge(nowMs);
  }

  /** The request ended without saying anything of the cluster. The next one may try in place of it. */
  abandoned(ticket: number, nowMs: number): void {
    if (ticket !== this.#ticket || this.#state !== "trying") return;
    this.#state = "open";
    this.#untilMs = nowMs;
    this.#ticket++;
  }

  #counted(nowMs: number): BucketWindow {
    const window = this.#window ??= new BucketWindow(this.#policy.windowMs);
    window.advance(nowMs);
    return window;
  }

  #judge(nowMs: number): void {
    const { requests, failures } = this.#window!;
    if (failures === 0 || requests < this.#policy.minRequests) return;
    if (failures >= requests * this.#policy.errorShare) this.#open(nowMs);
  }

  #open(nowMs: number): void {
    const factor = Math.min(longestFactor, 2 ** this.#openings);
    this.#openings = Math.min(this.#openings + 1, longestFactor);
    this.#untilMs = nowMs + jittered(this.#policy.openMs * factor, jitterShare, this.#random());
    this.#state = "open";
    this.#ticket++;
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#ticket++;
    this.#openings = 0;
    this.#window?.clear();
  }
}
