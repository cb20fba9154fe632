/** Asks isolated addresses of a registry now and then whether they are well again. */
import { jittered } from "../../core/backoff.ts";
import type { Clock, Fetch, Probe, Random } from "../../core/ports.ts";
import type { AddressRing } from "./addresses.ts";
import { withDeadline } from "./deadline.ts";
import { decide } from "./decisions.ts";

export interface AddressWatcherOptions {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the registry has no readiness page, an accepted connection has to do. */
  readonly probe: Probe;
  /** The readiness page of an address. Errors: any; the address is not well then. */
  readonly page: (address: string) => Promise<{
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  }>;
  readonly timeoutMs: number;
  readonly closed: AbortSignal;
}

const probeMs = 15_000;

export class AddressWatcher {
  readonly #ring: AddressRing;
  readonly #options: AddressWatcherOptions;
  readonly #watched = new Set<string>();

  constructor(ring: AddressRing, options: AddressWatcherOptions) {
    this.#ring = ring;
    this.#options = options;
  }

  /** Follows an address as long as it is isolated. Shape: a single address is tried anyway, so it is not followed. */
  async watch(address: string): Promise<void> {
    const { clock, random, closed } = this.#options;
    const isolated = () => !closed.aborted && this.#ring.isIsolated(address, clock.now());
    if (this.#ring.size < 2 || this.#watched.has(address) || !isolated()) return;
    this.#watched.add(address);
    while (isolated()) {
      await clock.sleep(jittered(probeMs, 0.2, random()), closed);
      if (isolated() && await this.#isUsable(address)) this.#ring.release(address);
    }
    this.#watched.delete(address);
  }

  async #isUsable(address: string): Promise<boolean> {
    const { fetch, clock, timeoutMs, closed, page, probe } = this.#options;
    try {
      const status = await withDeadline(async (signal) => {
        const { url, headers } = await page(address);
        const response = await fetch(url, { method: "GET", headers, redirect: "manual", signal });
        await response.body?.cancel();
        return response.status;
      }, { clock, timeoutMs, signals: [closed] });
      const decision = decide("readiness", { kind: "answer", status });
      if (decision !== "feature_absent") return decision === "take";
    } catch {
      return false;
    }
    const { hostname, port, protocol } = new URL(address);
    const standard = protocol === "https:" ? 443 : 80;
    return await probe(hostname.replace(/^\[|\]$/g, ""), Number(port) || standard, timeoutMs);
  }
}
