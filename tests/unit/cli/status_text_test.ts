/** What `mesher status` and `mesher top` print. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { statusLines, type StatusReport } from "../../../lib/cli/status_text.ts";
import { topLines } from "../../../lib/cli/top_text.ts";
import { adminView, cart, endpoint, status } from "../../support/admin_view.ts";

function report(parts: Partial<StatusReport> = {}): StatusReport {
  const view = adminView();
  return {
    readiness: { ready: true, reasons: [], notes: [] },
    status,
    leases: view.leases(),
    services: [cart],
    failures: view.failures({}),
    ...parts,
  };
}

const text = (parts: Partial<StatusReport> = {}) => statusLines(report(parts)).join("\n");

Deno.test("status, says who this is, whether it is ready, and what is called", () => {
  const lines = statusLines(report({ failures: { newest: 0, dropped: 0, failures: [] } }));
  assertEquals(lines, [
    "StoreWeb 0.0.1 (default): ready",
    "mesher 1.2.3, up 5 s, native sockets, 2 threads",
    "outbound 127.0.0.1:30101, inbound 0.0.0.0:30103, admin 127.0.0.1:30102",
    "",
    "registry     servicecenter http://127.0.0.1:30100 answers, last answer 1 s ago",
    "registered   UP at 10.0.0.7:30103",
    "application  -",
    "",
    "SERVICE  ENDPOINTS  REQ/S  FAILED   P50   P99   CONFIRMED",
    "Cart     1 ejected      2    10 %  1 ms  4 ms  100 ms ago",
    "  10.0.0.1:80 is ejected: failed call after call, for another 4 s",
    "  not called: i2 is DOWN",
    "",
    "no failure so far",
  ]);
});

Deno.test("status, the latest failures come with what to look at", () => {
  assertMatch(
    text(),
    /latest failures\n {2}\S+ {2}502 connect_refused {2}GET http:\/\/Cart\/\n +10\.0\.0\.1:80 refused the connection\n +Look whether/,
  );
});

for (
  const [name, parts, words] of [
    ["a sidecar that is not ready", {
      readiness: { ready: false, reasons: ["the sidecar drains"], notes: [] },
    }, /^StoreWeb 0\.0\.1 \(default\): NOT READY: the sidecar drains$/m],
    ["a note", {
      readiness: { ready: true, reasons: [], notes: ["2 services are known from disk only"] },
    }, /^note: 2 services are known from disk only$/m],
    [
      "a registry that is silent",
      {
        status: {
          ...status,
          registry: {
            ...status.registry,
            reachable: false,
            lastError: "http://r did not answer: no",
          },
        },
      },
      /^registry {5}servicecenter http:\/\/127\.0\.0\.1:30100 DOES NOT ANSWER, last answer 1 s ago: no$/m,
    ],
    ["a registry that is watched", {
      status: { ...status, registry: { ...status.registry, watch: { connected: true } } },
    }, /, watched$/m],
    ["a watch that is not there", {
      status: {
        ...status,
        registry: { ...status.registry, watch: { connected: false, why: "it broke" } },
      },
    }, /, not watched: it broke$/m],
    ["an application that is down", {
      status: {
        ...status,
        application: {
          verdict: "down",
          sinceMs: 0,
          checks: [{
            check: "tcp 127.0.0.1:8080",
            verdict: "down",
            lastOk: false,
            reason: "connection refused",
            streak: 3,
          }],
          advertised: { host: "h", port: 1 },
        },
      },
    }, /^application {2}DOWN: tcp 127\.0\.0\.1:8080: connection refused$/m],
    ["an instance that waits", {
      leases: [{
        service: "StoreWeb",
        app: "default",
        version: "1",
        environment: "",
        state: "waiting",
        advertised: "h:1",
      }],
    }, /^registered {3}no: the application has not passed its checks yet$/m],
    ["a heartbeat's age", {
      leases: [{
        service: "StoreWeb",
        app: "default",
        version: "1",
        environment: "",
        state: "registered",
        status: "UP",
        heartbeatAgeMs: 12_000,
        advertised: "h:1",
      }],
    }, /^registered {3}UP at h:1, confirmed 12 s ago$/m],
    ["a configuration that was refused", {
      status: { ...status, refusedReloads: { count: 1, last: "logg is no key" } },
    }, /^refused configuration: logg is no key$/m],
    ["a service without endpoints", {
      services: [{ ...cart, endpoints: [], unusable: [] }],
    }, /^Cart +NONE/m],
    ["a service known from disk", {
      services: [{ ...cart, source: "disk", ageMs: 3_600_000 }],
    }, /60 min ago \(disk\)$/m],
    ["no service", { services: [] }, /^no service has been called yet$/m],
  ] satisfies readonly (readonly [string, Partial<StatusReport>, RegExp])[]
) {
  Deno.test(`status, ${name} is shown`, () => assertMatch(text(parts), words));
}

Deno.test("status, a consumer without a name shows no registration", () => {
  const { service: _, inbound: _i, ...nameless } = status;
  const shown = text({ status: nameless, leases: [] });
  assertMatch(shown, /^a consumer without a name \(default\): ready$/m);
  assert(!/^registered|^application/m.test(shown), shown);
});

Deno.test("status, services in trouble come first and many are cut unless all are wanted", () => {
  const well = Array.from({ length: 60 }, (_, index) => ({
    ...cart,
    service: `S${index}`,
    endpoints: [{ ...cart.endpoints[0]!, state: "healthy" as const }],
    unusable: [],
  }));
  const services = [...well, cart];
  const cutLines = statusLines(report({ services }));
  const at = cutLines.findIndex((line) => line.startsWith("SERVICE"));
  assertMatch(cutLines[at + 1]!, /^Cart /);
  assertMatch(cutLines.join("\n"), /^and 21 more; --all shows them$/m);
  const all = statusLines(report({ services }), { all: true }).join("\n");
  assertMatch(all, /^S59 /m);
});

Deno.test("status, what services and callers are called cannot steer a terminal", () => {
  const shown = text({ services: [{ ...cart, service: "\x1b[2J", unusable: ["\nx"] }] });
  assert(!shown.includes("\x1b") && !shown.includes("\nx"), JSON.stringify(shown));
});

Deno.test("top, the busiest endpoint comes first, without the details of status", () => {
  const busy = {
    ...cart.endpoints[0]!,
    host: "10.0.0.2",
    perSecond: 50,
    state: "healthy" as const,
  };
  const lines = topLines(report({ services: [{ ...cart, endpoints: [...cart.endpoints, busy] }] }));
  assertMatch(lines[0]!, /^StoreWeb {2}ready {2}up 5 s$/);
  assertMatch(lines[1]!, /^last failure: connect_refused http:\/\/Cart\/: /);
  const table = lines.slice(lines.findIndex((line) => line.startsWith("ENDPOINT")));
  assertMatch(table[1]!, /^10\.0\.0\.2:80 +Cart +healthy +50 +1 +5 of 10 +3\.2 ms$/);
  assertMatch(table[2]!, new RegExp(`^${endpoint.host}:80 +Cart +ejected`));
  assert(!lines.some((line) => line.includes("not called")));
});
