/** The embedded registry: a small Service Center in this process, spoken to over HTTP like a real one. */
import type { Hono } from "hono";
import type { Clock, Files, Logger, Random } from "../../core/ports.ts";
import { createApp } from "./app.ts";
import { RegistryFault } from "./faults.ts";
import { json } from "./answers.ts";
import { Leases } from "./lease.ts";
import { OwnRecord } from "./own_record.ts";
import { Persistence } from "./persist.ts";
import type { Upgrade } from "./routes_watch.ts";
import { Store } from "./store.ts";
import { WatchHub } from "./watch.ts";

const sweepEveryMs = 1_000;

export interface EmbeddedRegistryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where the state is kept over restarts; without both of these it is kept in memory only. */
  readonly files?: Files;
  readonly statePath?: string;
  /** `host:port` under which clients reach this registry. Shape: a function while the port is not known yet. */
  readonly selfAddress: string | (() => string);
  readonly hostName?: string;
  /** Turns a request into a web socket; without it watching is refused and clients poll. */
  readonly upgrade?: Upgrade;
  readonly version: string;
  /** What `version` answers about the machine. */
  readonly platform?: { readonly os: string; readonly arch: string };
}

/** Figures for the page and the metrics. */
export interface EmbeddedStats {
  readonly services: number;
  readonly instances: number;
  readonly watchers: number;
  /** Instances removed because nobody renewed their lease. */
  readonly expired: number;
  /** Instances listed although their lease has ended, because almost all ended together. */
  readonly held: number;
  /** Why the state could not be written the last time. */
  readonly saveError: string | undefined;
}

export interface EmbeddedRegistry {
  readonly app: Hono;
  readonly store: Store;
  /** Answers one request; hand it to the server. Never rejects. */
  fetch(request: Request): Promise<Response>;
  /** Reads the kept state, then sweeps leases and saves changes until `signal` aborts or `stop` is called. */
  start(signal?: AbortSignal): Promise<void>;
  /** Saves what is not saved yet and lets the watchers go. */
  stop(): Promise<void>;
  stats(): EmbeddedStats;
}

/**
 * Puts the registry together.
 *
 * Shape: nothing runs before `start`; requests are answered from the beginning.
 */
export function createEmbeddedRegistry(options: EmbeddedRegistryOptions): EmbeddedRegistry {
  const { clock, logger, random } = options;
  const store = new Store({ clock, random });
  const own = new OwnRecord({ ...options, hostName: options.hostName ?? "localhost" });
  const leases = new Leases(store, logger);
  const hub = new WatchHub(clock, logger);
  store.listen({
    instance: (event) => hub.publish(event),
    serviceGone: (partition, service) => hub.dismissService(partition, service),
  });
  const { files, statePath } = options;
  const persistence = files && statePath !== undefined
    ? new Persistence({ store, files, path: statePath, clock, logger })
    : undefined;
  const build = {
    version: options.version,
    os: options.platform?.os ?? "unknown",
    arch: options.platform?.arch ?? "unknown",
  };
  const app = createApp({ store, own, leases, hub, logger, build, upgrade: options.upgrade });
  const ended = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  return {
    app,
    store,
    async fetch(request) {
      try {
        return await app.fetch(request);
      } catch (error) {
        logger.error("the embedded registry failed to answer a request", { error });
        return json(new RegistryFault("500003", "The registry failed."), { status: 500 });
      }
    },
    async start(signal) {
      await persistence?.load();
      const until = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
      running = Promise.all([sweepUntil(until), persistence?.saveUntil(until)]);
    },
    async stop() {
      ended.abort();
      hub.close();
      await running;
      await persistence?.flush();
    },
    stats: () => ({
      services: store.serviceCount,
      instances: store.instanceCount,
      watchers: hub.size,
      ...leases.counts,
      saveError: persistence?.saveError,
    }),
  };

  async function sweepUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      leases.sweep();
      await clock.sleep(sweepEveryMs, signal);
    }
  }
}
