/** Active probes of endpoints that data threads pass over, so that they come back as soon as they answer. */
import { jittered } from "../../core/backoff.ts";
import type { Clock, Logger, Probe, Random } from "../../core/ports.ts";

export interface ProberOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of every probe that ended, for every service that asked about the address. */
  readonly onVerdict: (verdict: ProbeVerdict) => void;
  readonly firstMs?: number;
  readonly maxMs?: number;
  /** An endpoint that does not answer for so long is left to the threads' own trials. */
  readonly giveUpMs?: number;
  readonly timeoutMs?: number;
  readonly maxAddresses?: number;
}

export interface ProbeVerdict {
  readonly service: string;
  readonly host: string;
  readonly port: number;
  readonly healthy: boolean;
}

/** Where something can be dialled. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

interface Suspect extends Target {
  readonly services: Set<string>;
  readonly stop: AbortController;
}

export class EndpointProber {
  readonly #options: Required<ProberOptions>;
  readonly #suspects = new Map<string, Suspect>();
  readonly #loops = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: ProberOptions) {
    this.#options = {
      firstMs: 250,
      maxMs: 5_000,
      giveUpMs: 600_000,
      timeoutMs: 1_000,
      maxAddresses: 1_000,
      ...options,
    };
  }

  /** How many addresses are being probed. */
  get size(): number {
    return this.#suspects.size;
  }

  /** Somebody could not reach the endpoint. One address is probed once, however many ask about it. */
  suspect(service: string, target: Target): void {
    if (this.#stopped) return;
    const key = `${target.host} ${target.port}`;
    const known = this.#suspects.get(key);
    if (known) {
      known.services.add(service);
      return;
    }
    const { maxAddresses, logger } = this.#options;
    if (this.#suspects.size >= maxAddresses) {
      logger.debug(`${maxAddresses} endpoints are being probed already; ${key} is not`);
      return;
    }
    const suspect: Suspect = {
      host: target.host,
      port: target.port,
      services: new Set([service]),
      stop: new AbortController(),
    };
    this.#suspects.set(key, suspect);
    const loop = this.#watch(suspect).finally(() => {
      this.#loops.delete(loop);
      // Not a newer one that has come in its place.
      if (this.#suspects.get(key) === suspect) this.#suspects.delete(key);
    });
    this.#loops.add(loop);
  }

  /** The service's endpoints are now these: suspects that are no longer among them interest it no more. */
  keepOnly(service: string, targets: readonly Target[]): void {
    if (this.#suspects.size === 0) return;
    const wanted = new Set(targets.map((one) => `${one.host} ${one.port}`));
    for (const [key, suspect] of this.#suspects) {
      if (wanted.has(key) || !suspect.services.delete(service)) continue;
      if (suspect.services.size > 0) continue;
      suspect.stop.abort();
      this.#suspects.delete(key);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const suspect of this.#suspects.values()) suspect.stop.abort();
    await Promise.allSettled(this.#loops);
  }

  async #watch(suspect: Suspect): Promise<void> {
    const { probe, clock, random, firstMs, maxMs, giveUpMs, timeoutMs } = this.#options;
    const { host, port, stop: { signal } } = suspect;
    const endMs = clock.now() + giveUpMs;
    for (let delayMs = firstMs;; delayMs = Math.min(maxMs, delayMs * 2)) {
      await clock.sleep(jittered(delayMs, 0.2, random()), signal);
      if (signal.aborted || clock.now() >= endMs) return;
      const healthy = await probe(host, port, timeoutMs);
      if (signal.aborted) return;
      // Taken out first: whoever doubts the endpoint after this verdict begins anew.
      if (healthy) this.#suspects.delete(`${host} ${port}`);
      for (const service of suspect.services) {
        this.#options.onVerdict({ service, host, port, healthy });
      }
      if (healthy) return;
    }
  }
}
