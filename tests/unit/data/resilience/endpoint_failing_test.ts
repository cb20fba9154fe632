/** An endpoint that fails all the time, and that nothing but the cap on ejections keeps in. */
import { assertEquals } from "@test/assert";
import { EndpointHealth } from "../../../../lib/data/resilience/endpoint_health.ts";
import { ClusterHealth } from "../../../../lib/data/resilience/outlier.ts";
import { defaultServicePolicy } from "../../../support/policy.ts";

function cluster(changes: Partial<typeof defaultServicePolicy.outlier>, total: number) {
  const policy = { ...defaultServicePolicy.outlier, enabled: true, consecutiveFailures: 3 };
  const health = new ClusterHealth({ ...policy, ...changes }, () => 0.5);
  health.total = total;
  return health;
}

/** So many failures in a row. */
function fail(health: EndpointHealth, times: number): void {
  for (let index = 0; index < times; index++) health.failed(health.begin(0), 0);
}

Deno.test("failing endpoint, from the failure on that would have ejected it until a good answer", () => {
  const health = new EndpointHealth(cluster({}, 1));
  fail(health, 2);
  assertEquals(health.failing, false);
  fail(health, 1);
  assertEquals([health.state, health.failing], ["healthy", true]);
  fail(health, 5);
  assertEquals(health.failing, true);
  health.succeeded(health.begin(0), 0);
  assertEquals(health.failing, false);
});

Deno.test("failing endpoint, an error of the application shows that it answers", () => {
  const health = new EndpointHealth(cluster({}, 1));
  fail(health, 3);
  health.serverError(health.begin(0), 0);
  assertEquals(health.failing, false);
});

Deno.test("failing endpoint, one that is ejected or new at its address is none", () => {
  const own = cluster({ maxEjectedShare: 1 }, 2);
  const ejected = new EndpointHealth(own);
  fail(ejected, 3);
  assertEquals([ejected.state, ejected.failing], ["ejected", false]);
  const renewed = new EndpointHealth(cluster({}, 1));
  fail(renewed, 3);
  renewed.forget();
  assertEquals(renewed.failing, false);
});

Deno.test("failing endpoint, not without detection, nor where no number of failures counts", () => {
  for (const changes of [{ enabled: false }, { consecutiveFailures: 0 }]) {
    const health = new EndpointHealth(cluster(changes, 1));
    fail(health, 10);
    assertEquals(health.failing, false);
  }
});
