/** The live endpoint set of one service in one data thread, with the state that outlives its snapshots. */
import type { Random } from "../../core/ports.ts";
import type { ServicePolicy, SubsetTags } from "../../core/traffic.ts";
import { type EjectReason, slot } from "../../plane/counters.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../plane/messages.ts";
import { forgive, observeAnswer, observeRefusal } from "../balance/candidate.ts";
import type { Place } from "../balance/locality.ts";
import type { Poolable, PoolGauge } from "../net/pool.ts";
import { RetryBudget } from "../resilience/budget.ts";
import { HedgeDelay } from "../resilience/hedge.ts";
import { ClusterHealth, outcomeOf } from "../resilience/outlier.ts";
import { clearSlots, endpointKey, type EndpointOptions, EndpointState } from "./endpoint.ts";
import { Gate, type GateOptions } from "./gate.ts";
import { EndpointGroup } from "./group.ts";
import { publishStates } from "./published_states.ts";
import { Roster } from "./roster.ts";
import { inSubset } from "./subset.ts";

export interface ClusterOptions {
  readonly gauge: PoolGauge;
  readonly policy: ServicePolicy;
  readonly place: Place;
  readonly random: Random;
  /** The thread's counters, and where the cluster's block begins in them. */
  readonly counters: Float64Array;
  readonly base: number;
  readonly clock: GateOptions["clock"];
  /** See GroupOptions. */
  readonly inOrder: boolean;
}

export class Cluster<Connection extends Poolable> {
  readonly service: string;
  readonly block: number;
  readonly budget: RetryBudget;
  readonly gate: Gate;
  /** What a second attempt beside the first is timed by; undefined where there is to be none. */
  hedge: HedgeDelay | undefined;
  policy: ServicePolicy;
  unusable: readonly string[] = [];
  /** All endpoints. */
  all: EndpointGroup<Connection>;
  readonly #options: ClusterOptions;
  readonly #health: ClusterHealth;
  readonly #shared: EndpointOptions;
  readonly #spread: number;
  readonly #subsets = new Map<string, { tags: SubsetTags; group: EndpointGroup<Connection> }>();
  /** Some endpoint is in a state that ends by itself, or is new. */
  #unsettled = true;
  /** Filled anew for every answer. */
  readonly #observation = { nowMs: 0, decayMs: 0, retryAfterMs: 0 };

  constructor(snapshot: ClusterSnapshot, options: ClusterOptions) {
    this.service = snapshot.service;
    this.block = snapshot.block;
    this.policy = options.policy;
    this.#options = options;
    this.#spread = options.random();
    this.budget = new RetryBudget(options.policy.retry, options.clock.now());
    this.gate = new Gate(options.policy, { ...options, name: snapshot.service });
    this.#health = new ClusterHealth(options.policy.outlier, options.random);
    this.#shared = { gauge: options.gauge, health: this.#health, counters: options.counters };
    this.#hedges();
    this.all = this.#makeGroup("");
    this.apply(snapshot);
  }

  /** A rule may ask for hedging where the service does not. */
  #hedges(): void {
    const { retry, routes } = this.policy;
    const wanted = retry.hedge || routes.some((rule) => rule.retry?.hedge === true);
    if (!wanted) this.hedge = undefined;
    else this.hedge ??= new HedgeDelay();
  }

  #makeGroup(subset: string): EndpointGroup<Connection> {
    const { inOrder, place } = this.#options;
    const { balance, outlier } = this.policy;
    return new EndpointGroup(subset, { balance, outlier, place, spread: this.#spread, inOrder });
  }

  /** All of them. Cost: those of a large set that nobody has had yet are read first. */
  get endpoints(): readonly EndpointState<Connection>[] {
    return this.all.members;
  }

  /** Who is in the set, without reading anything. */
  get roster(): Roster<Connection> {
    return this.all.roster;
  }

  /** Whether endpoints are best read when they come, a stretch at a time: something looks at all of them. */
  get readsAll(): boolean {
    return this.all.byKey || this.#subsets.size > 0;
  }

  /** Takes over a newer set. Endpoints with the same address keep their state and connections. */
  apply(snapshot: ClusterSnapshot): void {
    const records = snapshot.endpoints;
    const before = this.endpoints;
    // Most of a set is where it was: only what lies between the two ends that did not move is looked up.
    const shorter = Math.min(before.length, records.length);
    let head = 0;
    while (head < shorter && sameAddress(before[head]!.snapshot, records[head]!)) head++;
    let tail = 0;
    while (
      tail < shorter - head &&
      sameAddress(before.at(-1 - tail)!.snapshot, records.at(-1 - tail)!)
    ) tail++;
    const moved = new Map<string, EndpointState<Connection>>();
    for (let at = head; at < before.length - tail; at++) moved.set(before[at]!.key, before[at]!);
    const shift = before.length - records.length;
    let reweighted = false;
    const endpoints = records.map((record, index) => {
      let known: EndpointState<Connection> | undefined;
      if (index < head) known = before[index];
      else if (index >= records.length - tail) known = before[index + shift];
      else {
        const key = endpointKey(record);
        known = moved.get(key);
        moved.delete(key);
      }
      if (known === undefined) return this.join(record);
      if (known.update(record)) reweighted = true;
      return known;
    });
    const { unusable } = snapshot;
    this.become(Roster.of(endpoints), { left: moved.values(), reweighted, unusable });
  }

  /** The state of an endpoint that is about to become a member. */
  join(record: EndpointSnapshot): EndpointState<Connection> {
    clearSlots(this.#options.counters, record.slot);
    return this.make(record, this.all.size > 0);
  }

  /** The state of an endpoint whose slot in the counters is clear. */
  make(record: EndpointSnapshot, newcomer: boolean): EndpointState<Connection> {
    return new EndpointState<Connection>(record, this.#shared, newcomer);
  }

  /** An endpoint that gets the slot is about to become a member without being read. */
  clearSlot(slot: number | undefined): void {
    clearSlots(this.#options.counters, slot);
  }

  /**
   * Makes these the members, all at once.
   *
   * Shape: `left` are those that were members and are not any more, as far as they were read; `reweighted`: a weight
   * of one is another now.
   */
  become(
    roster: Roster<Connection>,
    { left, reweighted, unusable }: {
      readonly left: Iterable<EndpointState<Connection>>;
      readonly reweighted: boolean;
      readonly unusable: readonly string[];
    },
  ): void {
    this.unusable = unusable;
    for (const gone of left) gone.retire();
    this.#health.total = roster.size;
    this.#unsettled = true;
    this.all.setMembers(roster, { reweighted });
    for (const { group, tags } of this.#subsets.values()) {
      group.setMembers(inSubset(this.endpoints, tags), { reweighted });
    }
  }

  /** Takes over another policy. What was learned of the endpoints stays; rounds and sessions begin anew. */
  setPolicy(policy: ServicePolicy): void {
    if (policy === this.policy) return;
    const { balance, outlier } = this.policy;
    this.policy = policy;
    this.#health.policy = policy.outlier;
    this.gate.setPolicy(policy);
    this.#hedges();
    if (sameValue(balance, policy.balance) && sameValue(outlier, policy.outlier)) return;
    const { roster } = this;
    this.all = this.#makeGroup("");
    this.all.setMembers(roster);
    this.#subsets.clear();
  }

  /** The endpoints with these tags. Shape: `name` stands for the tags, also in the texts of failures. */
  subset(name: string, tags: SubsetTags): EndpointGroup<Connection> {
    let known = this.#subsets.get(name);
    if (known === undefined) {
      known = { tags, group: this.#makeGroup(name) };
      known.group.setMembers(inSubset(this.endpoints, tags));
      this.#subsets.set(name, known);
    }
    return known.group;
  }

  find(address: { readonly host: string; readonly port: number }):
    | EndpointState<Connection>
    | undefined {
    const position = this.roster.find(address);
    return position < 0 ? undefined : this.all.read(position);
  }

  /** An attempt goes to an endpoint. Shape: the ticket to report its outcome with. */
  begin(endpoint: EndpointState<Connection>, nowMs: number): number {
    const ticket = endpoint.begin(nowMs);
    if (endpoint.health.state !== "healthy") this.#changed(endpoint, nowMs);
    return ticket;
  }

  /** The head of an answer came. Shape: `answer` may be filled anew for each one. Units: milliseconds. */
  answered(
    endpoint: EndpointState<Connection>,
    answer: {
      readonly ticket: number;
      readonly status: number;
      readonly elapsedMs: number;
      readonly retryAfterMs: number;
      readonly nowMs: number;
    },
  ): void {
    const { nowMs, status, ticket } = answer;
    const at = this.#observation;
    at.nowMs = nowMs;
    at.decayMs = this.policy.balance.decayMs;
    // A quick refusal must not make its endpoint look like the fastest.
    if (status === 429 || status === 503) {
      at.retryAfterMs = answer.retryAfterMs;
      observeRefusal(endpoint, answer.elapsedMs, at);
    } else observeAnswer(endpoint, answer.elapsedMs, at);
    endpoint.publishLatency();
    const { health } = endpoint;
    const before = health.state;
    const { failing } = health;
    switch (outcomeOf(status)) {
      case "success":
        health.succeeded(ticket, nowMs);
        break;
      case "server_error":
        endpoint.countFailure();
        this.#ejected(health.serverError(ticket, nowMs));
        break;
      case "gateway_failure":
        endpoint.countFailure();
        this.#ejected(health.failed(ticket, nowMs));
    }
    if (health.state !== before || health.failing !== failing) this.#changed(endpoint, nowMs);
  }

  /** No answer came of an attempt: refused, reset, timed out, or against the protocol. */
  failed(
    endpoint: EndpointState<Connection>,
    { ticket, nowMs }: { ticket: number; nowMs: number },
  ): void {
    this.#noteFailure(endpoint, { reason: endpoint.health.failed(ticket, nowMs), nowMs });
  }

  /** An answer that had begun well broke off. */
  cut(
    endpoint: EndpointState<Connection>,
    { ticket, nowMs }: { ticket: number; nowMs: number },
  ): void {
    this.#noteFailure(endpoint, { reason: endpoint.health.cut(ticket, nowMs), nowMs });
  }

  /** Shape: `reason` is why the failure ejected the endpoint, if it did. */
  #noteFailure(
    endpoint: EndpointState<Connection>,
    { nowMs, reason }: { readonly nowMs: number; readonly reason: EjectReason },
  ): void {
    const at = this.#observation;
    at.nowMs = nowMs;
    at.decayMs = this.policy.balance.decayMs;
    at.retryAfterMs = 0;
    observeRefusal(endpoint, 0, at);
    endpoint.countFailure();
    this.#ejected(reason);
    this.#changed(endpoint, nowMs);
  }

  #ejected(reason: EjectReason): void {
    if (reason !== "none") this.#options.counters[this.#options.base + slot.ejections]! += 1;
  }

  /** An attempt ended in a way that says nothing of its endpoint. */
  abandoned(
    endpoint: EndpointState<Connection>,
    { ticket, nowMs }: { ticket: number; nowMs: number },
  ): void {
    const before = endpoint.health.state;
    endpoint.health.abandoned(ticket, nowMs);
    if (endpoint.health.state !== before) this.#changed(endpoint, nowMs);
  }

  /** No connection could be had: passed over until then. */
  passOver(
    endpoint: EndpointState<Connection>,
    { untilMs, reason, nowMs }: { untilMs: number; reason: EjectReason; nowMs: number },
  ): void {
    endpoint.passOver(untilMs, reason);
    this.#changed(endpoint, nowMs);
  }

  /** Control found out how an endpoint is. */
  verdict(
    endpoint: EndpointState<Connection>,
    { healthy, ejectMs, nowMs }: { healthy: boolean; ejectMs: number; nowMs: number },
  ): void {
    if (healthy) {
      endpoint.reachable();
      forgive(endpoint);
      if (endpoint.health.state !== "healthy") endpoint.health.readmitted(nowMs);
    } else endpoint.passOver(nowMs + ejectMs, "connect_refused");
    this.#changed(endpoint, nowMs);
  }

  drains(endpoint: EndpointState<Connection>, nowMs: number): void {
    endpoint.drain(nowMs);
    this.#changed(endpoint, nowMs);
  }

  #changed(endpoint: EndpointState<Connection>, nowMs: number): void {
    this.#unsettled = true;
    endpoint.publishState(nowMs, this.policy.balance.slowStartMs);
    this.all.invalidate();
    for (const { group } of this.#subsets.values()) group.invalidate();
  }

  /** Puts the gauges where control sees them; called about once a second. Shape: how many endpoints it looked at. */
  publish(nowMs: number): number {
    const { base, counters } = this.#options;
    counters[base + slot.budget] = this.budget.tokens;
    counters[base + slot.panic] = this.all.panic ? 1 : 0;
    this.gate.publish();
    if (!this.#unsettled) return 0;
    // Large sets are walked only while something in them changes by itself.
    const { slowStartMs } = this.policy.balance;
    this.#unsettled = publishStates(this.roster, { counters, nowMs, slowStartMs });
    return this.roster.size;
  }

  close(): void {
    const { base, counters } = this.#options;
    counters[base + slot.budget] = counters[base + slot.panic] = 0;
    this.gate.close();
    for (const endpoint of this.roster.present()) endpoint.retire();
    this.all.setMembers([]);
  }
}

function sameAddress(a: EndpointSnapshot, b: EndpointSnapshot): boolean {
  return a.port === b.port && a.host === b.host;
}

function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
