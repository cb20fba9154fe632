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

/** What keeps an endpoint out beside the verdict on its answers. Units: milliseconds on the thread's clock. */
interface Trouble {
  readonly unreachableUntilMs: number;
  readonly unreachableReason: EjectReason;
  readonly drainingUntilMs: number;
}

/** Shape: of one that was never in trouble; shared by most endpoints of large sets. */
const noTrouble: Trouble = {
  unreachableUntilMs: 0,
  unreachableReason: "none",
  drainingUntilMs: 0,
};

/** What all endpoints of a cluster share. */
export interface EndpointOptions {
  readonly gauge: PoolGauge;
  readonly health: ClusterHealth;
  /** The thread's counters. */
  readonly counters: Float64Array;
}

/** Shape: made with as little as can be; what only those have that are called comes with the first call. */
export class EndpointState<Connection extends Poolable> implements Candidate {
  snapshot: EndpointSnapshot;
  weight: number;
  open: number = freshNumbers.open;
  latencyMs: number = freshNumbers.latencyMs;
  latencyAtMs: number = freshNumbers.latencyAtMs;
  meanMs: number = freshNumbers.meanMs;
  refusedUntilMs: number = freshNumbers.refusedUntilMs;
  refusals: number = freshNumbers.refusals;
  warmFromMs: number;
  /** No longer in the snapshot: open requests finish, their connections are not kept. */
  retired = false;
  readonly #shared: EndpointOptions;
  readonly #counters: Float64Array;
  #trouble: Trouble = noTrouble;
  #health: EndpointHealth | undefined;
  #idle: IdlePool<Connection> | undefined;
  #key: string | undefined;
  /** First of its slots in the counters; -1 for none. */
  #base = -1;

  /**
   * Shape: a newcomer joined a cluster that was there before it: its share grows slowly. Its slots in the counters are
   * clear (clearSlots).
   */
  constructor(snapshot: EndpointSnapshot, shared: EndpointOptions, newcomer: boolean) {
    this.snapshot = snapshot;
    this.weight = snapshot.weight ?? 1;
    this.#shared = shared;
    this.#counters = shared.counters;
    this.warmFromMs = newcomer ? notYet : freshNumbers.warmFromMs;
    this.#base = baseOf(snapshot.slot);
  }

  /** It refused or did not take a connection: passed over until then, or until control finds it well. */
  get unreachableUntilMs(): number {
    return this.#trouble.unreachableUntilMs;
  }

  get unreachableReason(): EjectReason {
    return this.#trouble.unreachableReason;
  }

  get drainingUntilMs(): number {
    return this.#trouble.drainingUntilMs;
  }

  /** A probe found that connections can be had again. */
  reachable(): void {
    if (this.#trouble !== noTrouble) this.#trouble = { ...this.#trouble, unreachableUntilMs: 0 };
  }

  get health(): EndpointHealth {
    return this.#health ??= new EndpointHealth(this.#shared.health);
  }

  /** Nothing was ever heard of it that could keep it from being picked. */
  get unblemished(): boolean {
    return this.#health === undefined && this.#trouble === noTrouble;
  }

  get key(): string {
    return this.#key ??= endpointKey(this.snapshot);
  }

  get address(): Address {
    return this.snapshot;
  }

  /** Open connections that nobody uses just now. */
  get idle(): IdlePool<Connection> {
    return this.#idle ??= new IdlePool(this.#shared.gauge);
  }

  #takeSlots(slot: number | undefined): void {
    const base = baseOf(slot);
    if (base === this.#base) return;
    this.#base = base;
    clearSlots(this.#counters, slot);
  }

  /**
   * Takes over a newer record of the same address. A new instance behind it starts with a clean slate.
   *
   * Shape: whether its weight is another one now.
   */
  update(snapshot: EndpointSnapshot): boolean {
    if (snapshot.instanceId !== this.snapshot.instanceId) {
      this.#health?.forget();
      this.#trouble = noTrouble;
      this.latencyMs =
        this.latencyAtMs =
        this.meanMs =
        this.refusedUntilMs =
        this.refusals =
          0;
      this.warmFromMs = notYet;
      this.#idle?.closeAll();
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
    counters[this.#base + endpointSlot.ejections] = this.#health?.ejections ?? 0;
  }

  state(nowMs: number, slowStartMs: number): EndpointStateName {
    if (this.drainingUntilMs > nowMs) return "draining";
    if (this.unreachableUntilMs > nowMs) return "unreachable";
    const state = this.#health?.state ?? "healthy";
    if (state !== "healthy") return state;
    return slowStartMs > 0 && this.warmFromMs + slowStartMs > nowMs ? "warming" : "healthy";
  }

  reason(nowMs: number): EjectReason {
    if (this.drainingUntilMs > nowMs) return "draining";
    if (this.unreachableUntilMs > nowMs) return this.unreachableReason;
    return this.#health?.reason ?? "none";
  }

  /** When what keeps it out ends by itself; 0 when nothing does. Units: milliseconds on the thread's clock. */
  stateEndsAtMs(nowMs: number): number {
    if (this.drainingUntilMs > nowMs) return this.drainingUntilMs;
    if (this.unreachableUntilMs > nowMs) return this.unreachableUntilMs;
    const health = this.#health;
    return health === undefined || health.state === "healthy" ? 0 : health.untilMs;
  }

  /** The peer's sidecar says that it shuts down: no new requests go there. */
  drain(nowMs: number): void {
    this.#trouble = { ...this.#trouble, drainingUntilMs: nowMs + drainingMs };
    this.#idle?.closeAll();
  }

  /** No connection could be had. */
  passOver(untilMs: number, reason: EjectReason): void {
    const { drainingUntilMs } = this.#trouble;
    this.#trouble = { unreachableUntilMs: untilMs, unreachableReason: reason, drainingUntilMs };
    this.#idle?.closeAll();
  }

  retire(): void {
    this.retired = true;
    this.#health?.forget();
    this.#idle?.closeAll();
  }
}

function baseOf(slot: number | undefined): number {
  return slot === undefined ? -1 : endpointBase(slot);
}

/** Clears the counters of an endpoint that joins: another one had them before. */
export function clearSlots(counters: Float64Array, slot: number | undefined): void {
  const base = baseOf(slot);
  if (base >= 0) counters.fill(0, base, base + endpointSlots);
}

export function endpointKey(address: { readonly host: string; readonly port: number }): string {
  return formatHostPort(address.host, address.port);
}
