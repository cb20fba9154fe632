/** Keeps the data threads: starts them, posts to them, wakes them, replaces one that died. */
import { type Address, formatAddress } from "../core/address.ts";
import type { Logger } from "../core/ports.ts";
import { ClusterPosts, type HeldSets } from "./cluster_posts.ts";
import { counterBytes, isGauge } from "./counters.ts";
import { limitBytes } from "./limits.ts";
import { type Libc, openLibc } from "./libc.ts";
import { listenProblem } from "./linux.ts";
import {
  type ClusterSnapshot,
  type FromThread,
  type ListenerRole,
  type ListenerSpec,
  maxDescriptors,
  type NetKind,
  type ThreadMessage,
  type ThreadStart,
} from "./messages.ts";
import type { DataPolicy } from "./policy.ts";

export interface SupervisorOptions {
  readonly threads: number;
  readonly net: "auto" | NetKind;
  readonly listeners: readonly { readonly role: ListenerRole; readonly address: Address }[];
  readonly policy: DataPolicy;
  readonly clusters: readonly ClusterSnapshot[];
  /** Module of the data thread. */
  readonly module: URL;
  readonly logger: Logger;
  readonly received: (message: FromThread, thread: number) => void;
}

interface DataThread {
  readonly index: number;
  readonly worker: Worker;
  readonly wakeFd: number;
  readonly sequence: Int32Array;
  readonly counters: Float64Array;
  readonly descriptors: Uint8Array;
  readonly started: Promise<void>;
  readonly stopped: Promise<void>;
  readonly held: HeldSets;
  dead: boolean;
}

/** A listening address that cannot be had. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** How soon threads are replaced when they die one after another. Units: milliseconds. */
const replaceDelayMs = 100;
const stopTimeoutMs = 2000;

export class Supervisor {
  readonly net: NetKind;
  readonly #options: SupervisorOptions;
  readonly #libc: Libc | undefined;
  readonly #threads: DataThread[] = [];
  readonly #clusters: ClusterPosts;
  readonly #addresses = new Map<ListenerRole, Address>();
  #listeners: ListenerSpec[] = [];
  #policy: DataPolicy;
  #stopping = false;
  /** Sums of threads that died: counters only grow. */
  readonly #buried = new Float64Array(counterBytes / 8);
  readonly #limits = new SharedArrayBuffer(limitBytes);
  replaced = 0;

  private constructor(options: SupervisorOptions, libc: Libc | undefined) {
    this.#options = options;
    this.#policy = options.policy;
    this.#libc = libc;
    this.net = libc === undefined ? "portable" : "native";
    this.#clusters = new ClusterPosts(options.clusters);
  }

  /**
   * Opens the listeners and starts the threads; resolves when all of them accept.
   *
   * Errors: ListenError when an address cannot be had; Error when native sockets are demanded and not to be had.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const libc = options.net === "portable" ? undefined : openLibc();
    if (libc === undefined && options.net === "native") {
      throw new Error(
        "native sockets need Linux with glibc and the permission for foreign functions; set net to auto or portable",
      );
    }
    const supervisor = new Supervisor(options, libc);
    supervisor.#listen();
    // Portable listeners cannot be shared between threads.
    const count = supervisor.net === "native" ? options.threads : 1;
    for (let index = 0; index < count; index++) supervisor.#threads.push(supervisor.#spawn(index));
    try {
      await Promise.all(supervisor.#threads.map((thread) => thread.started));
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    return supervisor;
  }

  #listen(): void {
    for (const { role, address } of this.#options.listeners) {
      if (this.#libc === undefined || "path" in address) {
        this.#listeners.push({ role, address });
        continue;
      }
      const fd = this.#libc.listenTcp(address);
      if (fd < 0) {
        this.#closeListeners();
        throw new ListenError(
          `cannot listen on ${formatAddress(address)} (${role}): ${listenProblem(fd)}`,
        );
      }
      const bound = this.#libc.localAddress(fd);
      this.#addresses.set(role, bound);
      this.#listeners.push({ role, address: bound, fd });
    }
  }

  #closeListeners(): void {
    for (const { fd } of this.#listeners) if (fd !== undefined) this.#libc?.close(fd);
    this.#listeners = [];
  }

  #spawn(index: number): DataThread {
    const worker = new Worker(this.#options.module, { type: "module", name: `data-${index}` });
    const wakeFd = this.#libc?.eventFd() ?? -1;
    const sequence = new SharedArrayBuffer(4);
    const counters = new SharedArrayBuffer(counterBytes);
    const descriptors = new SharedArrayBuffer(maxDescriptors);
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { clusters, held } = this.#clusters.begin();
    const thread: DataThread = {
      index,
      worker,
      wakeFd,
      sequence: new Int32Array(sequence),
      counters: new Float64Array(counters),
      descriptors: new Uint8Array(descriptors),
      started: begun.promise,
      stopped: ended.promise,
      held,
      dead: false,
    };
    // A failed start is reported through `started`; this keeps it from being an unhandled rejection as well.
    thread.started.catch(() => {});
    const died = (why: string) => {
      begun.reject(new ListenError(why));
      ended.resolve();
      this.#bury(thread, why);
    };
    worker.onmessage = ({ data }: MessageEvent<FromThread>) => {
      if (data.kind === "started") begun.resolve();
      else if (data.kind === "stopped") ended.resolve();
      else if (data.kind === "listening") this.#bound(data);
      else if (data.kind === "fatal") died(data.message);
      else if (data.kind === "cluster_gap") this.#resend(thread, data.service);
      this.#options.received(data, index);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      died(event.message);
    };
    const start: ThreadStart = {
      kind: "start",
      thread: index,
      net: this.net,
      wakeFd,
      sequence,
      counters,
      descriptors,
      limits: this.#limits,
      originMs: performance.timeOrigin,
      listeners: this.#listeners,
      policy: this.#policy,
      clusters,
    };
    worker.postMessage(start);
    this.#sendMissing(thread);
    return thread;
  }

  /** The large sets come one after the other: to make a message of each takes control some milliseconds. */
  #sendMissing(thread: DataThread): void {
    const missing = this.#clusters.missing(thread.held);
    const sendNext = (index: number): void => {
      const service = missing[index];
      if (service === undefined || thread.dead || this.#stopping) return;
      if (!thread.held.has(service)) this.#sendCluster(thread, service);
      if (index + 1 < missing.length) setTimeout(sendNext, 0, index + 1);
    };
    sendNext(0);
  }

  #resend(thread: DataThread, service: string): void {
    thread.held.delete(service);
    this.#sendCluster(thread, service);
  }

  #sendCluster(thread: DataThread, service: string): void {
    const message = thread.dead ? undefined : this.#clusters.next(thread.held, service);
    if (message !== undefined) this.#send(thread, message);
  }

  /** Port 0 has become a real one; a replacement has to listen there again. */
  #bound({ role, address }: { readonly role: ListenerRole; readonly address: Address }): void {
    this.#addresses.set(role, address);
    this.#listeners = this.#listeners.map((spec) =>
      spec.role === role && spec.fd === undefined ? { role, address } : spec
    );
  }

  /** A dead thread's connections are closed so that no client hangs; another thread takes its place. */
  #bury(thread: DataThread, why: string): void {
    if (thread.dead) return;
    thread.dead = true;
    thread.worker.terminate();
    this.#release(thread);
    thread.counters.forEach((value, slot) => {
      if (!isGauge(slot)) this.#buried[slot]! += value;
    });
    if (this.#stopping || this.#threads[thread.index] !== thread) return;
    this.#options.logger.error("a data thread died and is replaced", {
      thread: thread.index,
      error: why,
    });
    this.replaced++;
    setTimeout(() => {
      if (!this.#stopping) this.#threads[thread.index] = this.#spawn(thread.index);
    }, replaceDelayMs);
  }

  #release(thread: DataThread): void {
    const libc = this.#libc;
    if (libc === undefined) return;
    thread.descriptors.forEach((owned, fd) => {
      if (owned === 1) libc.close(fd);
    });
    thread.descriptors.fill(0);
    libc.close(thread.wakeFd);
  }

  /** Where a listener is bound; port 0 has become a real one. */
  address(role: ListenerRole): Address | undefined {
    return this.#addresses.get(role);
  }

  /** Gives free memory of the process back to the system, where the C library is at hand. */
  trimHeaps(): void {
    this.#libc?.trimHeaps();
  }

  get threads(): number {
    return this.#threads.length;
  }

  /** Sends a message to every thread and remembers what a replacement would have to know. */
  post(message: ThreadMessage): void {
    if (message.kind === "policy") this.#policy = message.policy;
    else if (message.kind === "cluster") this.#clusters.put(message.cluster);
    else if (message.kind === "cluster_gone") this.#clusters.delete(message.service);
    for (const thread of this.#threads) this.#sendOn(thread, message);
  }

  #sendOn(thread: DataThread, message: ThreadMessage): void {
    if (message.kind === "cluster") return this.#sendCluster(thread, message.cluster.service);
    if (message.kind === "cluster_gone") thread.held.delete(message.service);
    if (message.kind === "resolved" && message.resolution.kind === "service") {
      // Somebody waits for it: its set does not wait for its turn.
      const { service } = message.resolution;
      if (!thread.held.has(service)) this.#sendCluster(thread, service);
    }
    this.#send(thread, message);
  }

  #send(thread: DataThread, message: ThreadMessage | { readonly kind: "stop" }): void {
    if (thread.dead) return;
    const sequence = Atomics.add(thread.sequence, 0, 1) + 1;
    thread.worker.postMessage({ ...message, sequence });
    if (thread.wakeFd >= 0) this.#libc!.signal(thread.wakeFd);
  }

  /** The sum over all threads of one slot. */
  counter(slot: number): number {
    let sum = this.#buried[slot]!;
    for (const thread of this.#threads) if (!thread.dead) sum += thread.counters[slot]!;
    return sum;
  }

  /** One slot of one thread. Shape: undefined while the thread is being replaced. */
  read(thread: number, slot: number): number | undefined {
    const found = this.#threads[thread];
    return found === undefined || found.dead ? undefined : found.counters[slot];
  }

  /** Stops all threads; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const thread of this.#threads) this.#send(thread, { kind: "stop" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, stopTimeoutMs));
    await Promise.race([Promise.all(this.#threads.map((thread) => thread.stopped)), late]);
    clearTimeout(timer);
    for (const thread of this.#threads) {
      if (thread.dead) continue;
      thread.dead = true;
      thread.worker.terminate();
      this.#release(thread);
    }
    this.#closeListeners();
  }
}
