/** Discovery on the real system: what the registry says, and at first the disk, becomes clusters of the data threads. */
import type { Logger } from "../core/ports.ts";
import type { Config } from "../config/schema.ts";
import type { SnapshotsView } from "../control/api/shapes/state.ts";
import { DiscoveryCache } from "../control/discovery/cache.ts";
import { ClusterFeed } from "../control/discovery/cluster_feed.ts";
import { DiskSnapshot } from "../control/discovery/disk.ts";
import { HostCache } from "../control/discovery/hosts.ts";
import { EndpointProber, type Target } from "../control/discovery/prober.ts";
import { resolveName } from "../control/discovery/resolve.ts";
import type { RegistryBackend } from "../control/registry/registry.ts";
import type { BlockTable } from "../control/telemetry/blocks.ts";
import { EndpointSlots } from "../control/telemetry/endpoint_slots.ts";
import { blockBase, slot } from "../plane/counters.ts";
import type { Resolution, ThreadMessage } from "../plane/messages.ts";
import { realFiles } from "../platform/files.ts";
import { realClock } from "../platform/real_clock.ts";
import { resolveHost } from "../platform/resolver.ts";
import { tcpProbe } from "../platform/tcp_probe.ts";
import { cachePolicy } from "./policy.ts";

export interface DiscoveryOptions {
  readonly backend: RegistryBackend;
  readonly logger: Logger;
  readonly blocks: BlockTable;
  /** Undefined: nothing is kept on disk. */
  readonly stateDir: string | undefined;
  /** The one in force. */
  readonly config: () => Config;
  /** To every data thread; those that start later begin with `feed.clusters`. */
  readonly post: (message: ThreadMessage) => void;
}

export class Discovery {
  readonly cache: DiscoveryCache;
  readonly feed: ClusterFeed;
  /** Undefined: nothing is kept on disk. */
  diskState: SnapshotsView["disk"];
  readonly #options: DiscoveryOptions;
  readonly #hosts = new HostCache({ resolve: resolveHost, clock: realClock });
  readonly #slots = new EndpointSlots({ clock: realClock });
  readonly #prober: EndpointProber;
  readonly #used = new Map<string, number>();
  #disk: DiskSnapshot | undefined;

  constructor(options: DiscoveryOptions) {
    const { backend, blocks, logger, post } = options;
    const config = options.config();
    this.#options = options;
    this.feed = new ClusterFeed({
      blockOf: (service) => blocks.blockOf(service),
      lookupHost: (name) => this.#hosts.lookup(name),
      slotted: (cluster) => this.#slots.assign(cluster),
      post: (cluster) => {
        this.#prober.keepOnly(cluster.service, cluster.endpoints);
        post({ kind: "cluster", cluster });
      },
      gone: (service) => {
        this.#slots.forget(service);
        this.#prober.keepOnly(service, []);
        post({ kind: "cluster_gone", service });
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
      onVerdict: (verdict) => post({ kind: "verdict", ...verdict }),
    });
  }

  /** Serves what the last life knew and begins to ask the registry, without waiting for it. */
  async start(): Promise<void> {
    const { stateDir } = this.#options;
    if (stateDir !== undefined) await this.#restore(stateDir);
    this.cache.start();
  }

  async #restore(stateDir: string): Promise<void> {
    const { backend, logger } = this.#options;
    const config = this.#options.config();
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
      logger,
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

  /** Finds out who a name is and tells the data threads. */
  async resolve(name: string): Promise<Resolution> {
    const { config, post } = this.#options;
    const { timeouts, discovery } = config();
    const { resolution, validMs } = await resolveName(name, {
      services: this.cache,
      hosts: this.#hosts,
      clock: realClock,
      serviceMs: timeouts.resolveMs,
      negativeMs: discovery.negativeTtlMs,
    });
    if (resolution.kind === "service") await this.feed.settled(resolution.service);
    post({ kind: "resolved", name, resolution, validMs });
    return resolution;
  }

  /** Asks for a newer set of a service, and posts it whether or not it is one. */
  async refresh(service: string): Promise<void> {
    await this.cache.refresh(service);
    await this.feed.repeat(service);
  }

  /** An endpoint could not be reached: it is probed until it answers. */
  suspect(service: string, endpoint: Target): void {
    this.cache.distrust(service, endpoint);
    this.#prober.suspect(service, endpoint);
  }

  /** Tells the cache which services were called since the last look: it follows those and forgets the others. */
  touchUsed(counter: (slot: number) => number): void {
    for (const { block, service } of this.#options.blocks.entries()) {
      if (service === "") continue;
      const requests = counter(blockBase(block) + slot.requests);
      if (requests !== this.#used.get(service)) this.cache.touch(service);
      this.#used.set(service, requests);
    }
  }

  /** Ends every loop and writes what is still unwritten. */
  async stop(): Promise<void> {
    this.#prober.stop();
    await this.cache.stop();
    await this.#disk?.stop();
  }
}
