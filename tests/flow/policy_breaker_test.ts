/** The circuit breaker of a service: opens, says when to come back, lets one try, and closes again. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { breakerStates } from "../../lib/data/resilience/breaker.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head } from "../support/raw.ts";

const breaker = { enabled: true, minRequests: 6, errorShare: 0.5, windowMs: 10_000, openMs: 600 };

function broken(net: Plane["net"], instances: Instances, openMs = breaker.openMs): Promise<Plane> {
  return startPlane({
    net,
    services: { Svc: instances.ports, Other: instances.ports },
    policy: { services: { Svc: { breaker: { ...breaker, openMs } } } },
  });
}

/** Sends requests until one is refused. Shape: the statuses before it, and the refusal. */
async function untilRefused(plane: Plane) {
  const statuses: number[] = [];
  for (;;) {
    const asked = await ask(plane, "Svc");
    if (asked.head.includes("circuit_open")) return { statuses, refused: asked };
    statuses.push(asked.status);
    assert(statuses.length < 50, `it never opened: ${statuses}`);
  }
}

function untilState(plane: Plane, state: typeof breakerStates[number]): Promise<void> {
  return plane.until(
    () => plane.count("Svc", "breaker") === breakerStates.indexOf(state),
    `the gauge to say ${state}`,
  );
}

onBothNets(
  "breaker, opens at its share of errors, and refuses with the time to come back",
  async (net) => {
    await using instances = await Instances.start("one", "two");
    await using plane = await broken(net, instances, 3000);
    for (let index = 0; index < 3; index++) assertEquals((await ask(plane, "Svc")).status, 200);
    for (const each of instances.all) each.status = "500 Internal Server Error";
    const { refused, statuses } = await untilRefused(plane);
    assertEquals(statuses, [500, 500, 500]);
    assertEquals([refused.status, problemOf(refused).code], [503, "circuit_open"]);
    assertMatch(refused.head, /^Retry-After: [34]\r$/m);
    assertMatch(refused.head, /^Proxy-Status: mesher; error=destination_unavailable; /m);
    const sent = instances.total;
    for (let index = 0; index < 5; index++) {
      assertEquals((await ask(plane, "Svc", { method: "POST", body: "x" })).status, 503);
    }
    assertEquals(instances.total, sent);
    assertEquals(plane.countFailures("Svc", "circuit_open"), 6);
    await untilState(plane, "open");
    // Other services of the same instances are not concerned.
    assertEquals((await ask(plane, "Other")).status, 500);
    await plane.quiet();
  },
);

onBothNets(
  "breaker, one request tries when its time is over; a good answer closes it",
  async (net) => {
    await using instances = await Instances.start("one");
    const [one] = instances.all;
    await using plane = await broken(net, instances);
    one!.status = "500 Internal Server Error";
    await untilRefused(plane);
    one!.status = "200 OK";
    let release = () => {};
    one!.held = new Promise((resolve) => release = resolve);
    const before = one!.count;
    const openedAt = performance.now();
    const trial = await plane.client();
    do {
      trial.send(head("GET / HTTP/1.1", "Host: Svc"));
      await plane.until(() => one!.count > before || trial.pending !== "", "an answer or a try");
      if (one!.count === before) await trial.message();
    } while (one!.count === before);
    const waited = performance.now() - openedAt;
    assert(waited > 600 * 0.75 && waited < 600 * 1.2 + 300, `it tried after ${waited} ms`);
    // While it tries, everybody else is refused.
    for (let index = 0; index < 3; index++) {
      const asked = await ask(plane, "Svc");
      assertEquals([asked.status, problemOf(asked).code], [503, "circuit_open"]);
    }
    assertEquals(one!.count, before + 1);
    release();
    one!.held = undefined;
    assertMatch((await trial.message()).head, /^HTTP\/1\.1 200 /);
    for (let index = 0; index < 5; index++) assertEquals((await ask(plane, "Svc")).status, 200);
    await untilState(plane, "closed");
    trial.close();
    await plane.quiet();
  },
);

onBothNets("breaker, a try that fails keeps it open for twice as long", async (net) => {
  await using instances = await Instances.start("one");
  const [one] = instances.all;
  await using plane = await broken(net, instances, 300);
  one!.status = "500 Internal Server Error";
  await untilRefused(plane);
  const gaps: number[] = [];
  for (let round = 0; round < 2; round++) {
    const from = performance.now();
    const count = one!.count;
    while (one!.count === count) await ask(plane, "Svc");
    gaps.push(performance.now() - from);
  }
  const [first, second] = gaps;
  assert(first! > 300 * 0.75 && first! < 300 * 1.2 + 200, `${gaps}`);
  assert(second! > 600 * 0.75 && second! < 600 * 1.2 + 200, `${gaps}`);
  await plane.quiet();
});

onBothNets("breaker, what callers do wrong and callers that leave do not open it", async (net) => {
  await using instances = await Instances.start("one");
  const [one] = instances.all;
  await using plane = await broken(net, instances);
  one!.status = "404 Not Found";
  for (let index = 0; index < 10; index++) assertEquals((await ask(plane, "Svc")).status, 404);
  one!.status = "200 OK";
  one!.held = new Promise(() => {});
  for (let index = 0; index < 12; index++) {
    const client = await plane.client();
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    await plane.until(() => plane.open === 1, "the request");
    client.close();
    await plane.until(() => plane.open === 0, "its end");
  }
  one!.held = undefined;
  assertEquals((await ask(plane, "Svc")).status, 200);
  await plane.quiet();
});

onBothNets("breaker, by hand: forced open and closed while it runs", async (net) => {
  await using instances = await Instances.start("one");
  const [one] = instances.all;
  await using plane = await broken(net, instances);
  await plane.setPolicy({ services: { Svc: { breaker: { ...breaker, force: "open" } } } });
  assertEquals(problemOf(await ask(plane, "Svc")).code, "circuit_open");
  await untilState(plane, "open");
  await plane.setPolicy({ services: { Svc: { breaker: { ...breaker, force: "closed" } } } });
  one!.status = "500 Internal Server Error";
  for (let index = 0; index < 15; index++) assertEquals((await ask(plane, "Svc")).status, 500);
  await plane.setPolicy({ services: { Svc: { breaker } } });
  one!.status = "200 OK";
  assertEquals((await ask(plane, "Svc")).status, 200);
  await plane.quiet();
});
