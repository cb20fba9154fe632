/** Ejected and missing endpoints: how they come back, and what is said while there is none. */
import { assertEquals, assertMatch } from "@test/assert";
import { ask, deadPort, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";

onBothNets("ejection, an endpoint comes back as soon as control has found it well", async (net) => {
  const port = deadPort();
  await using other = await RawUpstream.listen();
  other.answer(() => answer("other"));
  await using plane = await startPlane({ net, services: { Svc: [port, other.port] } });
  for (let index = 0; index < 4; index++) assertEquals((await ask(plane, "Svc")).body, "other");
  assertEquals(plane.gauge("endpointsEjected"), 1);
  await using back = await RawUpstream.listen(port);
  back.answer(() => answer("back"));
  for (let index = 0; index < 4; index++) assertEquals((await ask(plane, "Svc")).body, "other");
  await plane.post({ kind: "verdict", service: "Svc", host: "127.0.0.1", port, healthy: true });
  const bodies = [];
  for (let index = 0; index < 4; index++) bodies.push((await ask(plane, "Svc")).body);
  assertEquals(bodies.sort(), ["back", "back", "other", "other"]);
  await plane.quiet();
});

onBothNets("ejection, the last endpoint is tried although it is ejected", async (net) => {
  const port = deadPort();
  await using plane = await startPlane({ net, services: { Svc: [port] } });
  assertEquals((await ask(plane, "Svc")).status, 502);
  await using back = await RawUpstream.listen(port);
  back.answer(() => answer("back"));
  assertEquals((await ask(plane, "Svc")).body, "back");
  await plane.quiet();
});

onBothNets("no endpoint, control is asked for newer ones within the request", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net, services: { Svc: [] } });
  plane.onRefresh = () => plane.publish("Svc", [upstream.port]);
  assertEquals((await ask(plane, "Svc")).status, 200);
  await plane.quiet();
});

onBothNets("no endpoint, is said in plain words and asked for again next time", async (net) => {
  await using plane = await startPlane({ net });
  await plane.publish("Svc", []);
  await plane.setPolicy({ timeouts: { resolveMs: 100 } });
  // Control loses the question.
  plane.onRefresh = () => {};
  for (let index = 0; index < 2; index++) {
    const asked = await ask(plane, "Svc");
    assertEquals([asked.status, problemOf(asked).code], [503, "no_endpoint"]);
    assertMatch(asked.head, /^Proxy-Status: mesher; error=destination_unavailable; .*\r$/m);
    assertMatch(asked.head, /^Retry-After: 1\r$/m);
  }
  assertEquals(plane.received.filter((each) => each.kind === "refresh").length, 2);
  await plane.quiet();
});
