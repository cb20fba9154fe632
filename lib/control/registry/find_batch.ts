/** What finding many services in one call needs beside the call: who is left out, and when nobody waits any more. */
import type { Clock } from "../../core/ports.ts";
import type { ServiceQuery } from "./registry.ts";

/** Names that are asked for alone are tried in a batch again after this time. Units: milliseconds. */
const aloneMs = 3_600_000;
const maxAlone = 10_000;

/** The services that a batch does not answer well; each of them would spoil it for the others or get a wrong answer. */
export class AloneNames {
  readonly #clock: Clock;
  readonly #sinceMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(query: ServiceQuery): void {
    if (this.#sinceMs.size >= maxAlone) this.#sinceMs.clear();
    this.#sinceMs.set(keyOf(query), this.#clock.now());
  }

  delete(query: ServiceQuery): void {
    this.#sinceMs.delete(keyOf(query));
  }

  has(query: ServiceQuery): boolean {
    const sinceMs = this.#sinceMs.get(keyOf(query));
    return sinceMs !== undefined && this.#clock.now() - sinceMs < aloneMs;
  }
}

function keyOf({ app, environment, name }: ServiceQuery): string {
  return `${environment}/${app}/${name}`;
}

/** Aborts when nobody wants the joint answer any more. Shape: leaves nothing behind on the signals when disposed. */
export function whenAllAborted(
  signals: readonly AbortSignal[],
): { readonly signal: AbortSignal } & Disposable {
  const all = new AbortController();
  const check = () => signals.every((one) => one.aborted) && all.abort();
  for (const signal of signals) signal.addEventListener("abort", check);
  check();
  return {
    signal: all.signal,
    [Symbol.dispose]() {
      for (const signal of signals) signal.removeEventListener("abort", check);
    },
  };
}
