/** The spans of a request: which there are, of what kind, and what they say. */
import { assertEquals } from "@test/assert";
import { spanCount } from "../../../../lib/control/telemetry/spans.ts";
import type { RequestRecord } from "../../../../lib/plane/observe.ts";
import {
  attempt,
  callerSpanId,
  record,
  spanId,
  traceId,
  without,
} from "../../../support/records.ts";
import { type Span, spansOf } from "../../../support/spans.ts";

/** The first spans of a record; a test that reads more fails by itself. */
function spans(parts: Partial<RequestRecord>): [request: Span, first: Span, second: Span] {
  const [request, first, second] = spansOf(record(parts));
  return [request!, first!, second!];
}

Deno.test("spans, a request without a trace has none", () => {
  assertEquals(spansOf(without(record(), "trace")), []);
});

Deno.test("spans, one for the request below the caller's, one for the attempt below that", () => {
  const [request, first] = spans({});
  assertEquals(request, {
    traceId,
    spanId,
    parentId: callerSpanId,
    parentIsRemote: true,
    name: "GET",
    kind: "internal",
    startMs: 1_700_000_000_000.25,
    endMs: 1_700_000_000_006.25,
    attributes: {
      "http.request.method": "GET",
      "url.scheme": "http",
      "url.path": "/accounts/7",
      "server.address": "AccountService",
      "server.port": 8080,
      "client.address": "127.0.0.1",
      "client.port": 40312,
      "http.response.status_code": 200,
      "http.request.body.size": 0,
      "http.response.body.size": 42,
      "mesher.role": "outbound",
      "mesher.added_us": 250,
      "mesher.attempts": 1,
      "mesher.service": "AccountService",
      "mesher.caller": "StoreWeb",
    },
  });
  assertEquals(first, {
    traceId,
    spanId: "1111111111111111",
    parentId: spanId,
    parentIsRemote: false,
    name: "GET",
    kind: "client",
    startMs: 1_700_000_000_001.25,
    endMs: 1_700_000_000_005.25,
    attributes: {
      "http.request.method": "GET",
      "url.full": "http://AccountService:8080/accounts/7",
      "server.address": "AccountService",
      "server.port": 8080,
      "network.peer.address": "10.0.0.7",
      "network.peer.port": 8080,
      "http.response.status_code": 200,
      "peer.service": "AccountService",
      "mesher.first_byte_us": 3500,
    },
  });
});

Deno.test("spans, what comes in from others is a server's, and the application is no peer service", () => {
  const [request, first] = spans({ role: "inbound" });
  assertEquals([request.kind, first.kind], ["server", "client"]);
  assertEquals("peer.service" in first.attributes, false);
});

Deno.test("spans, a begun trace has no parent, and the trace's state goes along", () => {
  const [request, first] = spans({ trace: { traceId, spanId, state: "a=1" } });
  assertEquals("parentId" in request, false);
  assertEquals([request.parentIsRemote, request.state, first.state], [false, "a=1", "a=1"]);
});

Deno.test("spans, a retry is told by its number, and the failure before it by its code", () => {
  const failed = without(record(), "code");
  const [, first, second] = spans({
    ...failed,
    attempts: [
      { endpoint: "10.0.0.7:8080", startMs: 1, endMs: 2, code: "connect_refused", spanId: "a" },
      attempt({ endpoint: "[fd00::2]:8080", startMs: 3, spanId: "b" }),
    ],
  });
  assertEquals(first.error, "connect_refused");
  assertEquals(first.attributes["error.type"], "connect_refused");
  assertEquals("http.response.status_code" in first.attributes, false);
  assertEquals("http.request.resend_count" in first.attributes, false);
  assertEquals(second.error, undefined);
  assertEquals(second.attributes["http.request.resend_count"], 1);
  assertEquals(second.attributes["network.peer.address"], "fd00::2");
});

Deno.test("spans, attempts that have no span of their own are left out", () => {
  const { spanId: _, ...bare } = attempt();
  assertEquals(spansOf(record({ attempts: [bare] })).length, 1);
});

const counted: readonly (readonly [spans: number, record: RequestRecord])[] = [
  [0, without(record(), "trace")],
  [1, record({ attempts: [] })],
  [2, record()],
  [2, record({ attempts: [attempt(), { endpoint: "10.0.0.7:80", startMs: 1, endMs: 2 }] })],
  [3, record({ attempts: [attempt(), attempt()] })],
];
for (const [count, one] of counted) {
  const { attempts, trace } = one;
  Deno.test(`spans, of ${attempts.length} attempts, ${trace ? "" : "un"}traced, are ${count}`, () => {
    assertEquals([spanCount(one), spansOf(one).length], [count, count]);
  });
}

const outcomes: readonly (readonly [
  title: string,
  parts: Partial<RequestRecord>,
  expected: {
    readonly error: string | undefined;
    readonly type: string | undefined;
    readonly status: number | undefined;
  },
])[] = [
  ["an answer of 404 is no failure of the request", { status: 404 }, {
    error: undefined,
    type: undefined,
    status: 404,
  }],
  ["an answer of 503 from upstream is", { status: 503 }, {
    error: "status 503",
    type: "503",
    status: 503,
  }],
  [
    "a failure of the sidecar is told by code and words",
    { status: 503, code: "no_endpoint", detail: "Cart has no endpoint", attempts: [] },
    { error: "Cart has no endpoint", type: "no_endpoint", status: 503 },
  ],
  [
    "a client that left got no status, and nobody here is to blame",
    { status: 499, code: "client_gone" },
    { error: undefined, type: "client_gone", status: undefined },
  ],
  [
    "a client that left in the middle of its answer got a status",
    { status: 200, code: "client_gone" },
    { error: undefined, type: "client_gone", status: 200 },
  ],
  [
    "an answer that broke off failed, whatever it began with",
    { status: 200, code: "reset", detail: "it ended in the middle" },
    { error: "it ended in the middle", type: "reset", status: 200 },
  ],
];
for (const [title, parts, expected] of outcomes) {
  Deno.test(`spans, ${title}`, () => {
    const [{ error, attributes }] = spans(parts);
    assertEquals({
      error,
      type: attributes["error.type"],
      status: attributes["http.response.status_code"],
    }, expected);
  });
}

Deno.test("spans, an attempt that is answered 404 has failed, as clients see it", () => {
  const [, first] = spans({ status: 404, attempts: [attempt({ status: 404 })] });
  assertEquals([first.error, first.attributes["error.type"]], ["status 404", "404"]);
});

Deno.test("spans, unknown methods stand in no name, rules do", () => {
  const [unknown] = spans({ method: "BREW" });
  assertEquals(unknown.name, "HTTP");
  assertEquals(unknown.attributes["http.request.method"], "_OTHER");
  assertEquals(unknown.attributes["http.request.method_original"], "BREW");
  assertEquals(spans({ route: "beta" })[0].name, "GET beta");
});

const authorities: readonly (readonly [authority: string, address: string, port?: number])[] = [
  ["Cart", "Cart"],
  ["Cart:80", "Cart", 80],
  ["[::1]:80", "::1", 80],
  ["[::1]", "::1"],
  ["10.0.0.1:8080", "10.0.0.1", 8080],
];
for (const [authority, address, port] of authorities) {
  Deno.test(`spans, the address in ${authority} is ${address} and ${port ?? "no port"}`, () => {
    const [{ attributes }] = spans({ authority });
    assertEquals([attributes["server.address"], attributes["server.port"]], [address, port]);
  });
}

Deno.test("spans, times never run backwards, whatever the clocks of a thread said", () => {
  const [request, first] = spans({ durationMs: -1, attempts: [attempt({ startMs: 3, endMs: 2 })] });
  assertEquals([request.endMs! - request.startMs!, first.endMs! - first.startMs!], [0, 0]);
});
