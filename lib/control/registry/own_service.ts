/** The own service as discovery calls name it, and the news that the registry has lost it. */

import type { Clock } from "../../core/ports.ts";

/** Reads from a Service Center lag up to 0.35 s behind creates; before that the own id would be refused. */
const consumerSettleMs = 1_000;

/** Shared by the two halves of one backend: the registrar writes it, discovery reads it. */
export class OwnService {
  #serviceId: string | undefined;
  #sinceMs = 0;
  readonly #listeners = new Set<() => void>();
  readonly #newsListeners = new Set<() => void>();

  /** `anew`: it had to be created. The id may be the old one all the same, since ids follow from the name. */
  known(serviceId: string, nowMs: number, options: { readonly anew?: boolean } = {}): void {
    if (this.#serviceId === serviceId && options.anew !== true) return;
    this.#serviceId = serviceId;
    this.#sinceMs = nowMs;
    for (const listener of [...this.#newsListeners]) listener();
  }

  /** Waits for an id that the registry's caches know; undefined when `signal` aborts first. */
  async ready(clock: Clock, signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const id = this.consumerId(clock.now());
      if (id !== undefined) return id;
      if (this.#serviceId === undefined) await this.#news(signal);
      else await clock.sleep(this.#sinceMs + consumerSettleMs - clock.now(), signal);
    }
    return undefined;
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#newsListeners.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#newsListeners.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Calls `listener` when the own service has got an id, or was created again, until `signal` aborts. */
  whenAnew(listener: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#newsListeners.add(listener);
    signal.addEventListener("abort", () => this.#newsListeners.delete(listener), { once: true });
  }

  /** The id to send with discovery calls, undefined while there is none that the registry's caches know. */
  consumerId(nowMs: number): string | undefined {
    return nowMs - this.#sinceMs >= consumerSettleMs ? this.#serviceId : undefined;
  }

  lost(serviceId: string): void {
    if (this.#serviceId !== serviceId) return;
    this.#serviceId = undefined;
    for (const listener of this.#listeners) listener();
  }

  whenLost(listener: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }
}
