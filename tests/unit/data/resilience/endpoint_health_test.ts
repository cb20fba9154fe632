/** The verdict on one endpoint: how long it is out, and how it comes back. */
import { assert, assertEquals } from "@test/assert";
import { seeded } from "../../../support/seeded.ts";
import { attempt, clusterOf, policy, repeat } from "./health.ts";

Deno.test("outlier, an ejection that the cap prevented comes with the next failure once there is room", () => {
  const { endpoints: [one, other] } = clusterOf(2);
  repeat(one!, "ggggg", 0);
  repeat(other!, "ggggg", 0);
  assertEquals(other!.state, "healthy");
  assertEquals(attempt(one!, "success", 1000), "none");
  assertEquals(attempt(other!, "gateway_failure", 1001), "consecutive_failures");
});

Deno.test("outlier, failures of longer ago than the window do not count", () => {
  const { endpoints: [failing, well] } = clusterOf(2);
  repeat(well!, "s".repeat(50), 0);
  repeat(failing!, "eeee", 0);
  repeat(well!, "s".repeat(50), 25_000);
  assertEquals(attempt(failing!, "server_error", 25_000), "none");
});

Deno.test("outlier, the time out doubles with each failed probation up to the longest", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  const timesMs = [];
  let nowMs = 0;
  for (let round = 0; round < 9; round++) {
    timesMs.push(Math.round(endpoint!.untilMs - nowMs));
    nowMs = endpoint!.untilMs;
    assertEquals(attempt(endpoint!, "gateway_failure", nowMs), "failed_probation");
  }
  assertEquals(timesMs, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  assertEquals(endpoint!.ejections, 10);
});

Deno.test("outlier, the time out is spread between half and the whole of it", () => {
  const random = seeded(3);
  const timesMs = Array.from({ length: 500 }, () => {
    const { endpoints: [endpoint] } = clusterOf(2, { random });
    repeat(endpoint!, "ggggg", 0);
    return endpoint!.untilMs;
  });
  const least = Math.min(...timesMs), most = Math.max(...timesMs);
  assert.ok(least >= 500 && least < 520 && most <= 1000 && most > 980, `${least} to ${most}`);
});

for (
  const { goodMs, nextMs } of [
    { goodMs: 100, nextMs: 8000 },
    { goodMs: 9999, nextMs: 8000 },
    { goodMs: 10_000, nextMs: 4000 },
    { goodMs: 25_000, nextMs: 2000 },
    { goodMs: 500_000, nextMs: 1000 },
  ]
) {
  Deno.test(`outlier, after ${goodMs} ms without an ejection the fourth lasts ${nextMs} ms`, () => {
    const { endpoints: [endpoint] } = clusterOf(2);
    repeat(endpoint!, "ggggg", 0);
    attempt(endpoint!, "gateway_failure", endpoint!.untilMs);
    attempt(endpoint!, "gateway_failure", endpoint!.untilMs);
    const backMs = endpoint!.untilMs;
    attempt(endpoint!, "success", backMs);
    repeat(endpoint!, "ggggg", backMs + goodMs);
    assertEquals(Math.round(endpoint!.untilMs - backMs - goodMs), nextMs);
  });
}

Deno.test("outlier, after its time one request decides, and the others pass by", () => {
  const { cluster, endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  assertEquals(endpoint!.mayPick(999, 0), false);
  assertEquals(endpoint!.mayPick(1000, 0), true);
  const probe = endpoint!.begin(1000);
  assertEquals(endpoint!.state, "probation");
  assertEquals(endpoint!.mayPick(1001, 1), false);
  const beside = endpoint!.begin(1001);
  endpoint!.succeeded(beside, 1002);
  assertEquals(endpoint!.failed(beside, 1002), "none");
  assertEquals(endpoint!.state, "probation");
  endpoint!.succeeded(probe, 1003);
  assertEquals(endpoint!.state, "healthy");
  assertEquals(cluster.ejected, 0);
  assertEquals(repeat(endpoint!, "gggg", 1004), "none", "its failures are forgotten");
});

Deno.test("outlier, a deciding request that stays silent is followed by another", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  const silent = endpoint!.begin(1000);
  assertEquals(endpoint!.mayPick(10_999, 1), false);
  assertEquals(endpoint!.mayPick(11_000, 1), true);
  const next = endpoint!.begin(11_000);
  endpoint!.succeeded(silent, 11_001);
  assertEquals(endpoint!.state, "probation", "the silent one came too late");
  endpoint!.succeeded(next, 11_002);
  assertEquals(endpoint!.state, "healthy");
});

Deno.test("outlier, a deciding request whose caller left makes room for the next at once", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  endpoint!.abandoned(endpoint!.begin(1000), 1500);
  assertEquals(endpoint!.state, "ejected");
  assertEquals(endpoint!.mayPick(1500, 0), true);
  assertEquals(attempt(endpoint!, "success", 1501), "none");
  assertEquals(endpoint!.state, "healthy");
});

Deno.test("outlier, answers to requests from before the ejection neither heal nor harm", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  const old = endpoint!.begin(0);
  repeat(endpoint!, "ggggg", 0);
  const untilMs = endpoint!.untilMs;
  endpoint!.succeeded(old, 500);
  endpoint!.failed(old, 500);
  assertEquals([endpoint!.state, endpoint!.untilMs], ["ejected", untilMs]);
});

for (
  const { ejectedBy, others, ends } of [
    { ejectedBy: "ggggg", others: "", ends: "healthy" },
    { ejectedBy: "eeeee", others: "s".repeat(50), ends: "ejected" },
  ]
) {
  Deno.test(`outlier, an error of the application on probation after ${ejectedBy}: ${ends}`, () => {
    const { endpoints: [endpoint, well] } = clusterOf(2);
    repeat(well!, others, 0);
    repeat(endpoint!, ejectedBy, 0);
    attempt(endpoint!, "server_error", 1000);
    assertEquals(endpoint!.state, ends);
  });
}

Deno.test("outlier, a good answer that panic brought about ends the time out, and the next one decides", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  const ticket = endpoint!.begin(200);
  assertEquals(endpoint!.failed(ticket, 300), "none", "another failure does not lengthen it");
  assertEquals(Math.round(endpoint!.untilMs), 1000);
  endpoint!.succeeded(endpoint!.begin(300), 400);
  assertEquals([endpoint!.state, endpoint!.mayPick(400, 0)], ["ejected", true]);
  attempt(endpoint!, "success", 401);
  assertEquals(endpoint!.state, "healthy");
});

Deno.test("outlier, who comes back takes few requests at a time, then more, then any number", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  attempt(endpoint!, "success", 1000);
  assertEquals([endpoint!.mayPick(1001, 1), endpoint!.mayPick(1001, 2)], [true, false]);
  repeat(endpoint!, "ssssss", 1002);
  assertEquals([endpoint!.mayPick(1003, 7), endpoint!.mayPick(1003, 8)], [true, false]);
  attempt(endpoint!, "gateway_failure", 1004);
  assertEquals([endpoint!.mayPick(1005, 3), endpoint!.mayPick(1005, 4)], [true, false]);
  assertEquals(endpoint!.ramping(1005), true);
  repeat(endpoint!, "s".repeat(70), 1006);
  assertEquals([endpoint!.mayPick(1007, 100_000), endpoint!.ramping(1007)], [true, false]);
});

Deno.test("outlier, long answers do not keep one that came back at few requests for ever", () => {
  const { endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  attempt(endpoint!, "success", 1000);
  assertEquals([endpoint!.mayPick(10_999, 2), endpoint!.mayPick(11_000, 2)], [false, true]);
});

Deno.test("outlier, a new instance behind the address begins with a clean slate", () => {
  const { cluster, endpoints: [endpoint] } = clusterOf(2);
  const old = endpoint!.begin(0);
  repeat(endpoint!, "ggggg", 0);
  endpoint!.forget();
  endpoint!.forget();
  assertEquals([endpoint!.state, endpoint!.reason, cluster.ejected], ["healthy", "none", 0]);
  for (let count = 0; count < 10; count++) endpoint!.failed(old, 1);
  assertEquals(endpoint!.state, "healthy");
});

Deno.test("outlier, switched off nobody is out, switched on again the old verdicts end soon", () => {
  const { cluster, endpoints: [endpoint] } = clusterOf(2);
  repeat(endpoint!, "ggggg", 0);
  cluster.policy = { ...policy, enabled: false };
  assertEquals([endpoint!.state, endpoint!.mayPick(1, 5), cluster.ejected], ["healthy", true, 0]);
  cluster.policy = policy;
  assertEquals([endpoint!.state, cluster.ejected], ["ejected", 1]);
  attempt(endpoint!, "success", 1000);
  assertEquals([endpoint!.state, cluster.ejected], ["healthy", 0]);
});
