/** An admin view written by hand: every reading has a plausible value, every action is written down. */
import { LiveFeed, type LiveSource } from "../../lib/control/api/live.ts";
import type { StatusView } from "../../lib/control/api/shapes/state.ts";
import type { ListedEndpoint, ServiceDetail } from "../../lib/control/api/shapes/services.ts";
import type { AdminView } from "../../lib/control/api/view.ts";
import type { RequestRecord } from "../../lib/plane/observe.ts";
import { failureView } from "./failure_view.ts";

export const noColumns = {
  at: [],
  requests: [],
  failed: [],
  retries: [],
  p50Ms: [],
  p95Ms: [],
  p99Ms: [],
};

export const status: StatusView = {
  version: "1.2.3",
  app: "default",
  environment: "",
  service: "StoreWeb",
  serviceVersion: "0.0.1",
  startedAt: 1_700_000_000_000,
  uptimeMs: 5000,
  net: "native",
  threads: 2,
  threadsReplaced: 0,
  outbound: "127.0.0.1:30101",
  inbound: "0.0.0.0:30103",
  admin: "127.0.0.1:30102",
  registry: {
    kind: "servicecenter",
    address: "http://127.0.0.1:30100",
    servedHere: false,
    reachable: true,
    lastAnswerAt: 1_700_000_004_000,
    lastAnswerAgoMs: 1000,
  },
  registration: { state: "registered" },
  draining: false,
  refusedReloads: { count: 0, last: "" },
  revision: 1,
};

export const endpoint: ListedEndpoint = {
  service: "Cart",
  host: "10.0.0.1",
  port: 80,
  instanceId: "i1",
  version: "1.0.0",
  mesher: true,
  state: "ejected",
  reason: "consecutive_failures",
  threads: { agreeing: 1, all: 2 },
  endsInMs: 4000,
  latencyMs: 3.2,
  open: 1,
  attempts: 10,
  failures: 5,
  ejections: 1,
  perSecond: 2,
};

export const cart: ServiceDetail = {
  service: "Cart",
  source: "registry",
  ageMs: 100,
  instances: 2,
  endpoints: [{
    ...endpoint,
    history: {
      events: [{ at: 1_700_000_000_000, state: "healthy", reason: "none" }],
      minutes: [{ endAt: 1_700_000_060_000, attempts: 3, failures: 1 }],
    },
  }],
  unusable: ["i2 is DOWN"],
  recent: { perSecond: 2, failedPerSecond: 0, failedShare: 0.1, p50Ms: 1, p95Ms: 3, p99Ms: 4 },
};

export const record: RequestRecord = {
  at: 1_700_000_000_000,
  role: "outbound",
  method: "GET",
  path: "/",
  authority: "Cart",
  service: "Cart",
  caller: "",
  client: "127.0.0.1:5000",
  status: 200,
  requestBytes: 0,
  responseBytes: 10,
  durationMs: 2,
  ownMs: 0.1,
  attempts: [{ endpoint: "10.0.0.1:80", startMs: 0, endMs: 2, status: 200 }],
  logged: false,
  taps: [1],
};

export const liveSource: LiveSource = {
  bucketMs: 5000,
  wall: () => 1_700_000_000_000,
  state: () => {
    const { uptimeMs: _, application: _a, registration: _r, ...steady } = status;
    return { status: steady, readiness: { ready: true, reasons: [], notes: [] }, leases: [] };
  },
  services: () => [{
    service: "Cart",
    source: "registry",
    states: { ejected: 1 },
    unusable: 1,
    endpoints: [{
      address: "10.0.0.1:80",
      instanceId: "i1",
      state: "ejected",
      reason: "consecutive_failures",
    }],
  }],
  figures: () => ({
    all: [2, 0, 0.1, 1, 3, 4],
    inbound: [0, 0, 0, null, null, null],
    services: new Map([["Cart", { figures: [2, 0, 0.1, 1, 3, 4], endpoints: [2] }]]),
  }),
  columns: () => ({
    endMs: [],
    requests: [],
    failed: [],
    retries: [],
    p50Ms: [],
    p95Ms: [],
    p99Ms: [],
  }),
  columnsJson: () => JSON.stringify(noColumns),
  failures: () => ({ newest: 0, dropped: 0, failures: [] }),
};

/** Shape: `done` grows with each action. */
export function adminView(
  overrides: Partial<AdminView> = {},
): AdminView & { readonly done: readonly unknown[] } {
  const done: unknown[] = [];
  const made: AdminView = {
    version: "1.2.3",
    host: "127.0.0.1",
    hostName: "vm-7",
    live: new LiveFeed(liveSource),
    readiness: () => ({ ready: true, reasons: [], notes: ["a note"] }),
    metrics: (accept) => ({
      type: accept?.includes("openmetrics") ? "application/openmetrics-text" : "text/plain",
      text: "mesher_up 1\n",
    }),
    status: () => status,
    services: () => [cart],
    service: (name) => name === "Cart" ? cart : undefined,
    endpoints: () => [endpoint, { ...endpoint, service: "Bill", state: "healthy" }],
    rules: () => [],
    connections: () => ({
      clients: { accepted: 3, open: 1, inboundOpen: 0, acceptPauses: 0 },
      upstreams: { dialled: 2, idle: 1 },
      tunnels: { open: 0, splicedBytes: 0 },
      threads: [],
      services: [],
    }),
    leases: () => [{
      service: "StoreWeb",
      app: "default",
      version: "0.0.1",
      environment: "",
      state: "registered",
      advertised: "10.0.0.7:30103",
    }],
    configuration: () => ({ app: "shop", admin_token: "********" }),
    configurationSources: () => ({
      sources: { app: "MESHER_APP" },
      refusedReloads: { count: 0, last: "" },
    }),
    snapshots: () => ({ policy: { revision: 1, acknowledged: [1, 1] }, services: [] }),
    failures: () => ({ newest: 1, dropped: 0, failures: [failureView("connect_refused")] }),
    history: () => ({ bucketMs: 5000, aggregated: false, columns: noColumns }),
    logLevel: () => "info",
    setLogLevel: (level) => void done.push({ level }),
    drain: () => void done.push("drain"),
    reload: () => Promise.resolve({ kind: "taken", changed: ["log"] }),
    explain: (question) => {
      done.push(question);
      return Promise.resolve({ steps: [{ step: "name", result: "Cart" }], candidates: [] });
    },
    doctor: () =>
      Promise.resolve({
        tookMs: 3,
        diagnoses: [
          { check: "clock", level: "ok", says: "the clocks agree" },
          { check: "registry", level: "problem", says: "nobody answers", fix: "start it" },
        ],
      }),
    tap(query, signal) {
      done.push(query);
      signal.addEventListener("abort", () => done.push("tap ended"));
      return (async function* () {
        yield await Promise.resolve(record);
        yield { dropped: 3 };
      })();
    },
    ...overrides,
  };
  return Object.assign(made, { done });
}
