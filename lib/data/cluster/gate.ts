/** Whether a request to a cluster may begin: its circuit breaker, its limit on requests under way, and the line. */
import { MeshError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import type { BreakerPolicy, ConcurrencyPolicy } from "../../core/traffic.ts";
import { slot } from "../../plane/counters.ts";
import { Breaker, breakerStates } from "../resilience/breaker.ts";
import { ConcurrencyLimit } from "../resilience/concurrency.ts";
import { Waiter, WaitingLine, type WaitOutcome } from "../resilience/queue.ts";

export interface GatePolicy {
  readonly breaker?: BreakerPolicy;
  readonly concurrency: ConcurrencyPolicy;
}

export interface GateOptions {
  /** Whose gate it is, for the texts of failures. */
  readonly name: string;
  readonly random: Random;
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  /** The thread's counters, and where the block begins in them. */
  readonly counters: Float64Array;
  readonly base: number;
}

/**
 * How a request that was let in has ended. `error`: with an error of the application; `failed`: without an answer or
 * turned away; `abandoned`: its caller left, which says nothing of the service.
 */
export type Ending = "ok" | "error" | "failed" | "abandoned";

const noBreaker: BreakerPolicy = {
  enabled: false,
  windowMs: 10_000,
  minRequests: 1,
  errorShare: 1,
  openMs: 1000,
  force: "none",
};

export class Gate {
  /** Requests that were let in and have not ended. */
  open = 0;
  readonly #options: GateOptions;
  readonly #breaker: Breaker;
  readonly #limit: ConcurrencyLimit;
  readonly #line: WaitingLine;
  #expiring = false;
  #shownLimit = 0;
  #shownQueued = 0;
  #queueMs: number;

  constructor(policy: GatePolicy, options: GateOptions) {
    this.#options = options;
    this.#breaker = new Breaker(policy.breaker ?? noBreaker, options.random);
    this.#limit = new ConcurrencyLimit(policy.concurrency);
    this.#line = new WaitingLine(policy.concurrency);
    this.#queueMs = policy.concurrency.queueMs;
  }

  setPolicy(policy: GatePolicy): void {
    this.#breaker.apply(policy.breaker ?? noBreaker);
    this.#limit.apply(policy.concurrency);
    this.#line.apply(policy.concurrency);
    this.#queueMs = policy.concurrency.queueMs;
    this.#letIn(this.#options.clock.now());
  }

  /** Shape: the breaker's ticket, to be handed to `leave`. Errors: MeshError circuit_open. */
  admit(): number {
    const nowMs = this.#options.clock.now();
    const ticket = this.#breaker.allow(nowMs);
    if (ticket === 0) throw this.#circuitOpen(nowMs);
    return ticket;
  }

  #circuitOpen(nowMs: number): MeshError {
    return new MeshError("circuit_open", `too many calls to ${this.#options.name} failed`, {
      retryAfterMs: this.#breaker.retryAfterMs(nowMs),
    });
  }

  /** Takes a place if there is one and nobody waits for it. */
  tryEnter(): boolean {
    if (this.#line.length > 0 || !this.#limit.enter(this.open)) return false;
    this.open++;
    return true;
  }

  /**
   * Waits for a place; resolves when it has one.
   *
   * Shape: `begun` gets the means to leave the line, for when the caller goes away; `deadlineMs` is the request's own
   * end on the clock.
   * Errors: MeshError client_gone, concurrency_limit (at once when the line is full).
   */
  async wait(
    ticket: number,
    { begun, deadlineMs }: {
      readonly begun: (leave: () => void) => void;
      readonly deadlineMs: number;
    },
  ): Promise<void> {
    const { clock, name } = this.#options;
    const nowMs = clock.now();
    const outcome = await new Promise<WaitOutcome | "left" | "full">((resolve) => {
      const waiter = new Waiter((result) => {
        if (result === "turn") this.open++;
        resolve(result);
      }, deadlineMs);
      if (!this.#line.join(waiter, nowMs)) return resolve("full");
      const leave = (how: "left" | "late") => {
        this.#line.leave(waiter);
        resolve(how);
      };
      begun(() => leave("left"));
      // The line looks after the oldest only.
      if (deadlineMs < nowMs + this.#queueMs) {
        clock.sleep(deadlineMs - nowMs).then(() => leave("late"));
      }
      this.#expire();
    });
    if (outcome === "turn") return;
    this.#breaker.abandoned(ticket, clock.now());
    if (outcome === "left") throw new MeshError("client_gone", "the client went away in the line");
    if (outcome === "full") throw this.#full();
    throw new MeshError("concurrency_limit", `no call to ${name} ended in time for one more`);
  }

  #full(): MeshError {
    return new MeshError(
      "concurrency_limit",
      `${this.open} calls to ${this.#options.name} are under way and ${this.#line.length} wait`,
    );
  }

  /** Lets go of those who have waited too long, for as long as anybody waits. */
  async #expire(): Promise<void> {
    if (this.#expiring) return;
    this.#expiring = true;
    const { clock } = this.#options;
    while (this.#line.length > 0) {
      await clock.sleep(Math.max(1, this.#line.nextDueMs() - clock.now()));
      this.#line.expire(clock.now());
    }
    this.#expiring = false;
  }

  /**
   * A request that was let in has ended.
   *
   * Units: milliseconds to the first byte of the answer, or that an abandoned one has waited for it; negative: unknown.
   */
  leave(ticket: number, ending: Ending, latencyMs: number): void {
    this.open--;
    const nowMs = this.#options.clock.now();
    switch (ending) {
      case "ok":
        this.#limit.leave(latencyMs, true);
        this.#breaker.succeeded(ticket, nowMs);
        break;
      case "error":
        this.#limit.leave(latencyMs, true);
        this.#breaker.failed(ticket, nowMs);
        break;
      case "failed":
        this.#limit.leave(latencyMs, false);
        this.#breaker.failed(ticket, nowMs);
        break;
      case "abandoned":
        this.#limit.left(latencyMs);
        this.#breaker.abandoned(ticket, nowMs);
    }
    this.#letIn(nowMs);
  }

  /** Gives places that are free to those who wait. */
  #letIn(nowMs: number): void {
    while (this.#line.length > 0 && this.#limit.enter(this.open)) {
      if (!this.#line.take(nowMs)) break;
    }
  }

  /** What would become of a request that came now: it gets in, it waits, or it fails. Changes nothing. */
  outlook(): "in" | "line" | MeshError {
    const nowMs = this.#options.clock.now();
    if (this.#breaker.refuses(nowMs)) return this.#circuitOpen(nowMs);
    const { limit } = this.#limit;
    if (this.#line.length === 0 && (limit === 0 || this.open < limit)) return "in";
    return this.#line.hasRoom(nowMs) ? "line" : this.#full();
  }

  /** How things stand, in words; for whoever asks what would become of a request. */
  describe(): { readonly circuit: string; readonly open: number; readonly limit: number } {
    return { circuit: this.#breaker.state, open: this.open, limit: this.#limit.limit };
  }

  publish(): void {
    const { base, counters } = this.#options;
    counters[base + slot.breaker] = breakerStates.indexOf(this.#breaker.state);
    this.#show(this.#limit.limit, this.#line.length);
  }

  /** Takes back what it showed. */
  close(): void {
    const { base, counters } = this.#options;
    counters[base + slot.breaker] = 0;
    this.#show(0, 0);
  }

  /** The ports of an application have a gate each and share a block, so each adds its own part. */
  #show(limit: number, queued: number): void {
    const { base, counters } = this.#options;
    counters[base + slot.limit]! += limit - this.#shownLimit;
    counters[base + slot.queued]! += queued - this.#shownQueued;
    this.#shownLimit = limit;
    this.#shownQueued = queued;
  }
}
