/** Hands out the counter slots of endpoints: which endpoint counts where, the same in every thread. */
import type { Clock } from "../../core/ports.ts";
import { maxEndpoints } from "../../plane/counters.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../plane/messages.ts";

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

/** Records before and after their slots were put in, in one order. */
interface Assigned {
  readonly given: readonly EndpointSnapshot[];
  readonly slotted: readonly EndpointSnapshot[];
}

export class EndpointSlots {
  readonly #options: Required<EndpointSlotsOptions>;
  readonly #byService = new Map<string, Map<string, number>>();
  readonly #assigned = new Map<string, Assigned>();
  /** In the order in which they come free. */
  readonly #resting: Resting[] = [];
  #next = 0;

  constructor(options: EndpointSlotsOptions) {
    this.#options = { max: maxEndpoints, restMs: 120_000, ...options };
  }

  /** Shape: the same number until the endpoint leaves; undefined when all are taken. */
  slotOf(service: string, host: string, port: number): number | undefined {
    let slots = this.#byService.get(service);
    const key = keyOf({ host, port });
    const known = slots?.get(key);
    if (known !== undefined) return known;
    const slot = this.#take();
    if (slot === undefined) return undefined;
    if (slots === undefined) this.#byService.set(service, slots = new Map());
    slots.set(key, slot);
    return slot;
  }

  #canTake(): boolean {
    const { clock, max } = this.#options;
    return this.#next < max || (this.#resting[0]?.untilMs ?? Infinity) <= clock.now();
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

  /**
   * The snapshot with a slot for each endpoint; the slots of those that are no longer in it come free.
   *
   * Shape: a record that was in the last snapshot of the service becomes the same object again.
   */
  assign(cluster: ClusterSnapshot): ClusterSnapshot {
    const { endpoints: given, service } = cluster;
    const before = this.#assigned.get(service) ?? { given: [], slotted: [] };
    const places = placesIn(before.given, given);
    this.#releaseLeft(service, { before, given, places });
    const slotted = given.map((endpoint, index) => {
      const known = before.slotted[places[index]!];
      // Nothing is looked up for the thousands that have no slot while there is none to be had.
      if (known !== undefined && (known.slot !== undefined || !this.#canTake())) return known;
      const slot = this.slotOf(service, endpoint.host, endpoint.port);
      return slot === undefined ? endpoint : { ...endpoint, slot };
    });
    this.#assigned.set(service, { given, slotted });
    return { ...cluster, endpoints: slotted };
  }

  #releaseLeft(
    service: string,
    { before, given, places }: {
      readonly before: Assigned;
      readonly given: readonly EndpointSnapshot[];
      readonly places: Int32Array;
    },
  ): void {
    const stays = new Uint8Array(before.given.length);
    const joining = new Set<string>();
    given.forEach((endpoint, index) => {
      const place = places[index]!;
      if (place >= 0) stays[place] = 1;
      else joining.add(keyOf(endpoint));
    });
    const slots = this.#byService.get(service);
    before.slotted.forEach((endpoint, index) => {
      if (stays[index] === 1 || endpoint.slot === undefined) return;
      const key = keyOf(endpoint);
      if (!joining.has(key) && slots?.delete(key)) this.#release(endpoint.slot);
    });
  }

  /** The service is no longer followed. */
  forget(service: string): void {
    for (const slot of this.#byService.get(service)?.values() ?? []) this.#release(slot);
    this.#byService.delete(service);
    this.#assigned.delete(service);
  }

  #release(slot: number): void {
    const { clock, restMs } = this.#options;
    this.#resting.push({ slot, untilMs: clock.now() + restMs });
  }
}

function keyOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host} ${port}`;
}

/** Where each of these very records is among those before; -1 where it is not. */
function placesIn(
  before: readonly EndpointSnapshot[],
  records: readonly EndpointSnapshot[],
): Int32Array {
  const places = new Int32Array(records.length).fill(-1);
  let indexes: Map<EndpointSnapshot, number> | undefined;
  let next = 0;
  records.forEach((record, index) => {
    if (before[next] !== record) {
      indexes ??= new Map(before.map((each, at) => [each, at]));
      const found = indexes.get(record);
      if (found === undefined) return;
      next = found;
    }
    places[index] = next++;
  });
  return places;
}
