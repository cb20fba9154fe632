import { assertEquals } from "@test/assert";
import { checkSpecs } from "../../../lib/config/app_checks.ts";
import { describeCheck } from "../../../lib/core/check.ts";
import { loadGood } from "./support.ts";

const concurrency = { adaptive: false, minLimit: 4, queue: 0, queueWaitMs: 1000 };
const noFault = { delayMs: 0, delayPercent: 0, abortStatus: 503, abortPercent: 0 };

Deno.test("the defaults are those of the documentation, in milliseconds and bytes", async () => {
  assertEquals(await loadGood({}), {
    app: "default",
    version: "0.0.1",
    environment: "",
    ports: [],
    check: [{ type: "tcp" }],
    properties: {},
    allowCrossApp: false,
    otherApps: [],
    registry: { kind: "auto" },
    registryProject: "default",
    registryTenant: "default",
    registryListen: { host: "127.0.0.1", port: 30100 },
    outbound: { host: "127.0.0.1", port: 30101 },
    admin: { host: "127.0.0.1", port: 30102 },
    inbound: { host: "0.0.0.0", port: 30103 },
    log: "info",
    threads: 1,
    net: "auto",
    egress: "allow",
    egressRules: [],
    via: false,
    timeouts: {
      connectMs: 1000,
      responseMs: 30_000,
      headMs: 10_000,
      idleMs: 60_000,
      bodyIdleMs: 60_000,
      poolIdleMs: 3000,
      resolveMs: 1000,
      tunnelIdleMs: 3_600_000,
    },
    limits: {
      headBytes: 65536,
      headFields: 1000,
      replayBytes: 65536,
      connections: 10_000,
      hops: 8,
      parked: 1000,
    },
    balance: {
      kind: "round_robin",
      hashOn: "",
      slowStartMs: 30_000,
      locality: "prefer",
      decayMs: 10_000,
      stickyIdleMs: 30_000,
      stickyFailures: 5,
    },
    outlier: {
      enabled: true,
      consecutiveFailures: 5,
      successPercent: 80,
      minRequests: 10,
      windowMs: 10_000,
      baseEjectMs: 1000,
      maxEjectMs: 60_000,
      maxEjectedPercent: 50,
      panicPercent: 50,
    },
    retry: {
      maxAttempts: 3,
      baseDelayMs: 25,
      maxDelayMs: 250,
      budgetPercent: 20,
      budgetPerSecond: 10,
      statuses: [502, 503],
      perTryMs: 0,
      hedge: false,
    },
    eject: { durationMs: 5000 },
    breaker: {
      enabled: false,
      windowMs: 10_000,
      minRequests: 20,
      errorPercent: 50,
      openMs: 15_000,
      force: "none",
    },
    concurrency: { limit: 1024, ...concurrency },
    rateLimits: [],
    fault: noFault,
    routes: [],
    services: {},
    provider: { concurrency: { limit: 0, ...concurrency }, rateLimits: [], fault: noFault },
    discovery: {
      pollMs: 10_000,
      jitterPercent: 20,
      negativeTtlMs: 1000,
      namesTtlMs: 30_000,
      unusedAfterMs: 600_000,
      snapshotMaxAgeMs: 86_400_000,
      timeoutMs: 5000,
      watch: true,
    },
    guard: { shrinkPercent: 50, probeTimeoutMs: 500 },
    heartbeat: { intervalMs: 30_000, times: 3 },
    health: { intervalMs: 2000, timeoutMs: 1000, rise: 2, fall: 3 },
    drain: { announceMs: 5000, finishMs: 25_000 },
    routing: { defaultVersion: "all" },
    tracing: {
      endpoint: "",
      format: "otlp",
      headersFile: "",
      samplePercent: 10,
      perSecond: 100,
      propagate: ["w3c"],
    },
    accessLog: { enabled: false, format: "json", sharePercent: 100, file: "" },
  });
});

type Row = readonly [yaml: string, expected: Record<string, unknown>];

const host = { service: "A", ports: [{ protocol: "rest", port: 8080 }] };
const withApp = "service: A\nports: 8080\n";

const good: readonly Row[] = [
  ["ports: 8080", { ports: [{ protocol: "rest", port: 8080 }] }],
  ['ports: "8080"', { ports: [{ protocol: "rest", port: 8080 }] }],
  ["ports: http:8080", { ports: [{ protocol: "rest", port: 8080 }] }],
  ["ports: rest:8080, grpc:9000", {
    ports: [{ protocol: "rest", port: 8080 }, { protocol: "grpc", port: 9000 }],
  }],
  ["ports: [8080, rest-admin:8081]", {
    ports: [{ protocol: "rest", port: 8080 }, { protocol: "rest-admin", port: 8081 }],
  }],
  ["check: none", { check: [] }],
  ["check: []", { check: [] }],
  ["check: tcp:9000", { check: [{ type: "tcp", port: 9000 }] }],
  ["check: http:/healthz", {
    check: [{ type: "http", path: "/healthz", statusMin: 200, statusMax: 299 }],
  }],
  ["check: http:/healthz=200-204, tcp", {
    check: [{ type: "http", path: "/healthz", statusMin: 200, statusMax: 204 }, { type: "tcp" }],
  }],
  ["check: http:9000/a?b=c=204", {
    check: [{ type: "http", port: 9000, path: "/a?b=c", statusMin: 204, statusMax: 204 }],
  }],
  ["check: {type: http, path: '/a,b', port: 81, status: 204, body: 'ok|up'}", {
    check: [{
      type: "http",
      port: 81,
      path: "/a,b",
      statusMin: 204,
      statusMax: 204,
      body: "ok|up",
    }],
  }],
  ["check: [tcp, {type: http}]", {
    check: [{ type: "tcp" }, { type: "http", path: "/", statusMin: 200, statusMax: 299 }],
  }],
  [`${withApp}properties: {weight: "3", a: ''}`, { ...host, properties: { weight: "3", a: "" } }],
  ["registry: embedded", { registry: { kind: "embedded" } }],
  ["registry: 'embedded:'", { registry: { kind: "embedded" } }],
  ["registry: http://sc:30100/", {
    registry: { kind: "servicecenter", urls: ["http://sc:30100"] },
  }],
  ["registry: https://a:1,b:2", {
    registry: { kind: "servicecenter", urls: ["https://a:1", "https://b:2"] },
  }],
  ["registry: http://[::1]:30100", {
    registry: { kind: "servicecenter", urls: ["http://[::1]:30100"] },
  }],
  ["registry: file:///etc/my%20mesh/s.yaml", {
    registry: { kind: "file", path: "/etc/my mesh/s.yaml" },
  }],
  ["registry: file:///C:/mesh/s.yaml", { registry: { kind: "file", path: "C:/mesh/s.yaml" } }],
  ["outbound: 9", { outbound: { host: "127.0.0.1", port: 9 } }],
  ["outbound: ':0'", { outbound: { host: "127.0.0.1", port: 0 } }],
  ["outbound: unix:/run/m.sock", { outbound: { path: "/run/m.sock" } }],
  ["admin: '[::1]:9'", { admin: { host: "::1", port: 9 } }],
  ["inbound: 9", { inbound: { host: "0.0.0.0", port: 9 } }],
  ["registry_listen: localhost:7", { registryListen: { host: "localhost", port: 7 } }],
  ["advertise: 10.0.0.7", { advertise: { host: "10.0.0.7" } }],
  ["advertise: vm-7.example:81", { advertise: { host: "vm-7.example", port: 81 } }],
  ["advertise: '2001:db8::7'", { advertise: { host: "2001:db8::7" } }],
  ["advertise: '[2001:db8::7]'", { advertise: { host: "2001:db8::7" } }],
  ["advertise: '[2001:db8::7]:81'", { advertise: { host: "2001:db8::7", port: 81 } }],
  ["threads: 4", { threads: 4 }],
  ["via: true", { via: true }],
  ["eject: {duration: 0s}", { eject: { durationMs: 0 } }],
  ["eject: {duration: 1.005s}", { eject: { durationMs: 1005 } }],
  ["version: 1.2.3.32767", { version: "1.2.3.32767" }],
  ["environment: production", { environment: "production" }],
  ["app: null\nlog:\n", { app: "default", log: "info" }],
  ["timeouts:", {}],
];

for (const [yaml, expected] of good) {
  Deno.test(`the schema accepts: ${JSON.stringify(yaml)}`, async () => {
    const config = await loadGood({ file: yaml });
    assertEquals(config, { ...await loadGood({}), ...expected });
  });
}

const size = await loadGood({ file: "limits: {head_bytes: 1MiB, replay_bytes: 0}" });
Deno.test("sizes come in bytes whatever unit the file uses", () => {
  assertEquals([size.limits.headBytes, size.limits.replayBytes], [1024 * 1024, 0]);
});

const ports = [{ protocol: "grpc", port: 9000 }, { protocol: "rest", port: 8080 }];
const specs: readonly (readonly [check: string, readonly string[], readonly string[]])[] = [
  ["tcp", ["tcp 127.0.0.1:9000"], []],
  ["tcp:7,http:/a", ["tcp 127.0.0.1:7", "http 127.0.0.1:8080/a=200-299"], ["tcp 127.0.0.1:7"]],
  ["http:7/a=204", ["http 127.0.0.1:7/a=204"], ["http 127.0.0.1:7/a=204"]],
  ["none", [], []],
];

for (const [text, withPorts, withoutPorts] of specs) {
  Deno.test(`the check ${text} goes to the port it names or the application's first`, async () => {
    const { check } = await loadGood({ file: `check: ${text}` });
    assertEquals(checkSpecs(check, ports).map(describeCheck), withPorts);
    assertEquals(checkSpecs(check, []).map(describeCheck), withoutPorts);
  });
}
