/** Answers that begin well and break off: they count against their endpoint, once each. */
import { assertEquals } from "@test/assert";
import type { EndpointHealth } from "../../../../lib/data/resilience/endpoint_health.ts";
import { ShareWindow } from "../../../../lib/data/resilience/share_window.ts";
import { clusterOf, repeat } from "./health.ts";

/** An answer whose head is good. Shape: `ends` by its last byte or by a cut; why that ejected the endpoint, or none. */
function answered(endpoint: EndpointHealth, ends: "whole" | "cut", nowMs = 0): string {
  const ticket = endpoint.begin(nowMs);
  endpoint.succeeded(ticket, nowMs);
  if (ends === "cut") return endpoint.cut(ticket, nowMs);
  endpoint.whole();
  return "none";
}

Deno.test("cut answers, five in a row eject although each of them began well", () => {
  const [endpoint] = clusterOf(3).endpoints;
  const reasons = Array.from({ length: 5 }, () => answered(endpoint!, "cut"));
  assertEquals(reasons, ["none", "none", "none", "none", "consecutive_failures"]);
  assertEquals(endpoint!.state, "ejected");
});

Deno.test("cut answers, a whole one between them begins the row anew", () => {
  const [endpoint] = clusterOf(3, { changes: { successShare: 0 } }).endpoints;
  for (let round = 0; round < 5; round++) {
    for (let cut = 0; cut < 4; cut++) assertEquals(answered(endpoint!, "cut"), "none");
    answered(endpoint!, "whole");
  }
  assertEquals(endpoint!.state, "healthy");
});

Deno.test("cut answers, one more after failures of another kind completes their row", () => {
  const [endpoint] = clusterOf(3).endpoints;
  const ticket = endpoint!.begin(0);
  endpoint!.succeeded(ticket, 0);
  assertEquals(repeat(endpoint!, "gggg", 0), "none");
  assertEquals(endpoint!.cut(ticket, 0), "consecutive_failures");
});

Deno.test("cut answers, whoever cuts again right after its time out is ejected by the first cut", () => {
  const [endpoint] = clusterOf(3).endpoints;
  for (let cut = 0; cut < 5; cut++) answered(endpoint!, "cut");
  const laterMs = endpoint!.untilMs;
  // The request that decides has a good head, and by that it is back.
  const deciding = endpoint!.begin(laterMs);
  endpoint!.succeeded(deciding, laterMs);
  assertEquals(endpoint!.state, "healthy");
  assertEquals(endpoint!.cut(deciding, laterMs), "none");
  assertEquals(answered(endpoint!, "cut", laterMs), "consecutive_failures");
});

Deno.test("cut answers, lower the share of successes by one request each", () => {
  const { endpoints: [bad, good] } = clusterOf(2, { changes: { consecutiveFailures: 0 } });
  for (let request = 0; request < 60; request++) answered(good!, "whole");
  let ejectedBy = "none";
  let cuts = 0;
  while (ejectedBy === "none" && cuts < 60) {
    cuts++;
    ejectedBy = answered(bad!, "cut");
  }
  const { endpoints: [failing, other] } = clusterOf(2, { changes: { consecutiveFailures: 0 } });
  for (let request = 0; request < 60; request++) answered(other!, "whole");
  let failures = 0;
  while (repeat(failing!, "g", 0) === "none" && failures < 60) failures++;
  assertEquals([ejectedBy, cuts], ["success_rate", failures + 1]);
});

Deno.test("cut answers, nothing without detection, and nothing of an answer from before the last verdict", () => {
  const [off] = clusterOf(2, { changes: { enabled: false } }).endpoints;
  for (let cut = 0; cut < 10; cut++) assertEquals(answered(off!, "cut"), "none");
  assertEquals(off!.state, "healthy");
  const [endpoint] = clusterOf(3).endpoints;
  const old = endpoint!.begin(0);
  endpoint!.succeeded(old, 0);
  repeat(endpoint!, "ggggg", 0);
  assertEquals([endpoint!.state, endpoint!.cut(old, 0)], ["ejected", "none"]);
});

Deno.test("share window, a success that is taken back leaves the failures as they are", () => {
  const window = new ShareWindow();
  window.advance(0, 1000);
  for (const failures of [0, 0, 1]) window.add(failures);
  window.takeBack();
  assertEquals([window.requests(1), window.failures(1)], [2, 1]);
  for (let again = 0; again < 5; again++) window.takeBack();
  assertEquals([window.requests(1), window.failures(1)], [1, 1]);
});
