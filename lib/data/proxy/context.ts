/** What all connections of one data thread share: network, policy, clusters, counters and scratch memory. */
import { type FailureCode, failureCodes } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import {
  blockBase,
  blocks,
  latencyBounds,
  ownBounds,
  slot,
  threadSlot,
} from "../../plane/counters.ts";
import type { ServicePolicy, TrafficPolicy } from "../../core/traffic.ts";
import type { ClusterSnapshot, FailureReport, ListenerRole } from "../../plane/messages.ts";
import type { DataPolicy } from "../../plane/policy.ts";
import type { PickRequest } from "../balance/balancer.ts";
import { Scratch } from "../http1/inbox.ts";
import { RequestHead } from "../http1/request_head.ts";
import { ResponseHead } from "../http1/response_head.ts";
import { Writer } from "../http1/bytes.ts";
import type { PoolGauge } from "../net/pool.ts";
import type { Net } from "../net/socket.ts";
import type { Upstream } from "./upstream.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { Client } from "./client.ts";
import type { Directory } from "./directory.ts";
import { type FieldPlans, fieldPlans } from "./field_plan.ts";
import { HeadFacts } from "./head_facts.ts";
import { Observer, type ObserverOptions } from "./observer.ts";
import { RequestPlan } from "./plan.ts";
import type { LimitMemory } from "./rate_limits.ts";
import { compileRules, type Rules } from "./rules.ts";

export type DrainPhase = "none" | "announce" | "close_inbound" | "close_outbound";

const scratchBytes = 64 * 1024;
/** Of so many requests one has its own time measured. */
const measuredOneIn = 8;
const keptWriters = 256;
/** A writer that grew beyond this held a body; its memory is not kept. */
const keptWriterBytes = 16 * 1024;

const failureIndex = new Map<FailureCode, number>(
  failureCodes.map((code, index) => [code, index]),
);

export interface ContextOptions {
  readonly net: Net;
  readonly policy: DataPolicy;
  readonly counters: Float64Array;
  readonly random: Random;
  readonly limits: LimitMemory;
  readonly report: (failure: FailureReport) => void;
  readonly records: ObserverOptions["post"];
}

export class DataContext {
  readonly net: Net;
  readonly counters: Float64Array;
  readonly random: Random;
  readonly report: (failure: FailureReport) => void;
  readonly scratch = new Scratch(scratchBytes);
  /** Parse results; valid until the next head of this thread is parsed, so never across an await. */
  readonly request = new RequestHead();
  readonly response = new ResponseHead();
  /** For composing what is sent at once; never across an await. */
  readonly out = new Writer(scratchBytes);
  readonly clients = new Set<Client>();
  readonly gauge: PoolGauge = { idle: 0 };
  /** One cluster per application port, made when first asked for. */
  readonly localClusters = new Map<number, Cluster<Upstream>>();
  /** What a pick depends on, filled anew for each one. */
  readonly picking: { nowMs: number; random: Random; hash: number; stickyId: string };
  readonly facts: HeadFacts;
  readonly observer: Observer;
  /** Copies of requests under way. */
  mirrors = 0;
  drain: DrainPhase = "none";
  directory!: Directory;
  policy: DataPolicy;
  plans: FieldPlans;
  /** What holds for calls to the own application. */
  inboundPolicy: ServicePolicy;
  inboundRules: Rules | undefined;
  readonly limits: LimitMemory;
  readonly #rules = new Map<
    number,
    { readonly policy: ServicePolicy; readonly rules: Rules | undefined }
  >();
  readonly #writers: Writer[] = [];
  readonly #requestPlans: RequestPlan[] = [];

  constructor(options: ContextOptions) {
    this.net = options.net;
    this.policy = options.policy;
    this.plans = fieldPlans(options.policy);
    this.limits = options.limits;
    this.inboundPolicy = inboundPolicy(options.policy.traffic);
    this.inboundRules = this.#inboundRules();
    this.counters = options.counters;
    this.random = options.random;
    this.picking = { nowMs: 0, random: options.random, hash: -1, stickyId: "" };
    this.facts = new HeadFacts(this.request);
    this.observer = new Observer({
      clock: options.net,
      random: options.random,
      post: options.records,
    });
    this.report = options.report;
  }

  /** Takes a new policy over in one assignment; requests under way keep what they have read of the old one. */
  setPolicy(policy: DataPolicy): void {
    this.policy = policy;
    this.plans = fieldPlans(policy);
    this.inboundPolicy = inboundPolicy(policy.traffic);
    this.inboundRules = this.#inboundRules();
    for (const cluster of this.localClusters.values()) cluster.setPolicy(this.inboundPolicy);
  }

  /** For a pick that depends on nothing of the request. */
  pickAny(): PickRequest {
    const { picking } = this;
    picking.nowMs = this.net.now();
    picking.hash = -1;
    picking.stickyId = "";
    return picking;
  }

  #inboundRules(): Rules | undefined {
    return compileRules(this.inboundPolicy, { block: blocks.inbound, memory: this.limits });
  }

  /** The rules that requests to a cluster meet, compiled when first asked for. */
  rulesOf({ block, policy }: Cluster<Upstream>): Rules | undefined {
    const known = this.#rules.get(block);
    if (known !== undefined && known.policy === policy) return known.rules;
    const rules = compileRules(policy, { block, memory: this.limits });
    this.#rules.set(block, { policy, rules });
    return rules;
  }

  makeCluster(
    snapshot: ClusterSnapshot,
    { policy, inOrder }: { readonly policy: ServicePolicy; readonly inOrder: boolean },
  ): Cluster<Upstream> {
    const { zone, region } = this.policy.traffic;
    return new Cluster(snapshot, {
      gauge: this.gauge,
      policy,
      place: { zone, region },
      random: this.random,
      clock: this.net,
      counters: this.counters,
      base: blockBase(snapshot.block),
      inOrder,
    });
  }

  takeWriter(): Writer {
    return this.#writers.pop() ?? new Writer();
  }

  takePlan(): RequestPlan {
    return this.#requestPlans.pop() ?? new RequestPlan();
  }

  givePlan(plan: RequestPlan): void {
    if (this.#requestPlans.length >= keptWriters) return;
    plan.clear();
    this.#requestPlans.push(plan);
  }

  giveWriter(writer: Writer): void {
    if (this.#writers.length >= keptWriters || writer.bytes.length > keptWriterBytes) return;
    writer.clear();
    this.#writers.push(writer);
  }

  /** Whether new connections have to wait. */
  full(): boolean {
    return this.clients.size >= this.policy.limits.connections;
  }

  count(block: number, offset: number, amount = 1): void {
    this.counters[blockBase(block) + offset]! += amount;
  }

  countFailure(block: number, code: FailureCode): void {
    this.count(block, slot.failure + failureIndex.get(code)!);
  }

  /** Units: milliseconds. */
  countLatency(block: number, elapsedMs: number): void {
    this.#observe(blockBase(block) + slot.latencySum, elapsedMs / 1000, latencyBounds);
  }

  /** Units: milliseconds. */
  countFirstByte(block: number, elapsedMs: number): void {
    this.#observe(blockBase(block) + slot.firstByteSum, elapsedMs / 1000, latencyBounds);
  }

  /** Units: milliseconds. */
  countOwn(block: number, elapsedMs: number): void {
    this.#observe(blockBase(block) + slot.ownSum, elapsedMs / 1000, ownBounds);
  }

  /** Shape: the slots of a histogram are its sum, its count and its buckets, in this order. */
  #observe(sumSlot: number, seconds: number, bounds: readonly number[]): void {
    const { counters } = this;
    counters[sumSlot]! += seconds;
    counters[sumSlot + 1]! += 1;
    let index = 0;
    while (index < bounds.length && seconds > bounds[index]!) index++;
    if (index < bounds.length) counters[sumSlot + 2 + index]! += 1;
  }

  #sinceMeasured = 0;

  /** Whether the sidecar's own time is measured for the next request: reading the clock for each would cost. */
  measures(): boolean {
    this.#sinceMeasured = (this.#sinceMeasured + 1) % measuredOneIn;
    return this.#sinceMeasured === 0;
  }

  clientOpened(client: Client): void {
    this.clients.add(client);
    this.counters[threadSlot.clientsAccepted]! += 1;
    this.#countClients(client.role, 1);
  }

  clientClosed(client: Client): void {
    if (this.clients.delete(client)) this.#countClients(client.role, -1);
  }

  #countClients(role: ListenerRole, change: number): void {
    this.counters[threadSlot.clientsOpen]! += change;
    if (role === "inbound") this.counters[threadSlot.inboundOpen]! += change;
  }
}

/** The caller's side has balanced, tried again and routed already: here only limits and faults are left. */
function inboundPolicy({ fallback, inbound }: TrafficPolicy): ServicePolicy {
  const { fault: _, ...shared } = fallback;
  return {
    ...shared,
    concurrency: inbound.concurrency,
    rateLimits: inbound.rateLimits,
    ...(inbound.fault === undefined ? {} : { fault: inbound.fault }),
    balance: { ...fallback.balance, kind: "round_robin", locality: "off" },
    breaker: { ...fallback.breaker, enabled: false, force: "none" },
    outlier: { ...fallback.outlier, enabled: false },
    routes: [],
  };
}
