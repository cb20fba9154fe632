/** The composition root: one Config becomes a control plane and its data threads, and ends in order. */
import type { Address } from "../core/address.ts";
import type { HttpServer } from "../core/ports.ts";
import type { Merged } from "../config/merge.ts";
import type { Config } from "../config/schema.ts";
import type { LogLevel, ReloadOutcome } from "../control/api/shapes/state.ts";
import { BlockTable } from "../control/telemetry/blocks.ts";
import type { FromThread, ThreadMessage } from "../plane/messages.ts";
import { recordsIn } from "../plane/record_batch.ts";
import { giveBackMemory } from "../plane/spare_memory.ts";
import { letGoOfStartCode } from "../platform/start_code.ts";
import { Supervisor } from "../plane/supervisor.ts";
import { realFiles } from "../platform/files.ts";
import { serveHttp } from "../platform/http_server.ts";
import type { QueuedLogger } from "../platform/logger.ts";
import { realClock } from "../platform/real_clock.ts";
import { adminServer } from "./admin_server.ts";
import { chooseBackend, type ChosenBackend } from "./backend.ts";
import { Discovery } from "./discovery.ts";
import { AskedNames } from "./doctor/asked_names.ts";
import { Drain } from "./drain.ts";
import { logFailures } from "./failure_log.ts";
import { Insight } from "./insight.ts";
import type { OwnInstance } from "./own_instance.ts";
import { Overrides } from "./overrides.ts";
import { cachePolicy, dataPolicy, listenersOf, threadsOf } from "./policy.ts";
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

const secondMs = 1000;

export class Sidecar {
  readonly blocks = new BlockTable();
  readonly startedAtMs = realClock.now();
  readonly options: SidecarOptions;
  readonly #stop = new AbortController();
  readonly #drain = new Drain({
    post: (message) => this.supervisor.post(message),
    counter: (slot) => this.supervisor.counter(slot),
    allowed: () => this.config.drain,
    clock: realClock,
  });
  config: Config;
  /** Changes of policies by the admin API; they lie on top of the file's. */
  readonly overrides: Overrides;
  /** Changes of the configuration that were refused, with the reason of the last. */
  refusedReloads = { count: 0, last: "" };
  /** Loads the configuration again; set by whoever knows where it comes from. */
  reload: () => Promise<ReloadOutcome> = () =>
    Promise.resolve({ kind: "refused", why: "this sidecar was started without sources to load" });
  logLevel: LogLevel;
  readonly insight: Insight;
  /** Names that were called and that are not spelled so. */
  readonly askedNames = new AskedNames();
  chosen!: ChosenBackend;
  discovery!: Discovery;
  supervisor!: Supervisor;
  readonly #early: ThreadMessage[] = [];
  telemetry!: Telemetry;
  own: OwnInstance | undefined;
  #admin: HttpServer | undefined;
  #revision = 1;

  constructor(config: Config, options: SidecarOptions) {
    this.config = config;
    this.options = options;
    this.overrides = new Overrides(options.merged);
    this.logLevel = config.log;
    this.insight = this.#makeInsight();
  }

  #makeInsight(): Insight {
    const threads = () => this.supervisor.threads;
    return new Insight({
      blocks: this.blocks,
      clusters: () => this.discovery.feed.clusters,
      reader: {
        get threads() {
          return threads();
        },
        read: (thread, at) => this.supervisor.read(thread, at),
      },
      counter: (at) => this.supervisor.counter(at),
      post: (message) => this.#post(message),
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
    const { hostName, logger, stateDir } = this.options;
    this.chosen = await chooseBackend(config, { logger, files: realFiles, hostName, stateDir });
    this.discovery = new Discovery({
      backend: this.chosen.backend,
      logger,
      blocks: this.blocks,
      stateDir,
      config: () => this.config,
      post: (message) => this.#post(message),
    });
    await this.discovery.start();
    await this.#startThreads();
    this.telemetry = createTelemetry(config, { logger, hostName, reader: this.insight.reader });
    this.insight.observers.setBase(this.telemetry.wanted);
    this.#admin = serveHttp(config.admin, adminServer(this));
    // Now that ports are known, the threads learn which addresses are their own.
    this.apply(config);
    const inbound = this.supervisor.address("inbound");
    if (inbound !== undefined) {
      const { startOwnInstance } = await import("./own_instance.ts");
      this.own = await startOwnInstance(config, {
        inbound,
        hostName,
        registrar: this.chosen.backend.registrar,
        logger,
      });
    }
    this.#everySecond();
  }

  /** To every data thread. Shape: what comes while they start reaches them when they have. */
  #post(message: ThreadMessage): void {
    if (this.supervisor === undefined) this.#early.push(message);
    else this.supervisor.post(message);
  }

  async #startThreads(): Promise<void> {
    const { config } = this;
    this.supervisor = await Supervisor.start({
      threads: threadsOf(config),
      net: config.net,
      listeners: listenersOf(config),
      policy: dataPolicy(config, { revision: 0, ownAddresses: [], threads: threadsOf(config) }),
      clusters: [...this.discovery.feed.clusters.values()],
      module: new URL("../data/thread.ts", import.meta.url),
      logger: this.options.logger,
      received: (message, thread) => this.#received(message, thread),
    });
    for (const message of this.#early.splice(0)) this.supervisor.post(message);
  }

  #received(message: FromThread, thread: number): void {
    this.insight.received(message, thread);
    switch (message.kind) {
      case "resolve":
        this.discovery.resolve(message.name).then((resolution) =>
          this.askedNames.saw(message.name, resolution, realClock.now())
        );
        return;
      case "refresh":
        this.discovery.refresh(message.service);
        return;
      case "suspect":
        return this.discovery.suspect(message.service, message);
      case "failures":
        this.telemetry?.failures(message);
        return logFailures(this.options.logger, message);
      case "records":
        return this.telemetry.records({ ...message, records: recordsIn(message.batch) });
      case "trouble":
        return this.options.logger.warn(message.message);
    }
  }

  async #everySecond(): Promise<void> {
    await realClock.sleep(secondMs, this.#stop.signal);
    if (!this.#stop.signal.aborted) {
      giveBackMemory();
      this.supervisor.trimHeaps();
      letGoOfStartCode();
    }
    while (!this.#stop.signal.aborted) {
      this.insight.second();
      this.discovery.touchUsed((slot) => this.supervisor.counter(slot));
      await realClock.sleep(secondMs, this.#stop.signal);
    }
  }

  get draining(): boolean {
    return this.#drain.begun;
  }

  /** Of the policy that was posted last. */
  get revision(): number {
    return this.#revision - 1;
  }

  setLogLevel(level: LogLevel): void {
    this.logLevel = level;
    this.options.logger.setLevel(level);
  }

  get adminAddress(): Address | undefined {
    return this.#admin?.address;
  }

  /** Takes over a configuration whose changed keys can be changed live. */
  reconfigure(config: Config): void {
    this.setLogLevel(config.log);
    this.apply(config);
    this.discovery.cache.setPolicy(cachePolicy(config));
    this.telemetry.apply(config);
    this.insight.observers.setBase(this.telemetry.wanted);
    this.own?.setChecks(config);
  }

  /** Takes over changes of traffic policies only. */
  applyPolicies(config: Config, changed: readonly string[]): void {
    this.apply(config);
    this.options.logger.info(`policies changed by the admin API: ${changed.join(", ")}`);
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
    return this.#drain.inbound(this.own);
  }

  /** Ends everything in order; open requests get their time. */
  async stop(): Promise<void> {
    await this.drainInbound();
    await this.#drain.outbound(this.blocks.entries().map(({ block }) => block));
    this.#stop.abort();
    this.insight.close();
    await this.supervisor.stop();
    await this.telemetry.close();
    await this.discovery.stop();
    await this.chosen.backend.close();
    await this.chosen.host?.stop();
    await this.#admin?.close();
  }
}
