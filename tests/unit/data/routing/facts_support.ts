/** Requests as routing sees them, written by hand. */
import type { RequestFacts } from "../../../../lib/data/routing/facts.ts";

export interface FactsOptions {
  readonly method?: string;
  /** Path and query. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly caller?: string;
  readonly source?: string;
}

export function factsOf(options: FactsOptions = {}): RequestFacts {
  const [path, ...query] = (options.target ?? "/").split("?");
  const headers = new Map(
    Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    method: options.method ?? "GET",
    path: path!,
    query: query.join("?"),
    header: (name) => headers.get(name),
    caller: options.caller ?? "web",
    source: options.source ?? "10.0.0.1",
  };
}

/** For decisions that must not draw lots. */
export function noRandom(): number {
  throw new Error("nothing here is left to chance");
}
