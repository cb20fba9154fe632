/** What a translation works on: the keys of the original, taken one by one, and the settings made of them. */
import { isServiceName } from "../../core/names.ts";
import type { Tree } from "../paths.ts";
import { isTrafficKey } from "./variables.ts";

/** One value of the original. */
export type FlatValue = string | number | boolean;

/** Keys with dots, letters in their case. */
export type FlatKeys = ReadonlyMap<string, FlatValue>;

/** One value with its key as it was written. */
export interface Entry {
  readonly key: string;
  readonly value: FlatValue;
}

/** A key that may be said of all services or of one. */
export interface OwnedEntry extends Entry {
  /** The service; undefined for all. */
  readonly owner: string | undefined;
  /** The last part of the key. */
  readonly name: string;
}

/** Parts of the original that wrote `servicecomb.` later wrote `cse.`, or the other way round. */
const bothPrefixes =
  /^servicecomb\.(?=(?:loadbalance|isolation|circuitBreaker|fallback|fallbackpolicy|flowcontrol|governance)\.)|^cse\.(?=handler\.)/;

function plainKey(key: string): string {
  return key.replace(bothPrefixes, key.startsWith("cse.") ? "servicecomb." : "cse.");
}

/** Takes keys and makes settings; what is left at the end has no equal. */
export class Sheet {
  readonly settings: Record<string, unknown> = {};
  readonly warnings: string[] = [];
  readonly #left = new Map<string, Entry>();
  /** Keys that were taken, so that nothing is said of them twice. */
  readonly #chains = new Map<string, readonly string[]>();

  constructor(flat: FlatKeys) {
    for (const [key, value] of flat) {
      if (!isTrafficKey(key)) continue;
      const plain = plainKey(key);
      // Both spellings at once: the one that the later program reads.
      if (this.#left.has(plain) && key !== plain) continue;
      this.#left.set(plain, { key, value });
    }
    for (const [plain, { value }] of this.#left) {
      const [, chain] = /^servicecomb\.handler\.chain\.(.+)$/.exec(plain) ?? [];
      if (chain === undefined) continue;
      this.#left.delete(plain);
      this.#chains.set(chain, String(value).split(",").map((name) => name.trim()));
    }
  }

  /** Whether a handler works in a chain; undefined when nothing is said of the chain. */
  hasHandler(chain: "Consumer.outgoing" | "Provider.incoming", handler: string) {
    return this.#chains.get(chain)?.includes(handler);
  }

  take(plain: string): Entry | undefined {
    const entry = this.#left.get(plain);
    this.#left.delete(plain);
    return entry;
  }

  /** The keys `prefix` + rest. Shape: in the order of the files. */
  takeBelow(prefix: string): readonly (Entry & { readonly rest: string })[] {
    const found = [...this.#left].filter(([plain]) => plain.startsWith(prefix));
    return found.map(([plain, entry]) => {
      this.#left.delete(plain);
      return { ...entry, rest: plain.slice(prefix.length) };
    });
  }

  /** The keys `prefix` + name and `prefix` + service + name; service names may have dots. */
  takeOwned(prefix: string, names: readonly string[]): readonly OwnedEntry[] {
    const found: OwnedEntry[] = [];
    for (const plain of [...this.#left.keys()]) {
      if (!plain.startsWith(prefix)) continue;
      const rest = plain.slice(prefix.length);
      const name = names.find((name) => rest === name || rest.endsWith(`.${name}`));
      if (name === undefined) continue;
      const { key, value } = this.take(plain)!;
      const owner = rest === name ? undefined : rest.slice(0, -name.length - 1);
      if (owner === undefined || isServiceName(owner)) found.push({ key, value, owner, name });
      else this.warn(key, `${JSON.stringify(owner)} is not the name of a service`);
    }
    return found;
  }

  /** Says a setting, of all services or of one. */
  set(owner: string | undefined, path: readonly string[], value: unknown): void {
    this.put(owner === undefined ? path : ["services", owner, ...path], value);
  }

  put(path: readonly string[], value: unknown): void {
    let place = this.settings;
    for (const key of path.slice(0, -1)) {
      place = (place[key] ??= {}) as Record<string, unknown>;
    }
    place[path[path.length - 1]!] = value;
  }

  /** Adds to a list. */
  append(path: readonly string[], item: unknown): void {
    const before = path.reduce<unknown>(
      (at, key) => (at as Tree | undefined)?.[key],
      this.settings,
    );
    this.put(path, [...Array.isArray(before) ? before : [], item]);
  }

  /** Says a key has no equal, or not quite, and why. */
  warn(key: string, why: string): void {
    this.warnings.push(`${key}: ${why}`);
  }

  /** A whole number of a key; undefined and a warning for what is none. */
  number({ key, value }: Entry, { min, max }: { min: number; max: number }): number | undefined {
    const number = typeof value === "number" ? value : Number(String(value).trim() || NaN);
    if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
    this.warn(key, `${JSON.stringify(value)} is not a whole number from ${min} to ${max}`);
    return undefined;
  }

  /** A yes or no of a key; undefined and a warning for what is neither. */
  flag({ key, value }: Entry): boolean | undefined {
    const text = String(value).trim().toLowerCase();
    if (text === "true" || text === "false") return text === "true";
    this.warn(key, `${JSON.stringify(value)} is neither true nor false`);
    return undefined;
  }

  /** Everything that was made of the keys. */
  finish(): { readonly settings: Tree; readonly warnings: readonly string[] } {
    for (const { key } of this.#left.values()) this.warn(key, "is not known");
    return { settings: this.settings, warnings: this.warnings };
  }
}
