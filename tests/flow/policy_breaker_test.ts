/** The circuit breaker of a service: opens, says when to come back, lets one try, and closes again. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { breakerStates } from "../../lib/data/resilience/breaker.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { pause } from "../support/process.ts";
import { head } from "../support/raw.ts";
import { staleMs } from "../support/time_bounds.ts";

const breaker = { enabled: true, minRequests: 6, errorShare: 0.5, windowMs: 60_000, openMs: 600 };
/** By how much a time out may be shorter or longer. */
const jitterShare = 0.2;
/** How often a service is asked whether it is back. Units: milliseconds. */
const askEveryMs = 5;

function broken(net: Plane["net"], instances: Instances, openMs = breaker.openMs): Promise<Plane> {
  return startPlane({
    net,
    services: { Svc: instances.ports, Other: instances.ports },
    policy: { services: { Svc: { breaker: { ...breaker, openMs } } } },
  });
}

/** Sends requests until one is refused. Shape: the statuses before it, when the last of those was sent, the refusal. */
async function untilRefused(plane: Plane) {
  const statuses: number[] = [];
  let sentMs = 0;
  for (;;) {
    const nowMs = performance.now();
    const asked = await ask(plane, "Svc");
    if (asked.head.includes("circuit_open")) return { statuses, sentMs, refused: asked };
    statuses.push(asked.status);
    sentMs = nowMs;
    assert(statuses.length < 50, `it never opened: ${statuses}`);
  }
}

function untilState(plane: Plane, state: typeof breakerStates[number]): Promise<void> {
  return plane.until(
    () => plane.count("Svc", "breaker") === breakerStates.indexOf(state),
    `the gauge to say ${state}`,
  );
}

onBothNetsAtOnce(
  "breaker, opens at its share of errors, and refuses with the time to come back",
  async (net) => {
    await using instances = await Instances.start("one", "two");
    await using plane = await broken(net, instances, 30_000);
    for (let index = 0; index < 3; index++) assertEquals((await ask(plane, "Svc")).status, 200);
    for (const each of instances.all) each.status = "500 Internal Server Error";
    const { refused, statuses } = await untilRefused(plane);
    assertEquals(statuses, [500, 500, 500]);
    assertEquals([refused.status, problemOf(refused).code], [503, "circuit_open"]);
    const seconds = Number(/^Retry-After: (\d+)\r$/m.exec(refused.head)?.[1]);
    // 30 s and its jitter, less what has passed since it opened.
    assert(seconds > 20 && seconds <= 36, refused.head);
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

onBothNetsAtOnce(
  "breaker, one request tries when its time is over; a good answer closes it",
  async (net) => {
    await using instances = await Instances.start("one");
    const [one] = instances.all;
    await using plane = await broken(net, instances);
    one!.status = "500 Internal Server Error";
    const { sentMs } = await untilRefused(plane);
    one!.status = "200 OK";
    let release = () => {};
    one!.held = new Promise((resolve) => release = resolve);
    const before = one!.count;
    const trial = await plane.client();
    for (;;) {
      trial.send(head("GET / HTTP/1.1", "Host: Svc"));
      await plane.until(() => one!.count > before || trial.pending !== "", "an answer or a try");
      if (one!.count > before) break;
      await trial.message();
      await pause(askEveryMs);
    }
    const waitedMs = performance.now() - sentMs;
    assert(
      waitedMs > breaker.openMs * (1 - jitterShare) - staleMs,
      `it tried after ${waitedMs} ms`,
    );
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

/** Asks until the instance has a request. Units: `performance.now()`; `refusedMs` is when the last refusal was asked for. */
async function untilTried(plane: Plane, { all: [one] }: Instances) {
  const before = one!.count;
  let refusedMs = performance.now();
  for (;;) {
    const sentMs = performance.now();
    await ask(plane, "Svc");
    if (one!.count > before) {
      return { refusedMs, triedMs: one!.arrivals.at(-1)!.atMs, answeredMs: performance.now() };
    }
    refusedMs = sentMs;
    await pause(askEveryMs);
  }
}

onBothNetsAtOnce("breaker, a try that fails keeps it open for twice as long", async (net) => {
  const openMs = 500;
  await using instances = await Instances.start("one");
  await using plane = await broken(net, instances, openMs);
  instances.all[0]!.status = "500 Internal Server Error";
  const { sentMs } = await untilRefused(plane);
  const openedByMs = performance.now();
  const first = await untilTried(plane, instances);
  const second = await untilTried(plane, instances);
  const times = {
    // No earlier than the time out lasts, from before the request that began it.
    first: first.triedMs - sentMs,
    second: second.triedMs - first.triedMs,
    // Refused for no longer than it lasts, from when it had surely begun: whoever comes later has a try.
    firstRefused: first.refusedMs - openedByMs,
    secondRefused: second.refusedMs - first.answeredMs,
  };
  const said = JSON.stringify(times);
  const leastMs = openMs * (1 - jitterShare) - staleMs,
    mostMs = openMs * (1 + jitterShare) + staleMs;
  assert(times.first > leastMs && times.firstRefused < mostMs, said);
  assert(times.second > openMs * 2 * (1 - jitterShare) - staleMs, said);
  assert(times.secondRefused < openMs * 2 * (1 + jitterShare) + staleMs, said);
  await plane.quiet();
});

onBothNetsAtOnce(
  "breaker, what callers do wrong and callers that leave do not open it",
  async (net) => {
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
  },
);

onBothNetsAtOnce("breaker, by hand: forced open and closed while it runs", async (net) => {
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
