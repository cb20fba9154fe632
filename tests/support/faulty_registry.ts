/** An embedded registry that misbehaves on demand, over real HTTP or in memory, and the parts of a sidecar that use it. */
import type { Clock, Fetch, Files, Probe } from "../../lib/core/ports.ts";
import {
  createEmbeddedRegistry,
  type EmbeddedRegistry,
} from "../../lib/control/embedded/embedded.ts";
import { DiscoveryCache } from "../../lib/control/discovery/cache.ts";
import type { CachePolicy } from "../../lib/control/discovery/cache_options.ts";
import { OwnRegistration } from "../../lib/control/registry/registration.ts";
import { createServiceCenterBackend } from "../../lib/control/registry/service_center.ts";
import type { Credentials } from "../../lib/control/registry/token.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { createRegistryNet } from "../../lib/platform/registry_net.ts";
import { upgradeSocket } from "../../lib/platform/http_server.ts";
import { pickPort } from "./ports.ts";
import { patienceMs } from "./raw.ts";
import { RecordingLogger } from "./registry_fakes.ts";

/** What goes wrong with every answer. */
export type Fault =
  | "error500"
  | "garbage"
  | "page"
  | "wrong types"
  | "empty"
  | "half"
  | "hang"
  | "slow"
  /** In memory only: the connection is refused. */
  | "refuse";

export interface FaultyOptions {
  readonly clock: Clock;
  readonly files?: Files;
  readonly statePath?: string;
  readonly slowMs?: number;
}

export class FaultyRegistry {
  fault: Fault | undefined;
  /** Calls that came, those that were answered wrongly included. */
  calls = 0;
  /** `METHOD path` of the calls that change something, with the time they came. */
  readonly writes: { readonly atMs: number; readonly what: string }[] = [];
  readonly #options: FaultyOptions;
  #registry: EmbeddedRegistry;
  /** What hangs or is slow, is so no longer. */
  readonly #stopped = new AbortController();

  constructor(options: FaultyOptions) {
    this.#options = options;
    this.#registry = this.#create();
  }

  get registry(): EmbeddedRegistry {
    return this.#registry;
  }

  async start(): Promise<void> {
    await this.#registry.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#registry.stop();
  }

  /** Another process takes over, with nothing in its memory but what a file gave it. */
  async restart(): Promise<void> {
    await this.#registry.stop();
    this.#registry = this.#create();
    await this.#registry.start();
  }

  /** In memory; a caller that gives up gets its abort at once, as with the real one. */
  readonly fetch: Fetch = async (url, init) => {
    init?.signal?.throwIfAborted();
    if (this.fault === "refuse") throw new TypeError("connection refused");
    const answer = this.handle(new Request(url, { ...init, signal: null }));
    const signal = init?.signal;
    if (!signal) return await answer;
    const given = Promise.withResolvers<never>();
    const giveUp = () => given.reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([answer, given.promise]);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  };

  readonly handle = async (request: Request): Promise<Response> => {
    this.calls++;
    const { clock, slowMs = 5_000 } = this.#options;
    const { pathname } = new URL(request.url);
    if (request.method !== "GET") {
      this.writes.push({ atMs: clock.now(), what: `${request.method} ${pathname}` });
    }
    switch (this.fault) {
      case "error500":
        return Response.json({ errorCode: "500003", errorMessage: "broken" }, { status: 500 });
      case "garbage":
        return new Response('{"instances":[{"instanceId":"', {
          headers: { "Content-Type": "application/json" },
        });
      case "page":
        return new Response("<html>hello</html>");
      case "wrong types":
        return Response.json({ instances: { a: 1 }, services: 7, serviceId: [], instanceId: null });
      case "hang":
        // Not on the clock, whose sleepers tests count to find out what a sidecar leaves behind.
        await new Promise<void>((resolve) => {
          this.#stopped.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        return new Response(null, { status: 503 });
      case "slow":
        await clock.sleep(slowMs, this.#stopped.signal);
        break;
      case "empty":
      case "half":
        return await this.#cut(request, this.fault);
    }
    return await this.#registry.fetch(request);
  };

  /** Only reads are cut; with another revision, as a registry would give it. */
  async #cut(request: Request, fault: "empty" | "half"): Promise<Response> {
    const { pathname } = new URL(request.url);
    const isRead = pathname.endsWith("/registry/instances") || pathname.endsWith("/action");
    const url = new URL(request.url);
    url.searchParams.delete("rev");
    const response = await this.#registry.fetch(isRead ? new Request(url, request) : request);
    if (!isRead || response.status !== 200) return response;
    const text = (await response.text()).replace(/"instances":(\[.*?\}\])/g, (_, list: string) => {
      const records = JSON.parse(list) as unknown[];
      const kept = fault === "empty" ? [] : records.slice(0, Math.floor(records.length / 2));
      return `"instances":${JSON.stringify(kept)}`;
    });
    return new Response(text, {
      headers: { "Content-Type": "application/json", "X-Resource-Revision": `cut-${fault}` },
    });
  }

  #create(): EmbeddedRegistry {
    const { clock, files, statePath } = this.#options;
    return createEmbeddedRegistry({
      clock,
      random: Math.random,
      logger: new RecordingLogger(),
      selfAddress: "127.0.0.1:30100",
      version: "0.0.1",
      upgrade: upgradeSocket,
      ...(files && statePath !== undefined ? { files, statePath } : {}),
    });
  }
}

/** A faulty registry on a real port that can be taken away and brought back. */
export class FaultyServer implements AsyncDisposable {
  readonly faulty = new FaultyRegistry({ clock: realClock, slowMs: 1_000 });
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  readonly #port = pickPort();
  readonly #ending: Promise<void>[] = [];

  static async start(): Promise<FaultyServer> {
    const server = new FaultyServer();
    await server.faulty.start();
    server.up();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  up(): void {
    this.#server = Deno.serve(
      { port: this.#port, hostname: "127.0.0.1", onListen: () => {} },
      this.faulty.handle,
    );
  }

  /** Ends open connections, too. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const done = server.shutdown();
    this.#ending.push(done);
    // The registry's own web sockets would hold the shutdown up.
    const over = new AbortController();
    await Promise.race([done, realClock.sleep(200, over.signal)]);
    over.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.faulty.stop();
    await this.down();
    // Some versions of the runtime never say that a server whose client gave up has ended.
    const over = new AbortController();
    await Promise.race([Promise.all(this.#ending), realClock.sleep(1_000, over.signal)]);
    over.abort();
  }
}

export interface PartsOptions {
  readonly clock: Clock;
  /** Base address of the registry. */
  readonly url: string;
  /** In memory; left out, the real network is used. */
  readonly fetch?: Fetch;
  readonly service?: string;
  /** Unset: `default`. */
  readonly app?: string;
  readonly otherApps?: readonly string[];
  readonly allowCrossApp?: boolean;
  readonly instanceId?: string;
  readonly endpoints?: readonly string[];
  readonly policy?: Partial<CachePolicy>;
  readonly probe?: Probe;
  readonly timeoutMs?: number;
  readonly heartbeatMs?: number;
  readonly random?: () => number;
  readonly credentials?: Credentials;
}

/** The control side of one sidecar: its discovery and, with a service name, its registration. */
export class SidecarParts implements AsyncDisposable {
  readonly logger = new RecordingLogger();
  readonly cache: DiscoveryCache;
  readonly own: OwnRegistration | undefined;
  /** Every set that was told, in order: the endpoints of the service. */
  readonly told: { readonly service: string; readonly endpoints: readonly string[] }[] = [];
  readonly #close: () => Promise<void>;
  #listeners: (() => void)[] = [];

  constructor(options: PartsOptions) {
    const { clock, url, fetch, service, probe, policy, random = Math.random } = options;
    const { app = "default", otherApps = [], allowCrossApp = false } = options;
    const net = fetch ? undefined : createRegistryNet();
    const backend = createServiceCenterBackend({
      addresses: [url],
      fetch: fetch ?? net!.fetch,
      ...(net ? { dial: net.dial } : {}),
      clock,
      random,
      logger: this.logger,
      version: "0.0.1",
      timeoutMs: options.timeoutMs ?? 5_000,
      allowCrossApp,
      ...(options.credentials ? { credentials: options.credentials } : {}),
    });
    this.cache = new DiscoveryCache({
      backend,
      app,
      environment: "",
      otherApps,
      clock,
      random,
      logger: this.logger,
      probe: probe ?? (() => Promise.resolve(true)),
      ...(policy ? { policy } : {}),
      onSet: ({ service, instances }) => {
        const endpoints = instances.flatMap((one) => one.endpoints)
          .map(({ host, port }) => `${host}:${port}`);
        this.told.push({ service, endpoints });
        for (const listener of this.#listeners) listener();
      },
      onGone: (service) => void this.told.push({ service, endpoints: [] }),
    });
    this.cache.start();
    if (service !== undefined) {
      this.own = new OwnRegistration({
        registrar: backend.registrar!,
        registration: {
          key: { app, name: service, version: "1.0.0", environment: "" },
          ...(options.instanceId === undefined ? {} : { instanceId: options.instanceId }),
          hostName: "vm1",
          endpoints: options.endpoints ?? ["rest://10.0.0.7:30103"],
          ports: [],
          properties: {},
          lease: { intervalMs: options.heartbeatMs ?? 30_000, times: 3 },
        },
        clock,
        random,
        logger: this.logger,
      });
      this.own.report("UP");
    }
    this.#close = async () => {
      await this.cache.stop();
      await backend.close();
      net?.close();
    };
  }

  /** The endpoints of a service as they are now, sorted. */
  endpoints(service: string): readonly string[] {
    return [...this.told.findLast((one) => one.service === service)?.endpoints ?? []].sort();
  }

  /** The fewest endpoints that were told of a service since the given number of tellings. */
  fewest(service: string, since = 0): number {
    return Math.min(
      ...this.told.slice(since).filter((one) => one.service === service)
        .map((one) => one.endpoints.length),
      Infinity,
    );
  }

  /** Resolves when a set has been told that fits. Errors: when none comes in time. */
  async until(fits: () => boolean): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("it did not come")), patienceMs);
    try {
      while (!fits()) {
        const told = Promise.withResolvers<void>();
        this.#listeners = [told.resolve];
        await Promise.race([told.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.own?.stop();
    await this.#close();
  }
}
