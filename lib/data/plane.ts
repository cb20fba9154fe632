/** One data plane: listeners, connections and what control told it. The same in a thread of its own and inline. */
import type { Random } from "../core/ports.ts";
import { threadSlot } from "../plane/counters.ts";
import type {
  FailureReport,
  FromThread,
  ListenerSpec,
  ThreadMessage,
  ThreadStart,
} from "../plane/messages.ts";
import { Arrivals, type WholeMessage } from "./cluster/arrivals.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Listener, Net } from "./net/socket.ts";
import { Client } from "./proxy/client.ts";
import { DataContext } from "./proxy/context.ts";
import type { ExplainQuestion } from "../plane/observe.ts";
import { Directory } from "./proxy/directory.ts";
import { explain } from "./proxy/explain.ts";
import { LimitMemory } from "./proxy/rate_limits.ts";
import type { Upstream } from "./proxy/upstream.ts";

/** Failures of one batch; more are only counted. */
const maxReports = 200;
const reportMs = 100;
/** How often gauges of clusters are put where control sees them. */
const publishMs = 1000;
/** Clusters and endpoints whose gauges are looked at in one turn; it takes a fraction of a millisecond. */
const maxPublished = 4000;

export interface DataPlaneOptions {
  readonly net: Net;
  readonly start: ThreadStart;
  readonly post: (message: FromThread) => void;
  readonly random: Random;
}

export class DataPlane {
  readonly context: DataContext;
  readonly #post: (message: FromThread) => void;
  readonly #listeners = new Map<Listener, ListenerSpec>();
  readonly #arrivals: Arrivals;
  #failures: FailureReport[] = [];
  #dropped = 0;
  #reporting = false;
  #publishAtMs = 0;
  #publishing = false;
  #stopped = false;

  /** Errors: what listening throws when an address cannot be had (portable sockets only). */
  constructor({ net, start, post, random }: DataPlaneOptions) {
    this.#post = post;
    this.context = new DataContext({
      net,
      policy: start.policy,
      counters: new Float64Array(start.counters),
      random,
      limits: new LimitMemory(start.limits, performance.timeOrigin - start.originMs),
      report: (failure) => this.#report(failure),
      records: (records) => post({ kind: "records", ...records }),
    });
    this.context.directory = new Directory(this.context, post);
    this.#arrivals = new Arrivals({
      handle: (message) => this.#handle(message),
      begin: (change) => this.context.directory.beginChange(change),
      net,
    });
    for (const cluster of start.clusters) this.context.directory.applyCluster(cluster);
    for (const spec of start.listeners) this.#listen(spec);
    post({ kind: "started" });
  }

  #listen(spec: ListenerSpec): void {
    const { context } = this;
    const listener = context.net.listen(spec, {
      accepted: (socket) => {
        new Client(context, socket, spec.role).serve();
      },
      full: () => context.full(),
      pausing: () => context.counters[threadSlot.acceptPauses]! += 1,
    });
    this.#listeners.set(listener, spec);
    this.#post({ kind: "listening", role: spec.role, address: listener.address });
  }

  receive(message: ThreadMessage): void {
    this.#arrivals.receive(message);
  }

  #handle(message: WholeMessage): void {
    const { directory } = this.context;
    switch (message.kind) {
      case "policy":
        this.context.setPolicy(message.policy);
        directory.policyChanged();
        this.#post({ kind: "acknowledged", revision: message.policy.revision });
        return;
      case "observe":
        return this.context.observer.setPolicy(message.observe);
      case "explain":
        return this.#explain(message.question);
      case "cluster":
        return directory.applyCluster(message.cluster, message.number);
      case "cluster_gone":
        return directory.forgetCluster(message.service);
      case "resolved":
        return directory.applyResolution(message.name, message.resolution, message.validMs);
      case "verdict":
        return directory.applyVerdict(message.service, message);
      case "drain":
        return this.#drain(message.phase);
    }
  }

  #explain(question: ExplainQuestion): void {
    const { id } = question;
    explain(this.context, question).then((explanation) =>
      this.#post({ kind: "explained", id, explanation })
    );
  }

  #drain(phase: "announce" | "close_inbound" | "close_outbound"): void {
    const { context } = this;
    context.drain = phase;
    if (phase === "announce") return;
    for (const [listener, spec] of this.#listeners) {
      if (phase === "close_inbound" && spec.role === "outbound") continue;
      listener.close();
      this.#listeners.delete(listener);
    }
    for (const client of [...context.clients]) {
      if (phase === "close_outbound" || client.role === "inbound") client.closeIdle();
    }
  }

  /** Collects failures and sends them a batch at a time, so that a storm of them costs no storm of messages. */
  #report(failure: FailureReport): void {
    if (this.#failures.length >= maxReports) this.#dropped++;
    else this.#failures.push(failure);
    if (this.#reporting) return;
    this.#reporting = true;
    this.context.net.sleep(reportMs).then(() => this.flushReports());
  }

  flushReports(): void {
    this.#reporting = false;
    if (this.#failures.length === 0) return;
    this.#post({ kind: "failures", failures: this.#failures, dropped: this.#dropped });
    this.#failures = [];
    this.#dropped = 0;
  }

  /** Closes everything at once. */
  stop(): void {
    this.#stopped = true;
    this.#arrivals.stop();
    for (const listener of this.#listeners.keys()) listener.close();
    this.#listeners.clear();
    for (const client of [...this.context.clients]) client.socket.close();
    this.context.directory.close();
    for (const cluster of this.context.localClusters.values()) cluster.close();
    this.flushReports();
    this.context.observer.flush();
    this.#post({ kind: "stopped" });
  }

  /** Keeps the gauges of shared memory up to date; called once a turn. */
  turned(nowMs: number): void {
    const { counters, gauge } = this.context;
    counters[threadSlot.upstreamsIdle] = gauge.idle;
    counters[threadSlot.loopTurns]! += 1;
    counters[threadSlot.loopAtMs] = nowMs;
    if (nowMs >= this.#publishAtMs) {
      this.#publishAtMs = nowMs + publishMs;
      if (!this.#publishing) this.#publish();
    }
  }

  /** Looks through all clusters, in as many turns as it takes. */
  async #publish(): Promise<void> {
    this.#publishing = true;
    const { context } = this;
    context.directory.publishOutside(context.net.now());
    await this.#publishAll(context.directory.clusters.values());
    await this.#publishAll(context.localClusters.values());
    this.#publishing = false;
  }

  async #publishAll(clusters: Iterable<Cluster<Upstream>>): Promise<void> {
    const { net } = this.context;
    let looked = 0;
    for (const cluster of clusters) {
      looked += 1 + cluster.publish(net.now());
      if (looked < maxPublished) continue;
      looked = 0;
      await net.turn();
      if (this.#stopped) return;
    }
  }
}
