/** The failure table: complete, consistent, and what an error takes from it. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { failureCodes, failureTable, MeshError } from "../../../lib/core/errors.ts";

/** Error types of RFC 9209 section 2.3 and the statuses that it recommends for them, none where it has none. */
const registered: Readonly<Record<string, readonly number[]>> = {
  destination_not_found: [500],
  destination_unavailable: [503],
  connection_refused: [502],
  connection_terminated: [502],
  connection_timeout: [504],
  connection_limit_reached: [503],
  tls_certificate_error: [502],
  http_request_error: [],
  http_request_denied: [403],
  http_response_timeout: [504],
  http_protocol_error: [502],
  proxy_internal_response: [],
  proxy_internal_error: [500],
  proxy_loop_detected: [502],
};

/** Where a client can do more with another status than the one that RFC 9209 recommends. */
const ownStatus: readonly string[] = [
  "route_not_found",
  "service_unknown",
  "rate_limited",
  "loop_detected",
  "client_gone",
];

for (const code of failureCodes) {
  Deno.test(`failure table, the row ${code} is whole`, () => {
    const row = failureTable[code];
    const recommended = registered[row.proxyError];
    assert.ok(recommended !== undefined, `${row.proxyError} is not registered`);
    if (recommended.length > 0 && !ownStatus.includes(code)) {
      assertEquals(recommended.includes(row.status), true, `${row.status}`);
    }
    assert.ok(row.status >= 400 && row.status <= 599);
    assert.ok(row.grpcStatus >= 1 && row.grpcStatus <= 16);
    assertMatch(row.title, /^[A-Z].*[^.]$/);
    assertMatch(row.check, /^[A-Z].*\.$/s);
    assertEquals(/[^\x20-\x7e]/.test(row.title + row.check), false, "plain ASCII");
    assertMatch(code, /^[a-z]+(_[a-z]+)*$/);
  });
}

Deno.test("failure table, the fault of the client is a 4xx and of others a 5xx", () => {
  for (const code of failureCodes) {
    const { fault, status } = failureTable[code];
    if (fault === "downstream") assertEquals(Math.floor(status / 100), 4, code);
    if (fault === "upstream" || fault === "sidecar") {
      assertEquals(Math.floor(status / 100), 5, code);
    }
  }
});

Deno.test("failure table, no code is listed twice and titles differ", () => {
  assertEquals(new Set(failureCodes).size, failureCodes.length);
  const titles = failureCodes.map((code) => failureTable[code].title);
  assertEquals(new Set(titles).size, titles.length);
});

Deno.test("mesh error, takes its status from the table unless another is given", () => {
  assertEquals(new MeshError("connect_timeout", "x").status, 504);
  assertEquals(new MeshError("request_malformed", "x", { status: 431 }).status, 431);
});

Deno.test("mesh error, carries code, detail, endpoint and cause", () => {
  const cause = new Error("below");
  const error = new MeshError("reset", "it ended", {
    reachedUpstream: true,
    endpoint: "10.0.0.1:80",
    cause,
  });
  assert.ok(error instanceof Error);
  assertEquals(
    [error.code, error.message, error.reachedUpstream, error.endpoint, error.name],
    ["reset", "it ended", true, "10.0.0.1:80", "MeshError"],
  );
  assertEquals(error.cause, cause);
  const plain = new MeshError("internal", "x");
  assertEquals([plain.reachedUpstream, plain.endpoint, "cause" in plain], [
    false,
    undefined,
    false,
  ]);
});
