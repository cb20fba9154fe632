/** The doctor's looks at endpoints and at how old what is known of them is. */
import { assertEquals, assertMatch } from "@test/assert";
import { judgeAge, judgeEndpoints } from "../../../../lib/app/doctor/endpoints_check.ts";
import type { EndpointView, ServiceView } from "../../../../lib/control/api/shapes/services.ts";
import { cart, endpoint } from "../../../support/admin_view.ts";

function at(parts: Partial<EndpointView>): EndpointView {
  return { ...endpoint, state: "healthy", reason: "none", ...parts };
}

function service(
  endpoints: readonly EndpointView[],
  unusable: readonly string[] = [],
): ServiceView {
  return { ...cart, endpoints, unusable };
}

const refused = { state: "unreachable", reason: "connect_refused" } as const;
const down = at({ host: "10.0.0.9", ...refused });

for (
  const [name, services, level, words] of [
    ["nothing was called", [], "skipped", /no service was called/],
    [
      "all in use",
      [service([at({}), at({ port: 81 })])],
      "ok",
      /^2 endpoints of Cart, all in use$/,
    ],
    ["no instance", [service([])], "problem", /Cart has no endpoint: the registry lists no inst/],
    ["none that is UP", [service([], ["i1 is DOWN"])], "problem", /can be called: i1 is DOWN/],
    [
      "one of two is dead",
      [service([at({}), down])],
      "warning",
      /Cart does without 1 of 2 endpoints: 10\.0\.0\.9:80 is unreachable: connection refused/,
    ],
    ["all are dead", [service([down])], "problem", /Cart has no endpoint that answers/],
    [
      "one fails call after call",
      [service([at({}), at({ state: "ejected", reason: "consecutive_failures" })])],
      "warning",
      /is ejected: failed call after call/,
    ],
    [
      "one shuts down",
      [service([at({}), at({ state: "draining", reason: "draining" })])],
      "note",
      /10\.0\.0\.1:80 is draining$/,
    ],
    ["one record is not UP", [service([at({})], ["i2 is DOWN"])], "note", /not called: i2 is DOWN/],
    [
      "all are in one zone",
      [service([at({ zone: "z1" }), at({ zone: "z1", port: 81 })])],
      "note",
      /all 2 endpoints of Cart are in the zone z1, and this sidecar in z2/,
    ],
    [
      "they are in two zones",
      [service([at({ zone: "z1" }), at({ zone: "z2", port: 81 })])],
      "ok",
      /all in use/,
    ],
  ] satisfies readonly (readonly [string, readonly ServiceView[], string, RegExp])[]
) {
  Deno.test(`doctor, endpoints: ${name}`, () => {
    const found = judgeEndpoints(services, { zone: "z2" });
    assertEquals(found.map((one) => one.level), [level]);
    assertMatch(found[0]!.says, words);
  });
}

Deno.test("doctor, endpoints: what to do follows from the reason", () => {
  const [refusedFix] = judgeEndpoints([service([down])]);
  assertMatch(refusedFix!.fix!, /its record in the registry is wrong/);
  const [late] = judgeEndpoints([
    service([at({ state: "unreachable", reason: "connect_timeout" })]),
  ]);
  assertMatch(late!.fix!, /network/);
});

Deno.test("doctor, freshness: sets that the registry has not confirmed for long are named", () => {
  const old = (parts: Partial<ServiceView>) =>
    judgeAge([{ ...cart, ...parts }], { pollMs: 10_000 });
  assertEquals(old({ ageMs: 20_000 }).level, "ok");
  assertMatch(old({ ageMs: 60_000 }).says, /for long: Cart \(60 s\)$/);
  assertMatch(old({ ageMs: 10, source: "disk" }).says, /Cart \(10 ms, from disk\)$/);
  assertEquals(judgeAge([], { pollMs: 1 }).level, "skipped");
});
