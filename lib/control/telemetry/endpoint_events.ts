/** Watches every endpoint's state and remembers its changes and its calls of the last quarter of an hour. */
import type { EjectReason } from "../../plane/counters.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../plane/messages.ts";
import {
  type EndpointState,
  readEndpoint,
  type ShownState,
  type ThreadReader,
  unknownState,
} from "./endpoint_state.ts";

export interface EndpointEvent {
  /** Since 1970. Units: milliseconds. */
  readonly at: number;
  readonly state: ShownState;
  readonly reason: EjectReason;
}

/** Attempts and failures of one minute. */
export interface EndpointMinute {
  /** Since 1970. Units: milliseconds. */
  readonly endAt: number;
  readonly attempts: number;
  readonly failures: number;
}

export interface WatchedEndpoint {
  readonly endpoint: EndpointSnapshot;
  readonly state: Readonly<EndpointState>;
  /** Units: attempts a second, over the last 10 seconds or so. */
  readonly perSecond: number;
  /** Oldest first; the first one says when it was first seen. */
  readonly events: readonly EndpointEvent[];
}

export interface EndpointWatchOptions {
  readonly clusters: () => ReadonlyMap<string, ClusterSnapshot>;
  readonly reader: ThreadReader;
}

const maxEvents = 20;
const minutes = 15;
const minuteMs = 60_000;
/** How fast the rate follows. Units: milliseconds. */
const rateMs = 10_000;

interface Entry {
  endpoint: EndpointSnapshot;
  readonly state: EndpointState;
  readonly events: EndpointEvent[];
  /** Attempts of each minute, then failures of each. */
  readonly counts: Float32Array;
  attemptsBefore: number;
  failuresBefore: number;
  perSecond: number;
}

interface Service {
  snapshot: ClusterSnapshot;
  entries: Entry[];
}

export class EndpointWatch {
  readonly #options: EndpointWatchOptions;
  readonly #services = new Map<string, Service>();
  #sampledAtMs: number | undefined;
  #minute = 0;

  constructor(options: EndpointWatchOptions) {
    this.#options = options;
  }

  /** Looks at every endpoint once. Units: `wallMs` since 1970. */
  sample(nowMs: number, wallMs: number): void {
    const elapsedMs = this.#sampledAtMs === undefined ? 0 : nowMs - this.#sampledAtMs;
    this.#sampledAtMs = nowMs;
    const minute = Math.floor(wallMs / minuteMs);
    const clusters = this.#options.clusters();
    for (const service of this.#services.keys()) {
      if (!clusters.has(service)) this.#services.delete(service);
    }
    for (const snapshot of clusters.values()) {
      const service = this.#follow(snapshot);
      for (const entry of service.entries) {
        if (minute > this.#minute) clearMinutes(entry.counts, this.#minute, minute);
        look(entry, this.#options.reader, { elapsedMs, wallMs, minute });
      }
    }
    this.#minute = Math.max(minute, this.#minute);
  }

  /** Endpoints that are in the new snapshot too keep what is remembered of them. */
  #follow(snapshot: ClusterSnapshot): Service {
    let service = this.#services.get(snapshot.service);
    if (service?.snapshot === snapshot) return service;
    const before = new Map(service?.entries.map((entry) => [keyOf(entry.endpoint), entry]));
    const entries = snapshot.endpoints.map((endpoint) => {
      const known = before.get(keyOf(endpoint));
      if (known === undefined) return newEntry(endpoint);
      known.endpoint = endpoint;
      return known;
    });
    service = { snapshot, entries };
    this.#services.set(snapshot.service, service);
    return service;
  }

  /** Whether this very snapshot has been looked at. */
  knows(snapshot: ClusterSnapshot): boolean {
    return this.#services.get(snapshot.service)?.snapshot === snapshot;
  }

  /** Shape: in the order of the snapshot; empty for an unknown service, and before the first look. */
  of(service: string): readonly WatchedEndpoint[] {
    return this.#services.get(service)?.entries ?? [];
  }

  /** Shape: oldest first; the last minute is not over yet. Undefined when there is no such endpoint. */
  minutesOf(
    service: string,
    { host, port }: { readonly host: string; readonly port: number },
  ): readonly EndpointMinute[] | undefined {
    const entry = this.#services.get(service)?.entries.find(({ endpoint }) =>
      endpoint.host === host && endpoint.port === port
    );
    if (entry === undefined) return undefined;
    return Array.from({ length: minutes }, (_, index) => {
      const minute = this.#minute - (minutes - 1 - index);
      return {
        endAt: (minute + 1) * minuteMs,
        attempts: entry.counts[minute % minutes]!,
        failures: entry.counts[minutes + minute % minutes]!,
      };
    });
  }
}

function keyOf({ host, port }: EndpointSnapshot): string {
  return `${host} ${port}`;
}

function newEntry(endpoint: EndpointSnapshot): Entry {
  return {
    endpoint,
    state: unknownState(),
    events: [],
    counts: new Float32Array(2 * minutes),
    attemptsBefore: 0,
    failuresBefore: 0,
    perSecond: 0,
  };
}

function clearMinutes(counts: Float32Array, from: number, to: number): void {
  for (let minute = Math.max(from + 1, to - minutes + 1); minute <= to; minute++) {
    counts[minute % minutes] = 0;
    counts[minutes + minute % minutes] = 0;
  }
}

function look(
  entry: Entry,
  reader: ThreadReader,
  { elapsedMs, wallMs, minute }: { elapsedMs: number; wallMs: number; minute: number },
): void {
  const { endpoint, state, events, counts } = entry;
  if (endpoint.slot !== undefined) readEndpoint(endpoint.slot, reader, state);
  const last = events[events.length - 1];
  if (last?.state !== state.state || last.reason !== state.reason) {
    events.push({ at: wallMs, state: state.state, reason: state.reason });
    // The first one stays: it tells since when the endpoint is known.
    if (events.length > maxEvents) events.splice(1, 1);
  }
  // Less than before: a thread began anew with it.
  const attempts = Math.max(0, state.attempts - entry.attemptsBefore);
  const failures = Math.max(0, state.failures - entry.failuresBefore);
  entry.attemptsBefore = state.attempts;
  entry.failuresBefore = state.failures;
  counts[minute % minutes]! += attempts;
  counts[minutes + minute % minutes]! += failures;
  if (elapsedMs <= 0) return;
  const now = attempts * 1000 / elapsedMs;
  entry.perSecond += (now - entry.perSecond) * (1 - Math.exp(-elapsedMs / rateMs));
  if (entry.perSecond < 0.01) entry.perSecond = 0;
}
