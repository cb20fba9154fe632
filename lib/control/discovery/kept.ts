/** Instances that a registry lists no longer and that are kept for as long as they answer. */
import type { Clock, Probe } from "../../core/ports.ts";
import type { Instance } from "../../core/types.ts";
import { vanishedFrom } from "./guard.ts";
import { mainEndpoint } from "./service_set.ts";

/** Units: milliseconds. */
export interface KeepPolicy {
  readonly probeTimeoutMs: number;
  /** How long an endpoint that is no longer listed but still answers is kept beside others. */
  readonly keepVanishedMs: number;
}

interface Kept {
  readonly instance: Instance;
  readonly sinceMs: number;
}

/** At most so many probes of one service run at once. */
const probeWidth = 64;

export class KeptInstances {
  readonly #clock: Clock;
  readonly #probe: Probe;
  #kept: readonly Kept[] = [];

  constructor(effects: { readonly clock: Clock; readonly probe: Probe }) {
    this.#clock = effects.clock;
    this.#probe = effects.probe;
  }

  get instances(): readonly Instance[] {
    return this.#kept.map((one) => one.instance);
  }

  get size(): number {
    return this.#kept.length;
  }

  /** Lets go of those that are listed again, and takes in others that vanished. */
  update(listed: readonly Instance[], vanished: readonly Instance[]): void {
    const missing = new Set(vanishedFrom(this.instances, listed));
    const kept = this.#kept.filter((one) => missing.has(one.instance));
    const known = new Set(kept.map((one) => one.instance.instanceId));
    const sinceMs = this.#clock.now();
    const joining = vanished.filter((one) => !known.has(one.instanceId));
    this.#kept = [...kept, ...joining.map((instance) => ({ instance, sinceMs }))];
  }

  /** Lets go of what is at an address. Shape: false when nothing is. */
  drop(host: string, port: number): boolean {
    const kept = this.#kept.filter(({ instance }) =>
      !instance.endpoints.some((one) => one.host === host && one.port === port)
    );
    const dropped = kept.length < this.#kept.length;
    this.#kept = kept;
    return dropped;
  }

  /**
   * Probes all of them and lets go of those that do not answer, and of those that were kept long enough.
   *
   * Shape: those that answer stay however long it takes where `othersLeft` says that there is nothing else: an empty
   * set needs a failing probe. Nothing changes once `signal` aborts.
   */
  async probe(
    { othersLeft, policy, signal }: {
      readonly othersLeft: () => boolean;
      readonly policy: KeepPolicy;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const alive = new Set<Instance>();
    const waiting = [...this.#kept];
    const work = async () => {
      for (let one = waiting.pop(); one && !signal.aborted; one = waiting.pop()) {
        const { host, port } = mainEndpoint(one.instance)!;
        if (await this.#probe(host, port, policy.probeTimeoutMs)) alive.add(one.instance);
      }
    };
    await Promise.all(Array.from({ length: Math.min(probeWidth, waiting.length) }, work));
    if (signal.aborted) return;
    const oldestMs = this.#clock.now() - policy.keepVanishedMs;
    const bounded = othersLeft();
    this.#kept = this.#kept.filter((one) =>
      alive.has(one.instance) && (!bounded || one.sinceMs >= oldestMs)
    );
  }
}
