/** One request to the registry, read the way all handlers need it; and the table form of routes. */
import type { Context, Hono } from "hono";
import { methodNotAllowed } from "./answers.ts";
import { bodyLimits, readFields } from "./body.ts";
import type { FindPlaces } from "./find.ts";
import type { Partition } from "./partition.ts";
import { type Fields, flag } from "./rules.ts";

/** One request. */
export class Call {
  readonly #context: Context;
  readonly #places: FindPlaces;

  constructor(context: Context, places: FindPlaces) {
    this.#context = context;
    this.#places = places;
  }

  get request(): Request {
    return this.#context.req.raw;
  }

  /** Tenant from the header, project from the path; both are `default` when they are left out. */
  get partition(): Partition {
    const domain = this.header("X-Domain-Name") || this.header("X-Tenant-Name") || "default";
    return this.#places.store.partition(domain, this.param("project") || "default");
  }

  /** The asking service's own id, empty when it does not say. */
  get consumerId(): string {
    return this.header("X-ConsumerId");
  }

  /** Whether the caller wants the records as they were written, and not as discovery is told of them. */
  get noCache(): boolean {
    return flag(this.query("noCache"));
  }

  /** The revision that the caller has. Shape: undefined when it has none or wants the content anyway. */
  get seenRevision(): string | undefined {
    if (this.noCache || flag(this.query("cacheOnly"))) return undefined;
    return this.query("rev") || undefined;
  }

  get tags(): readonly string[] {
    return (this.query("tags") ?? "").split(",").filter((tag) => tag !== "");
  }

  /** A part of the path. Shape: empty when the route has no such part. */
  param(name: string): string {
    return this.#context.req.param(name) ?? "";
  }

  query(name: string): string | undefined {
    return this.#context.req.query(name);
  }

  queries(name: string): readonly string[] {
    return this.#context.req.queries(name) ?? [];
  }

  header(name: string): string {
    return this.#context.req.header(name) ?? "";
  }

  /** The JSON object of the body. Units: bytes. Errors: RegistryFault 400001. */
  fields(maxBytes: number = bodyLimits.general): Promise<Fields> {
    return readFields(this.request, maxBytes);
  }
}

export type Handler = (call: Call) => Response | Promise<Response>;

/** One path below a base with its methods. */
export interface Route {
  readonly path: string;
  readonly methods: Readonly<Record<string, Handler>>;
  /** Whether the path is also served under the older base. */
  readonly legacy?: boolean;
}

/** Adds paths to an app: their methods, and 405 for all others, HEAD included. */
export function mount(
  app: Hono,
  routes: readonly Route[],
  options: { readonly base: string; readonly places: FindPlaces },
): void {
  for (const { path, methods } of routes) {
    const allowed = Object.keys(methods);
    for (const [method, handle] of Object.entries(methods)) {
      app.on(method, options.base + path, (context) => {
        // The framework sends HEAD to the handler of GET; the original does not serve it.
        if (context.req.method !== method) return methodNotAllowed(allowed);
        return handle(new Call(context, options.places));
      });
    }
    app.all(options.base + path, () => methodNotAllowed(allowed));
  }
}
