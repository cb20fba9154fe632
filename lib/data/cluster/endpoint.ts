/** One dialable address of a service with its live state in one data thread. */
import type { Address } from "../../core/address.ts";
import { formatHostPort } from "../../core/address.ts";
import {
  type EjectReason,
  ejectReasons,
  endpointBase,
  endpointSlot,
  endpointSlots,
  type EndpointStateName,
  endpointStates,
} from "../../plane/counters.ts";
import type { EndpointSnapshot } from "../../plane/messages.ts";
import { type Candidate, freshNumbers, notYet } from "../balance/candidate.ts";
import { IdlePool, type Poolable, type PoolGauge } from "../net/pool.ts";
import { EndpointHealth } from "../resilience/endpoint_health.ts";
import type { ClusterHealth } from "../resilience/outlier.ts";

/** How long a sidecar's word that it drains is remembered. Units: milliseconds. */
const drainingMs = 30_000;

export interface EndpointOptions {
  readonly gauge: PoolGauge;
  readonly health: ClusterHealth;
  /** The thread's counters. */
  readonly counters: Float64Array;
  /** Joined a cluster that was there before it: its share grows slowly. */
  readonly newcomer: boolean;
}

export class EndpointState<Connection extends Poolable> implements Candidate {
  readonly key: string;
  readonly address: Address;
  readonly idle: IdlePool<Connection>;
  readonly health: EndpointHealth;
  snapshot: EndpointSnapshot;
  weight: number;
  open: number = freshNumbers.open;
  latencyMs: number = freshNumbers.latencyMs;
  latencyAtMs: number = freshNumbers.latencyAtMs;
  meanMs: number = freshNumbers.meanMs;
  refusedUntilMs: number = freshNumbers.refusedUntilMs;
  refusals: number = freshNumbers.refusals;
  warmFromMs: number;
  /** It refused or did not take a connection: passed over until then, or until control finds it well. */
  unreachableUntilMs = 0;
  unreachableReason: EjectReason = "none";
  drainingUntilMs = 0;
  /** No longer in the snapshot: open requests finish, their connections are not kept. */
  retired = false;
  readonly #counters: Float64Array;
  /** First of its slots in the counters; -1 for none. */
  #base: number;

  constructor(snapshot: EndpointSnapshot, options: EndpointOptions) {
    this.snapshot = snapshot;
    this.key = endpointKey(snapshot);
    this.address = { host: snapshot.host, port: snapshot.port };
    this.idle = new IdlePool(options.gauge);
    this.health = new EndpointHealth(options.health);
    this.weight = snapshot.weight ?? 1;
    this.warmFromMs = options.newcomer ? notYet : freshNumbers.warmFromMs;
    this.#counters = options.counters;
    this.#base = -1;
    this.#takeSlots(snapshot.slot);
  }

  #takeSlots(slot: number | undefined): void {
    const base = slot === undefined ? -1 : endpointBase(slot);
    if (base === this.#base) return;
    this.#base = base;
    if (base >= 0) this.#counters.fill(0, base, base + endpointSlots);
  }

  /**
   * Takes over a newer record of the same address. A new instance behind it starts with a clean slate.
   *
   * Shape: whether its weight is another one now.
   */
  update(snapshot: EndpointSnapshot): boolean {
    if (snapshot.instanceId !== this.snapshot.instanceId) {
      this.health.forget();
      this.unreachableUntilMs = this.drainingUntilMs = 0;
      this.latencyMs =
        this.latencyAtMs =
        this.meanMs =
        this.refusedUntilMs =
        this.refusals =
          0;
      this.warmFromMs = notYet;
      this.idle.closeAll();
    }
    const weight = snapshot.weight ?? 1;
    const reweighted = weight !== this.weight;
    this.weight = weight;
    this.snapshot = snapshot;
    this.#takeSlots(snapshot.slot);
    return reweighted;
  }

  /** An attempt goes to it. Shape: the ticket to report its outcome with. */
  begin(nowMs: number): number {
    this.open++;
    if (this.#base >= 0) {
      this.#counters[this.#base + endpointSlot.attempts]! += 1;
      this.#counters[this.#base + endpointSlot.open] = this.open;
    }
    return this.health.begin(nowMs);
  }

  end(): void {
    this.open--;
    if (this.#base >= 0) this.#counters[this.#base + endpointSlot.open] = this.open;
  }

  /** Puts what was measured last where control sees it. */
  publishLatency(): void {
    if (this.#base >= 0) this.#counters[this.#base + endpointSlot.latencyMs] = this.meanMs;
  }

  countFailure(): void {
    if (this.#base >= 0) this.#counters[this.#base + endpointSlot.failures]! += 1;
  }

  /** Puts its state where control sees it. */
  publishState(nowMs: number, slowStartMs: number): void {
    if (this.#base < 0) return;
    const state = this.state(nowMs, slowStartMs);
    const counters = this.#counters;
    counters[this.#base + endpointSlot.state] = endpointStates.indexOf(state);
    counters[this.#base + endpointSlot.reason] = ejectReasons.indexOf(this.reason(nowMs));
    counters[this.#base + endpointSlot.untilMs] = this.stateEndsAtMs(nowMs);
    counters[this.#base + endpointSlot.ejections] = this.health.ejections;
  }

  state(nowMs: number, slowStartMs: number): EndpointStateName {
    if (this.drainingUntilMs > nowMs) return "draining";
    if (this.unreachableUntilMs > nowMs) return "unreachable";
    const { state } = this.health;
    if (state !== "healthy") return state;
    return slowStartMs > 0 && this.warmFromMs + slowStartMs > nowMs ? "warming" : "healthy";
  }

  reason(nowMs: number): EjectReason {
    if (this.drainingUntilMs > nowMs) return "draining";
    if (this.unreachableUntilMs > nowMs) return this.unreachableReason;
    return this.health.reason;
  }

  /** When what keeps it out ends by itself; 0 when nothing does. Units: milliseconds on the thread's clock. */
  stateEndsAtMs(nowMs: number): number {
    if (this.drainingUntilMs > nowMs) return this.drainingUntilMs;
    if (this.unreachableUntilMs > nowMs) return this.unreachableUntilMs;
    return this.health.state === "healthy" ? 0 : this.health.untilMs;
  }

  /** The peer's sidecar says that it shuts down: no new requests go there. */
  drain(nowMs: number): void {
    this.drainingUntilMs = nowMs + drainingMs;
    this.idle.closeAll();
  }

  /** No connection could be had. */
  passOver(untilMs: number, reason: EjectReason): void {
    this.unreachableUntilMs = untilMs;
    this.unreachableReason = reason;
    this.idle.closeAll();
  }

  retire(): void {
    this.retired = true;
    this.health.forget();
    this.idle.closeAll();
  }
}

export function endpointKey(address: { readonly host: string; readonly port: number }): string {
  return formatHostPort(address.host, address.port);
}
