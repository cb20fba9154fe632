/** The composition root: one Config becomes a control plane and its data threads, and ends in order. */
import { type Address, isIpLiteral } from "../core/address.ts";
import type { HttpServer } from "../core/ports.ts";
import type { Merged } from "../config/merge.ts";
import type { Config } from "../config/schema.ts";
import type { DoctorReport } from "../control/api/shapes/doctor.ts";
import type { ExplainBody } from "../control/api/shapes/events.ts";
import type { LogLevel, ReloadOutcome, SnapshotsView } from "../control/api/shapes/state.ts";
import { DiscoveryCache } from "../control/discovery/cache.ts";
import { ClusterFeed } from "../control/discovery/cluster_feed.ts";
import { DiskSnapshot } from "../control/discovery/disk.ts";
import { HostCache } from "../control/discovery/hosts.ts";
import { EndpointProber } from "../control/discovery/prober.ts";
import { resolveName } from "../control/discovery/resolve.ts";
import { BlockTable } from "../control/telemetry/blocks.ts";
import { EndpointSlots } from "../control/telemetry/endpoint_slots.ts";
import { blockBase, blocks, slot } from "../plane/counters.ts";
import type { FromThread, ListenerRole, Resolution } from "../plane/messages.ts";
import type { Explanation } from "../plane/observe.ts";
import { Supervisor } from "../plane/supervisor.ts";
import { realFiles } from "../platform/files.ts";
import { serveHttp } from "../platform/http_server.ts";
import type { QueuedLogger } from "../platform/logger.ts";
import { realClock } from "../platform/real_clock.ts";
import { resolveHost } from "../platform/resolver.ts";
import { tcpProbe } from "../platform/tcp_probe.ts";
import { adminServer } from "./admin_server.ts";
import { chooseBackend, type ChosenBackend } from "./backend.ts";
import { AskedNames } from "./doctor/asked_names.ts";
import type { Doctor } from "./doctor/inside.ts";
import { logFailures } from "./failure_log.ts";
import { Insight } from "./insight.ts";
import { type OwnInstance, startOwnInstance } from "./own_instance.ts";
import { Overrides } from "./overrides.ts";
import { cachePolicy, dataPolicy, threadsOf } from "./policy.ts";
import { createTelemetry } from "./start_telemetry.ts";
import type { Telemetry } from "./telemetry.ts";
import { liveSource } from "./views/live_view.ts";

export interface SidecarOptions {
  readonly logger: QueuedLogger;
  readonly hostName: string;
  /** Undefined: nothing is kept on disk. */
  readonly stateDir: string | undefined;
  /** What all sources of the configuration say, for changes on top of it and to tell where values came from. */
  readonly merged: Merged;
}

/** How often use of services is looked at. Units: milliseconds. */
const useMs = 1000;
const drainStepMs = 50;
/** Calls have stopped coming when none came for so long. Units: milliseconds. */
const quietMs = 500;

export class Sidecar {
  readonly blocks = new BlockTable();
  readonly #slots = new EndpointSlots({ clock: realClock });
  readonly startedAtMs = realClock.now();
  readonly #options: SidecarOptions;
  readonly #stop = new AbortController();
  readonly #used = new Map<string, number>();
  config: Config;
  /** Changes of policies by the admin API; they lie on top of the file's. */
  readonly overrides: Overrides;
  #drained: Promise<void> | undefined;
  /** Changes of the configuration that were refused, with the reason of the last. */
  refusedReloads = { count: 0, last: "" };
  /** Loads the configuration again; set by whoever knows where it comes from. */
  reload: () => Promise<ReloadOutcome> = () =>
    Promise.resolve({ kind: "refused", why: "this sidecar was started without sources to load" });
  logLevel: LogLevel;
  readonly insight: Insight;
  /** Names that were called and that are not spelled so. */
  readonly askedNames = new AskedNames();
  #doctor: Doctor | undefined;
  diskState: SnapshotsView["disk"];
  chosen!: ChosenBackend;
  cache!: DiscoveryCache;
  feed!: ClusterFeed;
  supervisor!: Supervisor;
  telemetry!: Telemetry;
  own: OwnInstance | undefined;
  #hosts!: HostCache;
  #disk: DiskSnapshot | undefined;
  #prober!: EndpointProber;
  #admin: HttpServer | undefined;
  #revision = 1;

  constructor(config: Config, options: SidecarOptions) {
    this.config = config;
    this.#options = options;
    this.overrides = new Overrides(options.merged);
    this.logLevel = config.log;
    this.insight = this.#makeInsight();
  }

  #makeInsight(): Insight {
    const threads = () => this.supervisor.threads;
    return new Insight({
      blocks: this.blocks,
      clusters: () => this.feed.clusters,
      reader: {
        get threads() {
          return threads();
        },
        read: (thread, at) => this.supervisor.read(thread, at),
      },
      counter: (at) => this.supervisor.counter(at),
      post: (message) => this.supervisor?.post(message),
      revision: () => this.revision,
      live: (insight) => liveSource(this, insight),
      clock: realClock,
    });
  }

  /**
   * Opens all listeners and starts everything; never waits for a registry.
   *
   * Errors: ListenError, AddressInUseError when an address cannot be had.
   */
  async start(): Promise<void> {
    const { config } = this;
    const { hostName, logger, stateDir } = this.#options;
    this.chosen = await chooseBackend(config, { logger, files: realFiles, hostName, stateDir });
    await this.#startDiscovery();
    await this.#startThreads();
    this.telemetry = createTelemetry(config, {
      logger,
      hostName,
      reader: this.insight.reader,
    });
    this.insight.observers.setBase(this.telemetry.wanted);
    this.#admin = serveHttp(config.admin, adminServer(this));
    // Now that ports are known, the threads learn which addresses are their own.
    this.apply(config);
    const inbound = this.supervisor.address("inbound");
    if (inbound !== undefined) {
      this.own = await startOwnInstance(config, {
        inbound,
        hostName,
        registrar: this.chosen.backend.registrar,
        logger,
      });
    }
    this.#watchUse();
  }

  async #startDiscovery(): Promise<void> {
    const { config } = this;
    const { logger, stateDir } = this.#options;
    const { backend } = this.chosen;
    this.#hosts = new HostCache({ resolve: resolveHost, clock: realClock });
    this.feed = new ClusterFeed({
      blockOf: (service) => this.blocks.blockOf(service),
      lookupHost: (name) => this.#hosts.lookup(name),
      slotted: (cluster) => this.#slots.assign(cluster),
      post: (cluster) => this.supervisor?.post({ kind: "cluster", cluster }),
      gone: (service) => {
        this.#slots.forget(service);
        this.supervisor?.post({ kind: "cluster_gone", service });
      },
    });
    this.cache = new DiscoveryCache({
      backend,
      app: config.app,
      environment: config.environment,
      otherApps: config.otherApps,
      clock: realClock,
      random: Math.random,
      logger,
      probe: tcpProbe,
      policy: cachePolicy(config),
      onSet: (set) => {
        this.feed.publish(set);
        this.#disk?.changed();
      },
      onGone: (service) => {
        this.feed.forget(service);
        this.#disk?.changed();
      },
    });
    this.#prober = new EndpointProber({
      probe: tcpProbe,
      clock: realClock,
      random: Math.random,
      logger,
      onVerdict: (verdict) => this.supervisor.post({ kind: "verdict", ...verdict }),
    });
    if (stateDir !== undefined) await this.#restore(stateDir);
    this.cache.start();
  }

  async #restore(stateDir: string): Promise<void> {
    const { config } = this;
    const { backend } = this.chosen;
    const path = `${stateDir}/discovery-${config.service ?? "consumer"}.json`;
    this.#disk = new DiskSnapshot({
      path,
      files: {
        ...realFiles,
        replace: async (path, text) => {
          await realFiles.replace(path, text);
          this.diskState = { ...this.diskState!, savedAt: realClock.wall() };
        },
      },
      clock: realClock,
      logger: this.#options.logger,
      scope: {
        registry: `${backend.kind} ${backend.address}`,
        app: config.app,
        environment: config.environment,
      },
      read: () => this.cache.views(),
      maxAgeMs: config.discovery.snapshotMaxAgeMs,
    });
    const sets = await this.#disk.load();
    this.diskState = { path, restored: sets.length };
    this.cache.restore(sets);
    await Promise.all(sets.map((set) => this.feed.settled(set.service)));
    this.#disk.start();
  }

  async #startThreads(): Promise<void> {
    const { config } = this;
    const listeners: { role: ListenerRole; address: Address }[] = [
      { role: "outbound", address: config.outbound },
    ];
    if (config.service !== undefined) listeners.push({ role: "inbound", address: config.inbound });
    this.supervisor = await Supervisor.start({
      threads: threadsOf(config),
      net: config.net,
      listeners,
      policy: dataPolicy(config, { revision: 0, ownAddresses: [], threads: threadsOf(config) }),
      clusters: [...this.feed.clusters.values()],
      module: new URL("../data/thread.ts", import.meta.url),
      logger: this.#options.logger,
      received: (message, thread) => this.#received(message, thread),
    });
  }

  #received(message: FromThread, thread: number): void {
    this.insight.received(message, thread);
    switch (message.kind) {
      case "resolve":
        this.#resolve(message.name).then((resolution) =>
          this.askedNames.saw(message.name, resolution, realClock.now())
        );
        return;
      case "refresh":
        this.cache.refresh(message.service).then(() => this.feed.repeat(message.service));
        return;
      case "suspect":
        this.cache.distrust(message.service, message);
        this.#prober.suspect(message.service, message);
        return;
      case "failures":
        this.telemetry?.failures(message);
        return logFailures(this.#options.logger, message);
      case "records":
        return this.telemetry.records(message);
      case "trouble":
        return this.#options.logger.warn(message.message);
    }
  }

  async #resolve(name: string): Promise<Resolution> {
    const { resolution, validMs } = await resolveName(name, {
      services: this.cache,
      hosts: this.#hosts,
      clock: realClock,
      serviceMs: this.config.timeouts.resolveMs,
      negativeMs: this.config.discovery.negativeTtlMs,
    });
    if (resolution.kind === "service") await this.feed.settled(resolution.service);
    this.supervisor.post({ kind: "resolved", name, resolution, validMs });
    return resolution;
  }

  /** Tells the cache which services are called, so that it follows those and forgets the others. */
  async #watchUse(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await realClock.sleep(useMs, this.#stop.signal);
      this.insight.second();
      for (const { block, service } of this.blocks.entries()) {
        if (service === "") continue;
        const requests = this.supervisor.counter(blockBase(block) + slot.requests);
        if (requests !== this.#used.get(service)) this.cache.touch(service);
        this.#used.set(service, requests);
      }
    }
  }

  get draining(): boolean {
    return this.#drained !== undefined;
  }

  get hostName(): string {
    return this.#options.hostName;
  }

  /** Undefined: nothing is kept on disk. */
  get stateDir(): string | undefined {
    return this.#options.stateDir;
  }

  /** Of the policy that was posted last. */
  get revision(): number {
    return this.#revision - 1;
  }

  setLogLevel(level: LogLevel): void {
    this.logLevel = level;
    this.#options.logger.setLevel(level);
  }

  /** What would become of a request. Errors: when no data thread answers in time. */
  async explain(question: ExplainBody): Promise<Explanation> {
    const host = /^http:\/\/(?:\[[^\]]*\]|[^/?#:]*)/i.exec(question.url)?.[0].slice(
      "http://".length,
    );
    // Threads answer from what they know; this is what they would ask for first.
    if (host !== undefined && host !== "" && !isIpLiteral(host)) await this.#resolve(host);
    return await this.insight.questions.ask(question);
  }

  /** Looks for what is wrong with it and around it. Errors: when not even the means to look can be had. */
  async examine(): Promise<DoctorReport> {
    const { Doctor } = await import("./doctor/inside.ts");
    return await (this.#doctor ??= new Doctor(this)).examine();
  }

  get adminAddress(): Address | undefined {
    return this.#admin?.address;
  }

  /** Takes over a configuration whose changed keys can be changed live. */
  reconfigure(config: Config): void {
    this.setLogLevel(config.log);
    this.apply(config);
    this.cache.setPolicy(cachePolicy(config));
    this.telemetry.apply(config);
    this.insight.observers.setBase(this.telemetry.wanted);
    this.own?.setChecks(config);
  }

  /** Takes over changes of traffic policies only. */
  applyPolicies(config: Config, changed: readonly string[]): void {
    this.apply(config);
    this.#options.logger.info(`policies changed by the admin API: ${changed.join(", ")}`);
  }

  /** Puts the part that the data threads need in force, and nothing else. */
  apply(config: Config): void {
    this.config = config;
    const ownAddresses = [
      this.supervisor.address("outbound"),
      this.supervisor.address("inbound"),
      this.#admin?.address,
    ].filter((address) => address !== undefined);
    this.supervisor.post({
      kind: "policy",
      policy: dataPolicy(config, {
        revision: this.#revision++,
        ownAddresses,
        threads: this.supervisor.threads,
      }),
    });
  }

  /**
   * Takes the application out of the mesh: deregisters it, tells peers, waits until they have stopped calling and
   * open requests have ended. Asked again, it is the same drain.
   */
  drainInbound(): Promise<void> {
    return this.#drained ??= this.#drainInbound();
  }

  async #drainInbound(): Promise<void> {
    if (this.own === undefined) return;
    await this.own.poller.close();
    await this.own.registration?.stop();
    this.supervisor.post({ kind: "drain", phase: "announce" });
    await this.#untilQuiet();
    this.supervisor.post({ kind: "drain", phase: "close_inbound" });
    await this.#untilIdle([blocks.inbound]);
  }

  /** The time allowed is read again each step: who has no application left to drain cuts it short. */
  async #untilQuiet(): Promise<void> {
    const read = () => this.supervisor.counter(blockBase(blocks.inbound) + slot.requests);
    const startMs = realClock.now();
    const within = (ms: number, sinceMs: number) =>
      realClock.now() - sinceMs < Math.min(ms, this.config.drain.announceMs);
    let seen = read();
    let quietSinceMs = startMs;
    while (within(Infinity, startMs) && within(quietMs, quietSinceMs)) {
      await realClock.sleep(drainStepMs);
      const requests = read();
      if (requests !== seen) quietSinceMs = realClock.now();
      seen = requests;
    }
  }

  async #untilIdle(ofBlocks: readonly number[]): Promise<void> {
    const startMs = realClock.now();
    const open = () =>
      ofBlocks.some((block) => this.supervisor.counter(blockBase(block) + slot.open) > 0);
    while (open() && realClock.now() - startMs < this.config.drain.finishMs) {
      await realClock.sleep(drainStepMs);
    }
  }

  /** Ends everything in order; open requests get their time. */
  async stop(): Promise<void> {
    await this.drainInbound();
    this.supervisor.post({ kind: "drain", phase: "close_outbound" });
    await this.#untilIdle(this.blocks.entries().map(({ block }) => block));
    this.#stop.abort();
    this.insight.close();
    await this.supervisor.stop();
    await this.telemetry.close();
    this.#prober.stop();
    await this.cache.stop();
    await this.#disk?.stop();
    await this.chosen.backend.close();
    await this.chosen.host?.stop();
    await this.#admin?.close();
  }
}
