/** Which addresses of a registry are near: a Service Center lists its own instances with their region and zone. */
import { parseEndpoint } from "../../core/address.ts";
import type { Clock } from "../../core/ports.ts";
import type { AddressRing } from "./addresses.ts";

export interface Place {
  readonly region: string;
  readonly zone: string;
}

export interface AddressPlacesOptions {
  readonly own: Place;
  readonly addresses: readonly string[];
  readonly clock: Clock;
  /** The registry's list of its own instances, undefined when it gave none. Errors: any; it is asked again later. */
  readonly ask: () => Promise<unknown>;
}

/** The members of a cluster seldom change. Units: milliseconds. */
const againMs = 600_000;
const failedMs = 60_000;

export class AddressPlaces {
  readonly #ring: AddressRing;
  readonly #options: AddressPlacesOptions;
  #dueMs = -Infinity;

  constructor(ring: AddressRing, options: AddressPlacesOptions) {
    this.#ring = ring;
    this.#options = options;
  }

  /** Asks when that is due. Never rejects. */
  async learn(): Promise<void> {
    const { own, addresses, clock, ask } = this.#options;
    if (clock.now() < this.#dueMs) return;
    // Said before the question, which comes by here again.
    this.#dueMs = clock.now() + failedMs;
    try {
      this.#ring.prefer(ranksOf(await ask(), addresses, own));
      this.#dueMs = clock.now() + againMs;
    } catch {
      // Without it all addresses are as good as each other.
    }
  }
}

/**
 * The rank of each address whose place is known: 0 in the own zone, 1 in the own region, 2 elsewhere.
 *
 * Shape: pure. `body` is whatever the registry sent; an address is recognised by host and port as the registry itself
 * publishes them.
 */
export function ranksOf(
  body: unknown,
  addresses: readonly string[],
  own: Place,
): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const member of listIn(body, "instances")) {
    const place = fieldsOf(member).dataCenterInfo;
    const { region, availableZone } = fieldsOf(place);
    const rank = region !== own.region ? 2 : availableZone === own.zone ? 0 : 1;
    for (const text of listIn(member, "endpoints")) {
      const endpoint = typeof text === "string" ? parseEndpoint(text) : undefined;
      const address = endpoint && addresses.find((one) => isAt(one, endpoint));
      if (address !== undefined) ranks.set(address, Math.min(rank, ranks.get(address) ?? rank));
    }
  }
  return ranks;
}

function isAt(address: string, endpoint: { readonly host: string; readonly port: number }) {
  const { hostname, port, protocol } = new URL(address);
  const standard = protocol === "https:" ? 443 : 80;
  return hostname.replace(/^\[|\]$/g, "") === endpoint.host.toLowerCase() &&
    (Number(port) || standard) === endpoint.port;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const list = fieldsOf(value)[key];
  return Array.isArray(list) ? list : [];
}
