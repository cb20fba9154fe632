/** Several addresses of one registry: which to try first, which to leave alone for a while. */

export interface AddressRingOptions {
  /** Consecutive failures after which an address is left alone. */
  readonly isolateAfter: number;
  readonly isolateMs: number;
  /** Index of the address to begin with, so that a fleet spreads over a cluster. */
  readonly start: number;
}

interface AddressState {
  readonly address: string;
  failures: number;
  isolatedUntilMs: number;
}

/** Stays with an address as long as it works, moves on when it fails. */
export class AddressRing {
  readonly #records: readonly AddressState[];
  readonly #options: AddressRingOptions;
  #current: number;
  #ranks: ReadonlyMap<string, number> = new Map();

  constructor(addresses: readonly string[], options: AddressRingOptions) {
    this.#records = addresses.map((address) => ({ address, failures: 0, isolatedUntilMs: 0 }));
    this.#options = options;
    this.#current = addresses.length === 0 ? 0 : options.start % addresses.length;
  }

  /**
   * The addresses to try for one call, in order.
   *
   * Shape: near ones first; isolated ones are left out; when all are isolated all are returned, since trying beats
   * giving up.
   */
  candidates(nowMs: number): readonly string[] {
    const ring = this.#records.map((_, i) =>
      this.#records[(this.#current + i) % this.#records.length]!
    );
    const usable = ring.filter((record) => record.isolatedUntilMs <= nowMs);
    return (usable.length > 0 ? usable : ring).map((record) => record.address)
      .sort((a, b) => this.#rankOf(a) - this.#rankOf(b));
  }

  /** Addresses of a lower rank come first from now on, as long as they work. Shape: those left out come last. */
  prefer(ranks: ReadonlyMap<string, number>): void {
    this.#ranks = ranks;
  }

  #rankOf(address: string): number {
    return this.#ranks.get(address) ?? Number.MAX_SAFE_INTEGER;
  }

  succeeded(address: string): void {
    const index = this.#indexOf(address);
    const record = this.#records[index];
    if (!record) return;
    record.failures = 0;
    record.isolatedUntilMs = 0;
    this.#current = index;
  }

  get size(): number {
    return this.#records.length;
  }

  /** The address answers again: it takes its turn at once, without being preferred. */
  release(address: string): void {
    const record = this.#records[this.#indexOf(address)];
    if (!record) return;
    record.failures = 0;
    record.isolatedUntilMs = 0;
  }

  isIsolated(address: string, nowMs: number): boolean {
    return (this.#records[this.#indexOf(address)]?.isolatedUntilMs ?? 0) > nowMs;
  }

  failed(address: string, nowMs: number): void {
    const index = this.#indexOf(address);
    const record = this.#records[index];
    if (!record) return;
    record.failures++;
    if (record.failures >= this.#options.isolateAfter) {
      record.isolatedUntilMs = nowMs + this.#options.isolateMs;
    }
    if (index === this.#current) this.#current = (index + 1) % this.#records.length;
  }

  #indexOf(address: string): number {
    return this.#records.findIndex((record) => record.address === address);
  }
}
