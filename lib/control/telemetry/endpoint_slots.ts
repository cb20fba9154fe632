/** Hands out the counter slots of endpoints: which endpoint counts where, the same in every thread. */
import type { Clock } from "../../core/ports.ts";
import { maxEndpoints } from "../../plane/counters.ts";
import type { ClusterSnapshot } from "../../plane/messages.ts";

export interface EndpointSlotsOptions {
  readonly clock: Clock;
  readonly max?: number;
  /** Threads may hold an endpoint that has left until its last request has ended. Units: milliseconds. */
  readonly restMs?: number;
}

interface Resting {
  readonly slot: number;
  readonly untilMs: number;
}

export class EndpointSlots {
  readonly #options: Required<EndpointSlotsOptions>;
  readonly #byService = new Map<string, Map<string, number>>();
  /** In the order in which they come free. */
  readonly #resting: Resting[] = [];
  #next = 0;

  constructor(options: EndpointSlotsOptions) {
    this.#options = { max: maxEndpoints, restMs: 120_000, ...options };
  }

  /** Shape: the same number until the endpoint leaves; undefined when all are taken. */
  slotOf(service: string, host: string, port: number): number | undefined {
    let slots = this.#byService.get(service);
    const key = `${host} ${port}`;
    const known = slots?.get(key);
    if (known !== undefined) return known;
    const slot = this.#take();
    if (slot === undefined) return undefined;
    if (slots === undefined) this.#byService.set(service, slots = new Map());
    slots.set(key, slot);
    return slot;
  }

  #take(): number | undefined {
    const { clock, max } = this.#options;
    // Numbers never used come first: whoever still writes to an old one does no harm for longer.
    if (this.#next < max) return this.#next++;
    const oldest = this.#resting[0];
    if (oldest === undefined || oldest.untilMs > clock.now()) return undefined;
    this.#resting.shift();
    return oldest.slot;
  }

  /** The snapshot with a slot for each endpoint; the slots of those that are no longer in it come free. */
  assign(cluster: ClusterSnapshot): ClusterSnapshot {
    const { service } = cluster;
    const present = new Set(cluster.endpoints.map(({ host, port }) => `${host} ${port}`));
    for (const [key, slot] of this.#byService.get(service) ?? []) {
      if (present.has(key)) continue;
      this.#byService.get(service)!.delete(key);
      this.#release(slot);
    }
    return {
      ...cluster,
      endpoints: cluster.endpoints.map((endpoint) => {
        const slot = this.slotOf(service, endpoint.host, endpoint.port);
        return slot === undefined ? endpoint : { ...endpoint, slot };
      }),
    };
  }

  /** The service is no longer followed. */
  forget(service: string): void {
    for (const slot of this.#byService.get(service)?.values() ?? []) this.#release(slot);
    this.#byService.delete(service);
  }

  #release(slot: number): void {
    const { clock, restMs } = this.#options;
    this.#resting.push({ slot, untilMs: clock.now() + restMs });
  }
}
