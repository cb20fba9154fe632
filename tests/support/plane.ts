/** A data plane with real threads and sockets for a test, and a control half that answers from a table. */
import { failureCodes } from "../../lib/core/errors.ts";
import type { Logger } from "../../lib/core/ports.ts";
import {
  blockBase,
  firstServiceBlock,
  slot,
  slotWidths,
  threadSlot,
} from "../../lib/plane/counters.ts";
import { openLibc } from "../../lib/plane/libc.ts";
import type {
  EndpointSnapshot,
  FailureReport,
  FromThread,
  ListenerRole,
  NetKind,
  Resolution,
  ThreadMessage,
} from "../../lib/plane/messages.ts";
import type { DataPolicy } from "../../lib/plane/policy.ts";
import { Supervisor } from "../../lib/plane/supervisor.ts";
import { changed, defaultPolicy, type PolicyChanges } from "./policy.ts";
import { patienceMs, rawClient, type RawPeer, within } from "./raw.ts";

/** The port of an endpoint on 127.0.0.1, or as much of its record as matters. */
export type EndpointSpec = number | Partial<EndpointSnapshot> & { readonly port: number };

export interface PlaneOptions {
  readonly net: NetKind;
  readonly policy?: PolicyChanges;
  /** Services that the registry of the scripted control half knows. */
  readonly services?: Readonly<Record<string, readonly EndpointSpec[]>>;
  /** What the control half says of other names. */
  readonly names?: Readonly<Record<string, Resolution>>;
  readonly roles?: readonly ListenerRole[];
  /** Module of the data thread; the real one where none is given. */
  readonly module?: URL;
}

/** Registers one test per kind of socket; where one is not to be had its test is skipped. */
export function onBothNets(title: string, fn: (net: NetKind) => Promise<void>): void {
  Deno.test(`${title} [native]`, { ignore: !nativeHere }, () => fn("native"));
  Deno.test(`${title} [portable]`, () => fn("portable"));
}

/**
 * As onBothNets, as one test in which both kinds of socket go through the story at the same time: for stories that
 * mostly wait.
 */
export function onBothNetsAtOnce(title: string, fn: (net: NetKind) => Promise<void>): void {
  const nets: readonly NetKind[] = nativeHere ? ["native", "portable"] : ["portable"];
  Deno.test(`${title} [${nets.join(" and ")}]`, () =>
    allEnded(nets.map((net) =>
      fn(net).catch((cause) => {
        throw new Error(`on ${net} sockets`, { cause });
      })
    )));
}

/** Waits until all parts of a test have ended, also when one fails: it would outlive the test otherwise. */
export async function allEnded(parts: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(parts);
  await Promise.all(parts);
}

/** As onBothNets, on the best sockets there are: for long stories to which their kind makes no difference. */
export function onOneNet(title: string, fn: (net: NetKind) => Promise<void>): void {
  const net = nativeHere ? "native" : "portable";
  Deno.test(`${title} [${net}]`, () => fn(net));
}

/** Native sockets need Linux with glibc and the permission for foreign functions. */
export const nativeHere = openLibc() !== undefined;

/** Starts a data plane. Use with `await using`. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const plane = new Plane(options);
  await plane.start();
  return plane;
}

export class Plane implements AsyncDisposable {
  readonly net: NetKind;
  readonly received: FromThread[] = [];
  /** What was logged as an error, such as the death of a thread. */
  readonly errors: string[] = [];
  readonly services = new Map<string, readonly EndpointSpec[]>();
  readonly names = new Map<string, Resolution>();
  /** How long answers on names hold. Units: milliseconds. */
  validMs = 60_000;
  /** While true the control half answers no question. */
  mute = false;
  /** Called instead of the usual answer to `refresh`. */
  onRefresh: ((service: string) => void) | undefined;
  supervisor!: Supervisor;
  readonly #options: PlaneOptions;
  readonly #blocks = new Map<string, number>();
  readonly #changed = new Set<() => void>();
  readonly #clients: RawPeer[] = [];
  #policy: DataPolicy;

  constructor(options: PlaneOptions) {
    this.#options = options;
    this.net = options.net;
    this.#policy = changed(defaultPolicy, options.policy ?? {});
    for (const [name, endpoints] of Object.entries(options.services ?? {})) {
      this.services.set(name, endpoints);
    }
    for (const [name, resolution] of Object.entries(options.names ?? {})) {
      this.names.set(name, resolution);
    }
  }

  async start(): Promise<void> {
    const { net, roles = ["outbound"] } = this.#options;
    const silent = () => {};
    const logger: Logger = {
      error: (message, fields) => this.errors.push(`${message} ${JSON.stringify(fields)}`),
      warn: silent,
      info: silent,
      debug: silent,
    };
    this.supervisor = await Supervisor.start({
      threads: 1,
      net,
      listeners: roles.map((role) => ({
        role,
        address: { host: "127.0.0.1", port: 0 },
      })),
      policy: this.#policy,
      clusters: [],
      module: this.#options.module ?? new URL("../../lib/data/thread.ts", import.meta.url),
      logger,
      received: (message) => this.#receive(message),
    });
    // The own addresses are known only now.
    if (this.#policy.ownAddresses.length === 0) {
      await this.setPolicy({
        ownAddresses: roles.map((role) => ({ host: "127.0.0.1", port: this.port(role) })),
      });
    }
  }

  port(role: ListenerRole = "outbound"): number {
    const address = this.supervisor.address(role);
    if (address === undefined || "path" in address) throw new Error(`no ${role} listener`);
    return address.port;
  }

  /** A raw client of one of the listeners; closed with the plane. */
  async client(role: ListenerRole = "outbound"): Promise<RawPeer> {
    const client = await rawClient(this.port(role));
    this.#clients.push(client);
    return client;
  }

  #receive(message: FromThread): void {
    this.received.push(message);
    if (message.kind === "resolve" && !this.mute) this.#resolve(message.name);
    else if (message.kind === "refresh" && !this.mute) {
      if (this.onRefresh !== undefined) this.onRefresh(message.service);
      else this.#post(message.service);
    }
    for (const look of [...this.#changed]) look();
  }

  #resolve(name: string): void {
    const resolution = this.names.get(name) ??
      (this.services.has(name)
        ? { kind: "service" as const, service: name }
        : { kind: "unknown" as const, detail: `no service ${name} in the table` });
    if (resolution.kind === "service") this.#post(resolution.service);
    this.supervisor.post({ kind: "resolved", name, resolution, validMs: this.validMs });
  }

  #post(service: string): void {
    const endpoints = this.services.get(service) ?? [];
    this.supervisor.post({
      kind: "cluster",
      cluster: {
        service,
        block: this.block(service),
        endpoints: endpoints.map(endpointRecord),
        unusable: [],
      },
    });
  }

  /** Sends a message and waits until the thread has it. */
  async post(message: ThreadMessage): Promise<void> {
    this.supervisor.post(message);
    await this.setPolicy({});
  }

  /** Changes the endpoints of a service, and waits until the thread has them. */
  async publish(service: string, endpoints: readonly EndpointSpec[]): Promise<void> {
    this.services.set(service, endpoints);
    this.#post(service);
    await this.setPolicy({});
  }

  async setPolicy(changes: PolicyChanges): Promise<void> {
    this.#policy = changed(this.#policy, changes);
    const { revision } = this.#policy;
    this.supervisor.post({ kind: "policy", policy: this.#policy });
    await this.message(
      (message) => message.kind === "acknowledged" && message.revision === revision,
      `the acknowledgement of revision ${revision}`,
    );
  }

  get policy(): DataPolicy {
    return this.#policy;
  }

  /** The first message of the thread, from the beginning on, that fits. */
  async message(fits: (message: FromThread) => boolean, what: string): Promise<FromThread> {
    const wait = Promise.withResolvers<FromThread>();
    const look = () => {
      const found = this.received.find(fits);
      if (found !== undefined) wait.resolve(found);
    };
    this.#changed.add(look);
    look();
    try {
      return await within(wait.promise, what);
    } finally {
      this.#changed.delete(look);
    }
  }

  /** The first failure reported with this code. */
  async failure(code: FailureReport["code"]): Promise<FailureReport> {
    const fits = (failure: FailureReport) => failure.code === code;
    const message = await this.message(
      (each) => each.kind === "failures" && each.failures.some(fits),
      `a report of ${code}`,
    );
    if (message.kind !== "failures") throw new Error("unreachable");
    return message.failures.find(fits)!;
  }

  get failures(): readonly FailureReport[] {
    return this.received.flatMap((each) => each.kind === "failures" ? each.failures : []);
  }

  /** Names that were asked for, in order. */
  get asked(): readonly string[] {
    return this.received.flatMap((each) => each.kind === "resolve" ? [each.name] : []);
  }

  /** The counter block of a service. */
  block(service: string): number {
    let block = this.#blocks.get(service);
    if (block === undefined) {
      block = firstServiceBlock + this.#blocks.size;
      this.#blocks.set(service, block);
    }
    return block;
  }

  /** One counter of a block, by service name or block number. */
  count(of: string | number, name: keyof typeof slot): number {
    const first = blockBase(typeof of === "string" ? this.block(of) : of) + slot[name];
    let sum = 0;
    for (let index = 0; index < slotWidths[name]; index++) {
      sum += this.supervisor.counter(first + index);
    }
    return sum;
  }

  countFailures(of: string | number, code: FailureReport["code"]): number {
    const block = typeof of === "string" ? this.block(of) : of;
    return this.supervisor.counter(blockBase(block) + slot.failure + failureCodes.indexOf(code));
  }

  /** One counter of the thread. */
  gauge(name: keyof typeof threadSlot): number {
    return this.supervisor.counter(threadSlot[name]);
  }

  /** Requests begun and not finished, over all blocks. */
  get open(): number {
    let sum = 0;
    for (let block = 0; block < firstServiceBlock + this.#blocks.size; block++) {
      sum += this.count(block, "open");
    }
    return sum;
  }

  /**
   * Waits until a state of the shared counters holds. Shared memory tells nobody when it changes, so it is looked at
   * again and again, for a bounded time.
   */
  async until(holds: () => boolean, what: string | (() => string)): Promise<void> {
    const end = performance.now() + patienceMs;
    while (!holds()) {
      if (performance.now() > end) {
        throw new Error(
          `waited ${patienceMs} ms for ${typeof what === "string" ? what : what()}; failures: ` +
            JSON.stringify(this.failures.slice(-5)),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Waits until nothing is under way: no request, no tunnel, and no client but `clients`. */
  async quiet(
    { clients = 0, idle }: { clients?: number | "any"; idle?: number } = {},
  ): Promise<void> {
    await this.until(
      () =>
        this.open === 0 && this.gauge("tunnelsOpen") === 0 &&
        (clients === "any" || this.gauge("clientsOpen") === clients) &&
        (idle === undefined || this.gauge("upstreamsIdle") === idle),
      () =>
        `rest; requests ${this.open}, tunnels ${this.gauge("tunnelsOpen")}, clients ${
          this.gauge("clientsOpen")
        } of ${clients}, idle upstreams ${this.gauge("upstreamsIdle")} of ${idle ?? "any"}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.supervisor.stop();
  }
}

function endpointRecord(spec: EndpointSpec, index: number): EndpointSnapshot {
  const record = typeof spec === "number" ? { port: spec } : spec;
  return {
    host: "127.0.0.1",
    instanceId: `i${index}`,
    version: "1.0.0",
    mesher: false,
    ...record,
  };
}
