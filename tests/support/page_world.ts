/** A sidecar that is only played, behind the real admin API: what the live page shows is what a test sets. */
import { createAdmin } from "../../lib/control/api/admin.ts";
import { LiveFeed, type LiveSource } from "../../lib/control/api/live.ts";
import type { ColumnsView, FailureView } from "../../lib/control/api/shapes/events.ts";
import type { LiveFigures } from "../../lib/control/api/shapes/live.ts";
import type { EndpointView, ServiceDetail } from "../../lib/control/api/shapes/services.ts";
import type { Readiness } from "../../lib/control/api/shapes/readiness.ts";
import type { StatusView } from "../../lib/control/api/shapes/state.ts";
import type { ShownState } from "../../lib/control/telemetry/endpoint_state.ts";
import type { SeriesColumns } from "../../lib/control/telemetry/series.ts";
import type { FailureCode } from "../../lib/core/errors.ts";
import type { EjectReason } from "../../lib/plane/counters.ts";
import { adminView, status as steady } from "./admin_view.ts";
import { failureView } from "./failure_view.ts";

const bucketMs = 5000;

export interface PlayedEndpoint {
  readonly address: readonly [host: string, port: number];
  state: ShownState;
  reason: EjectReason;
  perSecond: number;
  events: { at: number; state: ShownState; reason: EjectReason }[];
}

export interface PlayedService {
  readonly service: string;
  source: "registry" | "disk";
  endpoints: PlayedEndpoint[];
  unusable: string[];
  /** requests a second, failures a second, failed share, p50, p95, p99. */
  figures: LiveFigures;
}

export interface PageWorldOptions {
  readonly token?: string;
  /** A consumer without a name has nothing inbound. */
  readonly named?: boolean;
}

export class PageWorld {
  readonly services = new Map<string, PlayedService>();
  readonly failures: FailureView[] = [];
  status: StatusView;
  readiness: Readiness = { ready: true, reasons: [], notes: [] };
  verdict: "up" | "down" = "up";
  all: LiveFigures = [0, 0, 0, null, null, null];
  columns: Record<"all" | "inbound", SeriesColumns> = { all: none(), inbound: none() };
  readonly live: LiveFeed;
  readonly #fetch: (request: Request) => Response | Promise<Response>;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #over = new AbortController();
  readonly #port: number;
  readonly #named: boolean;

  constructor({ token, named = true }: PageWorldOptions = {}) {
    this.#named = named;
    const { service: _s, inbound: _i, ...nameless } = steady;
    const startedAt = Date.now() - 3_600_000;
    this.status = named ? { ...steady, startedAt } : { ...nameless, startedAt };
    this.live = new LiveFeed(this.#source());
    const admin = createAdmin(adminView({
      ...(token === undefined ? {} : { token }),
      live: this.live,
      service: (name) => this.#detail(name),
      history: () => ({ bucketMs, aggregated: false, columns: wallColumns(this.columns.all) }),
    }));
    this.#fetch = admin.fetch;
    this.#server = serve(0, this.#fetch, this.#over.signal);
    this.#port = this.#server.addr.port;
  }

  /** As if the sidecar had died: every connection ends. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#server.finished;
  }

  /** The sidecar is back at the same place. */
  start(): void {
    this.#over = new AbortController();
    this.#server = serve(this.#port, this.#fetch, this.#over.signal);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Adds a service with so many endpoints, all of them well. */
  add(
    service: string,
    { endpoints = 2, perSecond = 10, p50 = 1.2, failedShare = 0 } = {},
  ): PlayedService {
    const number = this.services.size;
    const played: PlayedService = {
      service,
      source: "registry",
      unusable: [],
      figures: [
        perSecond,
        perSecond * failedShare,
        failedShare,
        perSecond === 0 ? null : p50,
        perSecond === 0 ? null : p50 * 3.4,
        perSecond === 0 ? null : p50 * 8.1,
      ],
      endpoints: Array.from({ length: endpoints }, (_, index) => ({
        address: [`10.0.${number % 250}.${index + 1}`, 8080] as const,
        state: "healthy" as const,
        reason: "none" as const,
        perSecond: perSecond / endpoints,
        events: [{ at: Date.now() - 600_000, state: "healthy" as const, reason: "none" as const }],
      })),
    };
    this.services.set(service, played);
    return played;
  }

  set(endpoint: PlayedEndpoint, state: ShownState, reason: EjectReason = "none"): void {
    Object.assign(endpoint, { state, reason, perSecond: state === "healthy" ? 5 : 0 });
    endpoint.events.push({ at: Date.now(), state, reason });
  }

  fail(code: FailureCode, over: Partial<FailureView> = {}): void {
    this.failures.unshift(failureView(code, {
      sequence: this.failures.length + 1,
      at: Date.now(),
      target: "http://AccountService/balance/42",
      service: "AccountService",
      endpoint: "10.0.0.1:8080",
      detail: "10.0.0.1:8080 refused the connection",
      ...over,
    }));
  }

  /** Fifteen minutes of a day like any other, with a bad moment in them. */
  fillHistory(perSecond: number): void {
    const now = Math.floor(Date.now() / bucketMs) * bucketMs;
    const indexes = Array.from({ length: 180 }, (_, index) => index);
    const wave = (index: number) => 1 + 0.25 * Math.sin(index / 17) + 0.08 * Math.sin(index * 2.3);
    const bad = (index: number) => index > 118 && index < 131;
    const columns = (scale: number): SeriesColumns => ({
      endMs: indexes.map((index) => now - (179 - index) * bucketMs),
      requests: indexes.map((index) => Math.round(perSecond * 5 * scale * wave(index))),
      failed: indexes.map((index) => bad(index) ? Math.round(perSecond * scale * 0.6) : 0),
      retries: indexes.map(() => 0),
      p50Ms: indexes.map((index) => 1.2 * wave(index + 30)),
      p95Ms: indexes.map((index) => 4.1 * wave(index * 1.7) * (bad(index) ? 3 : 1)),
      p99Ms: indexes.map((index) => 9.3 * wave(index * 2.1) * (bad(index) ? 4.5 : 1)),
    });
    this.columns = { all: columns(1), inbound: columns(0.3) };
  }

  /** The registry is away since a while. */
  registryDown(agoMs = 34_000): void {
    const { registry } = this.status;
    const lastError = "connection refused (127.0.0.1:30100)";
    this.status = {
      ...this.status,
      registry: { ...registry, reachable: false, lastAnswerAt: Date.now() - agoMs, lastError },
    };
    this.readiness = {
      ...this.readiness,
      notes: [`the registry cannot be reached: ${lastError}`],
    };
  }

  #source(): LiveSource {
    return {
      bucketMs,
      wall: () => Date.now(),
      state: () => {
        const { uptimeMs: _, application: _a, registration: _r, ...status } = this.status;
        const { service } = status;
        return {
          status: {
            ...status,
            registry: {
              ...status.registry,
              lastAnswerAt: status.registry.reachable === true
                ? Math.floor(Date.now() / 5000) * 5000
                : status.registry.lastAnswerAt,
            },
          },
          readiness: this.readiness,
          ...(this.#named
            ? {
              application: {
                verdict: this.verdict,
                sinceMs: status.startedAt,
                checks: [{
                  check: "tcp 8080",
                  verdict: this.verdict,
                  lastOk: this.verdict === "up",
                  reason: this.verdict === "up" ? "" : "connection refused",
                  streak: 3,
                }],
                advertised: { host: "10.0.0.7", port: 30103 },
              },
            }
            : {}),
          leases: service === undefined ? [] : [{
            service,
            app: "default",
            version: "0.0.1",
            environment: "",
            state: "registered",
            advertised: "10.0.0.7:30103",
          }],
        };
      },
      services: () =>
        [...this.services.values()].map(({ service, source, endpoints, unusable }) => ({
          service,
          source,
          states: Object.fromEntries(
            Object.entries(Object.groupBy(endpoints, ({ state }) => state))
              .map(([state, ones]) => [state, ones!.length]),
          ),
          unusable: unusable.length,
          endpoints: sorted(endpoints).slice(0, 8).map((one) => ({
            address: one.address.join(":"),
            instanceId: `id-${one.address.join("-")}`,
            state: one.state,
            reason: one.reason,
          })),
        })),
      figures: () => ({
        all: this.all,
        inbound: [this.all[0]! * 0.3, 0, 0, 0.9, 2.2, 6.1],
        services: new Map(
          [...this.services.values()].map((one) => [one.service, {
            figures: one.figures,
            endpoints: sorted(one.endpoints).slice(0, 8).map(({ perSecond }) => perSecond),
          }]),
        ),
      }),
      columns: (scope, sinceMs) => after(this.columns[scope], sinceMs),
      columnsJson: (columns) => JSON.stringify(wallColumns(columns)),
      failures: (sequence) => ({
        newest: this.failures.length,
        dropped: 0,
        failures: this.failures.filter((one) => one.sequence > sequence),
      }),
    };
  }

  #detail(name: string): ServiceDetail | undefined {
    const played = this.services.get(name);
    if (played === undefined) return undefined;
    const [perSecond, failedPerSecond, failedShare, p50Ms, p95Ms, p99Ms] = played.figures;
    return {
      service: name,
      source: played.source,
      ageMs: 2000,
      instances: played.endpoints.length + played.unusable.length,
      unusable: played.unusable,
      recent: {
        perSecond: perSecond ?? 0,
        failedPerSecond: failedPerSecond ?? 0,
        failedShare: failedShare ?? 0,
        p50Ms: p50Ms ?? undefined,
        p95Ms: p95Ms ?? undefined,
        p99Ms: p99Ms ?? undefined,
      },
      endpoints: played.endpoints.map((one) => ({
        ...endpointView(one),
        history: { events: one.events, minutes: minutesOf(one) },
      })),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.live.close();
    await this.stop();
  }
}

function serve(
  port: number,
  fetch: (request: Request) => Response | Promise<Response>,
  signal: AbortSignal,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, signal, onListen: () => {} }, fetch);
}

function endpointView(one: PlayedEndpoint): EndpointView {
  const [host, port] = one.address;
  return {
    host,
    port,
    instanceId: `id-${one.address.join("-")}`,
    version: "1.0.2",
    mesher: true,
    state: one.state,
    reason: one.reason,
    threads: { agreeing: 2, all: 2 },
    ...(one.state === "ejected" ? { endsInMs: 24_000 } : {}),
    latencyMs: 1.4,
    open: 1,
    attempts: 5210,
    failures: one.state === "healthy" ? 0 : 12,
    ejections: one.state === "healthy" ? 0 : 1,
    perSecond: one.perSecond,
  };
}

function minutesOf(one: PlayedEndpoint) {
  return Array.from({ length: 15 }, (_, index) => ({
    endAt: Date.now() - (14 - index) * 60_000,
    attempts: Math.round(300 + 60 * Math.sin(index)),
    failures: one.state !== "healthy" && index === 13 ? 80 : 0,
  }));
}

function sorted(endpoints: readonly PlayedEndpoint[]): readonly PlayedEndpoint[] {
  if (endpoints.length <= 8) return endpoints;
  return [...endpoints].sort((a, b) =>
    Number(a.state === "healthy") - Number(b.state === "healthy")
  );
}

function none(): SeriesColumns {
  return { endMs: [], requests: [], failed: [], retries: [], p50Ms: [], p95Ms: [], p99Ms: [] };
}

function after(columns: SeriesColumns, sinceMs: number): SeriesColumns {
  const from = columns.endMs.findIndex((end) => end > sinceMs);
  if (from < 0) return none();
  return Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [name, values.slice(from)]),
  ) as unknown as SeriesColumns;
}

function wallColumns({ endMs, ...columns }: SeriesColumns): ColumnsView {
  return { at: endMs, ...columns };
}
