/** The verdict on one endpoint, reached from its own attempts: healthy, ejected, or on probation. */
import { backoffMs } from "../../core/backoff.ts";
import type { EjectReason } from "../../plane/counters.ts";
import type { ClusterHealth } from "./outlier.ts";
import { ShareWindow } from "./share_window.ts";

/** A recovered endpoint that has answered this many requests more takes any number at a time. */
const rampEnd = 64;

/**
 * The verdict on one endpoint: healthy, ejected until a time, or on probation while one request decides.
 *
 * Shape: `begin` gives a ticket for each attempt, to be handed to exactly one of `succeeded`, `serverError`, `failed`
 * and `abandoned`; after `succeeded` follows `cut` or `whole` when the answer has ended. A ticket from before the last
 * change of state counts for nothing, so that answers to old requests neither heal nor harm. Units: milliseconds of any clock that never goes back.
 * Cost: a dozen nanoseconds per attempt; the window is made with the first one.
 */
export class EndpointHealth {
  /** When an ejected endpoint may be tried, or another request may decide in place of a silent one. */
  untilMs = 0;
  /** Of the last ejection. */
  reason: EjectReason = "none";
  /** In all. */
  ejections = 0;
  /** When it was let back in last; 0: never. */
  recoveredAtMs = 0;
  readonly #cluster: ClusterHealth;
  #state: "healthy" | "ejected" | "probation" = "healthy";
  #ticket = 1;
  #streak = 0;
  /** Answers in a row that began well and broke off; an ejection does not end the row, only a whole answer does. */
  #cuts = 0;
  /** Ejections that the length of the next one counts. */
  #level = 0;
  /** Ejected for its share of successes: then errors of the application do not end it. */
  #forRate = false;
  /** Requests that a recovered endpoint may have under way; 0: any number. */
  #ramp = 0;
  #window: ShareWindow | undefined;

  constructor(cluster: ClusterHealth) {
    this.#cluster = cluster;
  }

  get state(): "healthy" | "ejected" | "probation" {
    return this.#cluster.policy.enabled ? this.#state : "healthy";
  }

  /** Whether it has failed so often in a row that nothing but the cap on ejections keeps it in. */
  get failing(): boolean {
    const { consecutiveFailures, enabled } = this.#cluster.policy;
    return enabled && this.#state === "healthy" && consecutiveFailures > 0 &&
      this.#streak >= consecutiveFailures;
  }

  /**
   * Whether the balancer may take it now; changes nothing.
   *
   * Shape: `open` is its number of attempts under way. Not asked in panic.
   */
  mayPick(nowMs: number, open: number): boolean {
    if (this.#state === "healthy") {
      return this.#ramp === 0 || open < this.#ramp || this.#ramped(nowMs);
    }
    return nowMs >= this.untilMs || !this.#cluster.policy.enabled;
  }

  /** Whether a recovered endpoint still gets fewer requests at a time than it could. */
  ramping(nowMs: number): boolean {
    return this.#ramp > 0 && this.state === "healthy" && !this.#ramped(nowMs);
  }

  /** Notes that an attempt goes to it. The first one after its time out is the one that decides. */
  begin(nowMs: number): number {
    if (this.#state === "healthy") return this.#ticket;
    // What panic sends here beside the deciding request counts for nothing; ticket 0 is never valid.
    if (nowMs < this.untilMs) return this.#state === "ejected" ? this.#ticket : 0;
    this.#state = "probation";
    // A request that never reports must not keep it out for ever.
    this.untilMs = nowMs + this.#cluster.policy.windowMs;
    return ++this.#ticket;
  }

  succeeded(ticket: number, nowMs: number): void {
    if (ticket !== this.#ticket || !this.#cluster.policy.enabled) return;
    if (this.#state !== "healthy") return this.#improved(nowMs);
    this.#streak = 0;
    this.#count(nowMs, 0);
    if (this.#ramp > 0) this.#ramp = this.#ramp < rampEnd ? this.#ramp + 1 : 0;
  }

  /** A 5xx other than 502 to 504. Shape: the reason when that ejected the endpoint, else `none`. */
  serverError(ticket: number, nowMs: number): EjectReason {
    if (ticket !== this.#ticket || !this.#cluster.policy.enabled) return "none";
    if (this.#state !== "healthy") {
      if (this.#forRate) return this.#stillFailing(nowMs);
      this.#improved(nowMs);
      return "none";
    }
    this.#streak = 0;
    this.#count(nowMs, 1);
    return this.#cluster.standsOut(this.#window!, nowMs)
      ? this.#eject("success_rate", nowMs)
      : "none";
  }

  /** Refused, reset, timed out, or 502 to 504. Shape: the reason when that ejected the endpoint, else `none`. */
  failed(ticket: number, nowMs: number): EjectReason {
    const { policy } = this.#cluster;
    if (ticket !== this.#ticket || !policy.enabled) return "none";
    if (this.#state !== "healthy") return this.#stillFailing(nowMs);
    this.#streak++;
    return this.#failedAgain(nowMs, { counted: false });
  }

  /** Shape: `counted`: as a success, which is taken back. */
  #failedAgain(nowMs: number, { counted }: { readonly counted: boolean }): EjectReason {
    const { policy } = this.#cluster;
    this.#count(nowMs, 1);
    if (counted) this.#uncount();
    if (this.#ramp > 1) this.#ramp = this.#ramp >> 1;
    if (policy.consecutiveFailures > 0 && this.#streak >= policy.consecutiveFailures) {
      return this.#eject("consecutive_failures", nowMs);
    }
    return this.#cluster.standsOut(this.#window!, nowMs)
      ? this.#eject("success_rate", nowMs)
      : "none";
  }

  /** An answer is whole. */
  whole(): void {
    this.#cuts = 0;
  }

  /**
   * An answer that was told of as `succeeded` broke off: it was a failure after all.
   *
   * Shape: with the ticket of that answer, instead of `whole`. The reason when that ejected the endpoint, else `none`.
   */
  cut(ticket: number, nowMs: number): EjectReason {
    const { policy } = this.#cluster;
    if (ticket !== this.#ticket || !policy.enabled || this.#state !== "healthy") return "none";
    this.#cuts++;
    // Each head of theirs has ended the row of failures, and should not have.
    this.#streak = Math.max(this.#streak + 1, this.#cuts);
    return this.#failedAgain(nowMs, { counted: true });
  }

  /** The attempt ended without an outcome: the caller left, or it was never sent. */
  abandoned(ticket: number, nowMs: number): void {
    if (ticket !== this.#ticket || this.#state !== "probation") return;
    this.#state = "ejected";
    this.untilMs = nowMs;
    this.#ticket++;
  }

  /** Something else found it well again: from here on few requests at a time, then more. */
  readmitted(nowMs: number): void {
    if (this.#state === "healthy") this.#forgive(nowMs);
    else this.#cluster.readmit();
    this.#state = "healthy";
    this.#ticket++;
    this.#streak = 0;
    this.untilMs = 0;
    this.#ramp = 1;
    this.recoveredAtMs = nowMs;
  }

  /** A new instance has the address, or the endpoint left the cluster: all that is known of it goes. */
  forget(): void {
    if (this.#state !== "healthy") this.#cluster.readmit();
    this.#state = "healthy";
    this.#ticket++;
    this.#streak =
      this.#cuts =
      this.#level =
      this.#ramp =
        0;
    this.untilMs = this.recoveredAtMs = 0;
    this.reason = "none";
    // What the cluster's sum has of it fades out by itself.
    this.#window?.clear();
  }

  #ramped(nowMs: number): boolean {
    // Long answers must not hold it at one request for ever.
    return nowMs >= this.recoveredAtMs + this.#cluster.policy.windowMs;
  }

  /** A good answer while it is out. On probation it decides; one that panic brought about ends the time out. */
  #improved(nowMs: number): void {
    if (this.#state === "probation") {
      this.readmitted(nowMs);
      this.#ramp++;
    } else if (nowMs < this.untilMs) this.untilMs = nowMs;
  }

  #stillFailing(nowMs: number): EjectReason {
    return this.#state === "probation" ? this.#eject("failed_probation", nowMs) : "none";
  }

  #count(nowMs: number, failures: number): void {
    const { window: all, policy: { windowMs } } = this.#cluster;
    const own = this.#window ??= new ShareWindow();
    own.advance(nowMs, windowMs);
    own.add(failures);
    all.advance(nowMs, windowMs);
    all.add(failures);
  }

  /** Takes a success back out of what `count` has just advanced. */
  #uncount(): void {
    this.#window!.takeBack();
    this.#cluster.window.takeBack();
  }

  /** Each full window without an ejection takes one off what the next one counts. */
  #forgive(nowMs: number): void {
    const windows = Math.floor((nowMs - this.recoveredAtMs) / this.#cluster.policy.windowMs);
    this.#level = Math.max(0, this.#level - Math.max(0, windows));
  }

  #eject(reason: EjectReason, nowMs: number): EjectReason {
    const { policy, random } = this.#cluster;
    if (this.#state === "healthy") {
      if (!this.#cluster.eject()) return "none";
      this.#forgive(nowMs);
      this.#forRate = reason === "success_rate";
      // The others are to be compared with each other from now on, and it begins anew when it comes back.
      this.#cluster.window.subtract(this.#window!);
      this.#window!.clear();
      this.#streak = 0;
    }
    // Beyond the longest time out it grows no more, or it would take as many good windows to shrink.
    if (this.#level === 0 || policy.baseEjectMs * 2 ** (this.#level - 1) < policy.maxEjectMs) {
      this.#level++;
    }
    const lengths = { baseMs: policy.baseEjectMs, maxMs: policy.maxEjectMs };
    this.untilMs = nowMs + backoffMs(lengths, this.#level, random());
    this.#state = "ejected";
    this.#ticket++;
    this.#ramp = 0;
    this.reason = reason;
    this.ejections++;
    return reason;
  }
}
