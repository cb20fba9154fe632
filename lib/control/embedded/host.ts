/** The registry of a host without one: the first sidecar serves it, and another takes over when that one goes. */
import type { Address } from "../../core/address.ts";
import { formatAddress } from "../../core/address.ts";
import { jittered } from "../../core/backoff.ts";
import {
  AddressInUseError,
  type Clock,
  type Files,
  type HttpServer,
  type Logger,
  type Random,
  type ServeHttp,
} from "../../core/ports.ts";
import { createEmbeddedRegistry, type EmbeddedRegistry } from "./embedded.ts";
import type { Upgrade } from "./routes_watch.ts";

export interface RegistryHostOptions {
  readonly address: Address;
  readonly serve: ServeHttp;
  readonly upgrade: Upgrade;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly files?: Files;
  readonly statePath?: string;
  readonly hostName: string;
  readonly version: string;
  /** How often a host that does not serve looks whether the port is free. Units: milliseconds. */
  readonly watchMs?: number;
}

export class RegistryHost {
  readonly #options: RegistryHostOptions;
  readonly #stop = new AbortController();
  #server: HttpServer | undefined;
  #registry: EmbeddedRegistry | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: RegistryHostOptions) {
    this.#options = options;
  }

  /** Where this process serves the registry; undefined while another one does. */
  get address(): Address | undefined {
    return this.#server?.address;
  }

  get registry(): EmbeddedRegistry | undefined {
    return this.#registry;
  }

  /**
   * Serves the registry, demanding the port.
   *
   * Errors: AddressInUseError.
   */
  async serve(): Promise<Address> {
    const options = this.#options;
    const registry: EmbeddedRegistry = createEmbeddedRegistry({
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      ...(options.files && options.statePath !== undefined
        ? { files: options.files, statePath: options.statePath }
        : {}),
      selfAddress: () => formatAddress(this.#server?.address ?? options.address),
      hostName: options.hostName,
      upgrade: options.upgrade,
      version: options.version,
    });
    // The port decides who serves; nothing is read or written before it is won.
    let loaded: Promise<void> = Promise.resolve();
    this.#server = options.serve(options.address, async (request) => {
      await loaded;
      return await registry.fetch(request);
    });
    this.#registry = registry;
    loaded = registry.start(this.#stop.signal);
    await loaded;
    return this.#server.address;
  }

  /** Serves if the port is free, and else waits for it to become free. Errors: those other than a taken port. */
  async serveWhenFree(): Promise<void> {
    if (!(await this.#try())) this.#watching = this.#watch();
  }

  async #try(): Promise<boolean> {
    try {
      const address = await this.serve();
      this.#options.logger.info(
        `no registry is configured: serving one on ${formatAddress(address)}`,
      );
      return true;
    } catch (error) {
      if (error instanceof AddressInUseError) return false;
      throw error;
    }
  }

  async #watch(): Promise<void> {
    const { clock, random, logger, watchMs = 1000 } = this.#options;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(jittered(watchMs, 0.5, random()), this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        if (await this.#try()) return;
      } catch (error) {
        logger.warn("the registry's port cannot be taken over", { error });
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await this.#registry?.stop();
    await this.#server?.close();
    this.#server = undefined;
  }
}
