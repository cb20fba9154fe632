/** Finds out which service a name means; remembers for a short while what it does not. */
import { closest } from "../../core/closest.ts";
import { isServiceName } from "../../core/names.ts";
import type { Clock, Logger } from "../../core/ports.ts";
import { RegistryError } from "../registry/registry.ts";
import type { NamesIndex } from "./names_index.ts";
import { otherKey, type OtherService } from "./other_apps.ts";

export type Lookup =
  | { readonly kind: "service"; readonly service: string }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] }
  | { readonly kind: "unknown"; readonly detail: string }
  | { readonly kind: "registry_down"; readonly detail: string };

export interface LookupOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For messages: where is looked. */
  readonly where: string;
  /** How long "no such service" is believed. Units: milliseconds. */
  readonly negativeMs: number;
  readonly names: NamesIndex;
  /** The services that are followed already. */
  readonly known: ReadonlyMap<string, unknown>;
  /** Why the registry should not be asked just now. */
  readonly blocked: () => string | undefined;
  /** True when the registry knows the service, which is then followed. Errors: those of the registry. */
  readonly find: (name: string) => Promise<boolean>;
  /** Services of other applications. */
  readonly others: OtherLookup;
  readonly failed: (error: unknown) => void;
}

export interface OtherLookup {
  /** What a name may mean, best first. */
  readonly split: (name: string) => readonly OtherService[];
  /** The names of those services of an application that may be found from here. */
  readonly names: (app: string) => NamesIndex;
  /** As `find`; the service is followed under its key. */
  readonly find: (service: OtherService) => Promise<boolean>;
}

interface Negative {
  readonly lookup: Lookup;
  readonly untilMs: number;
}

/** Bounds what callers can make a sidecar remember or ask by inventing names. */
const maxNegatives = 1_000;
const maxPending = 256;
/** How long a failed look-up of one name is not repeated. Units: milliseconds. */
const failedMs = 1_000;

export class NameLookup {
  readonly #options: LookupOptions;
  readonly #negatives = new Map<string, Negative>();
  readonly #pending = new Map<string, Promise<Lookup>>();

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  /** Shape: never rejects; concurrent questions for one name are one question to the registry. */
  lookup(name: string): Promise<Lookup> {
    const negative = this.#negatives.get(name);
    if (negative && this.#options.clock.now() < negative.untilMs) {
      return Promise.resolve(negative.lookup);
    }
    const pending = this.#pending.get(name);
    if (pending) return pending;
    if (this.#pending.size >= maxPending) {
      return Promise.resolve(down(name, `${maxPending} names are being looked up already`));
    }
    const begun = this.#resolve(name)
      .then((lookup) => this.#remember(name, lookup))
      .finally(() => this.#pending.delete(name));
    this.#pending.set(name, begun);
    return begun;
  }

  /** Something changed in the registry: what was not there may be there now. */
  forget(): void {
    this.#negatives.clear();
  }

  /** Resolves when no look-up is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending.values());
  }

  async #resolve(name: string): Promise<Lookup> {
    const { blocked, failed, find } = this.#options;
    if (!isServiceName(name)) return this.#unknown(name, "it is no possible service name");
    const reason = blocked();
    if (reason !== undefined) return this.#offline(name, reason);
    try {
      return await find(name) ? { kind: "service", service: name } : await this.#otherCase(name);
    } catch (error) {
      failed(error);
      return this.#offline(name, wordsOf(error));
    }
  }

  /** The registry does not know the exact name. Errors: those of the registry. */
  async #otherCase(name: string): Promise<Lookup> {
    const { names, known, find } = this.#options;
    let matching: readonly string[];
    try {
      matching = await names.matching(name);
      // The list may be older than what is known already.
      if (matching.length === 0) matching = spellings(name, known.keys());
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === "refused")) throw error;
      return this.#unknown(name, `other spellings were not tried, ${error.message}`);
    }
    const [only] = matching;
    if (only === undefined || matching.includes(name)) return await this.#otherApp(name);
    if (matching.length > 1) return { kind: "ambiguous", names: matching };
    return known.has(only) || await find(only) ? this.#use(only, name) : this.#unknown(name);
  }

  /** The own application has no such service. Errors: those of the registry. */
  async #otherApp(name: string): Promise<Lookup> {
    const { known, others } = this.#options;
    for (const { app, name: wanted } of others.split(name)) {
      const matching = await others.names(app).matching(wanted);
      const exact = matching.find((one) => one === wanted);
      if (exact === undefined && matching.length > 1) {
        return { kind: "ambiguous", names: matching.map((one) => otherKey({ app, name: one })) };
      }
      const only = exact ?? matching[0];
      if (only === undefined) continue;
      const key = otherKey({ app, name: only });
      if (!known.has(key) && !(await others.find({ app, name: only }))) continue;
      return key === name ? { kind: "service", service: key } : this.#use(key, name);
    }
    return this.#unknown(name);
  }

  /** Without the registry only what is known counts, spelled in whatever way. */
  #offline(name: string, reason: string): Lookup {
    const { known } = this.#options;
    const names = spellings(name, known.keys());
    const [only] = names;
    if (only === undefined) return down(name, reason);
    if (known.has(name)) return { kind: "service", service: name };
    return names.length > 1 ? { kind: "ambiguous", names } : this.#use(only, name);
  }

  #use(service: string, asked: string): Lookup {
    this.#options.logger.info(`the service ${service} is used for the name ${asked}`);
    return { kind: "service", service };
  }

  #unknown(name: string, why?: string): Lookup {
    const { known, names, where } = this.#options;
    const reason = why === undefined ? "" : `: ${why}`;
    const near = names.near(name) ?? closest(name, [...known.keys()]);
    const hint = near === undefined || near === name ? "" : ` (did you mean ${near}?)`;
    return { kind: "unknown", detail: `there is no service "${name}"${hint} in ${where}${reason}` };
  }

  #remember(name: string, lookup: Lookup): Lookup {
    if (lookup.kind === "service") return lookup;
    const { clock, negativeMs } = this.#options;
    const validMs = lookup.kind === "registry_down" ? failedMs : negativeMs;
    // Taken out and put in again, so that the map's order is the order of age.
    this.#negatives.delete(name);
    this.#negatives.set(name, { lookup, untilMs: clock.now() + validMs });
    if (this.#negatives.size > maxNegatives) {
      this.#negatives.delete(this.#negatives.keys().next().value!);
    }
    return lookup;
  }
}

/** The names that differ from `name` at most by case, sorted. */
function spellings(name: string, names: Iterable<string>): readonly string[] {
  const key = name.toLowerCase();
  return [...names].filter((one) => one.toLowerCase() === key).sort();
}

function down(name: string, reason: string): Lookup {
  return {
    kind: "registry_down",
    detail: `nothing is known about "${name}" and the registry could not be asked: ${reason}`,
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
