/** The own service as discovery calls name it, and the news that the registry has lost it. */

/** Reads from a Service Center lag up to 0.35 s behind creates; before that the own id would be refused. */
const consumerSettleMs = 1_000;

/** Shared by the two halves of one backend: the registrar writes it, discovery reads it. */
export class OwnService {
  #serviceId: string | undefined;
  #sinceMs = 0;
  readonly #listeners = new Set<() => void>();

  known(serviceId: string, nowMs: number): void {
    if (this.#serviceId === serviceId) return;
    this.#serviceId = serviceId;
    this.#sinceMs = nowMs;
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
