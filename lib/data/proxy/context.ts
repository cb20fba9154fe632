/** What all connections of one data thread share: network, policy, clusters, counters and scratch memory. */
import { type FailureCode, failureCodes } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { blockBase, latencyBounds, slot, threadSlot } from "../../plane/counters.ts";
import type { FailureReport, ListenerRole } from "../../plane/messages.ts";
import type { DataPolicy } from "../../plane/policy.ts";
import { Scratch } from "../http1/inbox.ts";
import { RequestHead } from "../http1/request_head.ts";
import { ResponseHead } from "../http1/response_head.ts";
import { Writer } from "../http1/bytes.ts";
import type { PoolGauge } from "../net/pool.ts";
import type { Net } from "../net/socket.ts";
import type { Upstream } from "./upstream.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Client } from "./client.ts";
import type { Directory } from "./directory.ts";
import { type FieldPlans, fieldPlans } from "./field_plan.ts";

export type DrainPhase = "none" | "announce" | "close_inbound" | "close_outbound";

const scratchBytes = 64 * 1024;
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
  readonly report: (failure: FailureReport) => void;
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
  drain: DrainPhase = "none";
  directory!: Directory;
  policy: DataPolicy;
  plans: FieldPlans;
  readonly #writers: Writer[] = [];

  constructor(options: ContextOptions) {
    this.net = options.net;
    this.policy = options.policy;
    this.plans = fieldPlans(options.policy);
    this.counters = options.counters;
    this.random = options.random;
    this.report = options.report;
  }

  /** Takes a new policy over in one assignment; requests under way keep what they have read of the old one. */
  setPolicy(policy: DataPolicy): void {
    this.policy = policy;
    this.plans = fieldPlans(policy);
  }

  takeWriter(): Writer {
    return this.#writers.pop() ?? new Writer();
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
    const base = blockBase(block);
    const { counters } = this;
    const seconds = elapsedMs / 1000;
    counters[base + slot.latencySum]! += seconds;
    counters[base + slot.latencyCount]! += 1;
    for (let index = 0; index < latencyBounds.length; index++) {
      if (seconds <= latencyBounds[index]!) {
        counters[base + slot.latency + index]! += 1;
        return;
      }
    }
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
