/** Names of hosts outside the mesh: the system's resolver behind a small cache. */
import { isIpLiteral } from "../../core/address.ts";
import type { Clock } from "../../core/ports.ts";

/** All addresses of a name in the resolver's order. Errors: anything thrown means that there are none. */
export type ResolveHost = (name: string) => Promise<readonly string[]>;

export interface HostsOptions {
  readonly resolve: ResolveHost;
  readonly clock: Clock;
  readonly hitMs?: number;
  readonly missMs?: number;
  /** How long one question to the system may take. */
  readonly timeoutMs?: number;
  readonly maxNames?: number;
}

export type HostAnswer =
  | { readonly kind: "host"; readonly addresses: readonly string[] }
  | { readonly kind: "host_unknown"; readonly detail: string };

interface Entry {
  readonly answer: Promise<HostAnswer>;
  /** Infinity while the question is under way. */
  untilMs: number;
}

export class HostCache {
  readonly #options: Required<HostsOptions>;
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();

  constructor(options: HostsOptions) {
    this.#options = {
      hitMs: 10_000,
      missMs: 2_000,
      timeoutMs: 5_000,
      maxNames: 1_000,
      ...options,
    };
  }

  /** How long an answer may be used without asking again. Units: milliseconds. */
  validMs(answer: HostAnswer): number {
    return answer.kind === "host" ? this.#options.hitMs : this.#options.missMs;
  }

  /** Shape: never rejects; concurrent questions for one name are one question to the system. */
  lookup(name: string): Promise<HostAnswer> {
    if (isIpLiteral(name)) return Promise.resolve({ kind: "host", addresses: [name] });
    const key = name.toLowerCase();
    const known = this.#entries.get(key);
    if (known && this.#options.clock.now() < known.untilMs) return known.answer;
    // An outdated entry goes first, so that the map stays in the order of age.
    this.#entries.delete(key);
    if (!this.#makeRoom()) {
      const { maxNames } = this.#options;
      return Promise.resolve(unknown(name, `${maxNames} names are being looked up already`));
    }
    const entry: Entry = { answer: this.#ask(name), untilMs: Infinity };
    this.#entries.set(key, entry);
    void entry.answer.then((answer) => {
      entry.untilMs = this.#options.clock.now() + this.validMs(answer);
    });
    return entry.answer;
  }

  /** Ends the waiting for answers. */
  stop(): void {
    this.#stop.abort();
  }

  #makeRoom(): boolean {
    if (this.#entries.size < this.#options.maxNames) return true;
    for (const [key, entry] of this.#entries) {
      if (entry.untilMs === Infinity) continue;
      this.#entries.delete(key);
      return true;
    }
    return false;
  }

  async #ask(name: string): Promise<HostAnswer> {
    if (!isHostName(name)) return unknown(name, "it is no host name");
    const { resolve, clock, timeoutMs } = this.#options;
    const done = new AbortController();
    const end = () => done.abort();
    this.#stop.signal.addEventListener("abort", end, { once: true });
    if (this.#stop.signal.aborted) end();
    try {
      // The system's resolver cannot be called off; its late answer is simply not used.
      const addresses = await Promise.race([
        resolve(name),
        clock.sleep(timeoutMs, done.signal).then(() => undefined),
      ]);
      if (addresses === undefined) return unknown(name, `no answer within ${timeoutMs} ms`);
      if (addresses.length === 0) return unknown(name, "it has no address");
      return { kind: "host", addresses };
    } catch (error) {
      return unknown(name, error instanceof Error ? error.message : String(error));
    } finally {
      end();
      this.#stop.signal.removeEventListener("abort", end);
    }
  }
}

function unknown(name: string, why: string): HostAnswer {
  return { kind: "host_unknown", detail: `the host "${name}" was not found: ${why}` };
}

/** Letters of any script are let through: the resolver knows what to do with them. */
function isHostName(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return name.length > 0 && name.length <= 253 && !/[\s\x00-\x1f\x7f/\\@:?#%"<>]/.test(name);
}
