/** Time: deadlines passed on and shortened, and limits per try. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, type Asked, problemOf } from "../support/ask.ts";
import { blackHole } from "../support/black_hole.ts";
import { Instance, Instances } from "../support/instance.ts";
import { onBothNetsAtOnce, startPlane } from "../support/plane.ts";
import { deadlineOf, longMs, soonMs, staleMs, timed } from "../support/time_bounds.ts";

onBothNetsAtOnce(
  "deadline, goes from sidecar to sidecar, shrinks, and ends the wait at both",
  async (net) => {
    await using app = await Instance.start("app");
    await using provider = await startPlane({
      net,
      roles: ["inbound"],
      policy: { localPorts: [{ protocol: "rest", port: app.port }], calls: { responseMs: longMs } },
    });
    const own = longMs / 2;
    await using consumer = await startPlane({
      net,
      services: { Svc: [{ port: provider.port("inbound"), mesher: true }] },
      policy: { calls: { responseMs: own } },
    });
    const sentMs = performance.now();
    assertEquals((await ask(consumer, "Svc")).body, "app");
    const [{ atMs, head: arrived }] = app.arrivals as [typeof app.arrivals[number]];
    const told = deadlineOf(arrived);
    assert(told >= own - (atMs - sentMs) - 2 && told <= own, `the application was told ${told} ms`);
    await consumer.setPolicy({ calls: { responseMs: 300 } });
    app.held = new Promise(() => {});
    const [asked, ms] = await timed(ask(consumer, "Svc"));
    assertEquals([asked.status, problemOf(asked).code], [504, "response_timeout"]);
    assert(ms >= 300 - staleMs && ms < soonMs, `${ms}`);
    // The provider's side gave up as well: its own limit is far longer.
    await provider.until(() => provider.open === 0, "the end at the provider's side");
    // Whose answer came first decides whether the connection between them can be used again.
    await consumer.quiet();
    await provider.until(
      () => provider.gauge("clientsOpen") === consumer.gauge("upstreamsIdle"),
      "no connection but those that wait in the consumer's pool",
    );
  },
);

/** Whose time holds; `ms` is what is expected. All are made longer by the same factor while nobody is to be late. */
const inherited: readonly {
  readonly title: string;
  readonly policy: number;
  readonly rule?: number;
  readonly callers: number | "soon";
  readonly ms: number;
}[] = [
  { title: "a caller's deadline shortens the own one", policy: 600, callers: 300, ms: 300 },
  { title: "a caller's longer deadline changes nothing", policy: 300, callers: 600, ms: 300 },
  { title: "a caller's rubbish changes nothing", policy: 300, callers: "soon", ms: 300 },
  {
    title: "a caller's deadline shortens that of a rule",
    policy: 800,
    rule: 600,
    callers: 300,
    ms: 300,
  },
  {
    title: "a rule's time is longer than the service's",
    policy: 200,
    rule: 400,
    callers: 800,
    ms: 400,
  },
];
const longer = 100;

function policiesTimes(factor: number) {
  return {
    services: Object.fromEntries(inherited.map(({ policy, rule }, index) => [`Svc${index}`, {
      responseMs: policy * factor,
      routes: rule === undefined ? [] : [{ name: "time", targets: [], timeoutMs: rule * factor }],
    }])),
  };
}

onBothNetsAtOnce(
  "deadline, of the service, a rule and the caller: which one holds",
  async (net) => {
    await using apps = await Instances.start(...inherited.keys().map(String));
    await using plane = await startPlane({
      net,
      services: Object.fromEntries(apps.ports.map((port, index) => [`Svc${index}`, [port]])),
      policy: policiesTimes(longer),
    });
    const askAll = (factor: number) =>
      Promise.all(inherited.map(({ callers }, index) => {
        const said = callers === "soon" ? callers : callers * factor;
        return timed(ask(plane, `Svc${index}`, { fields: [`x-mesher-deadline: ${said}`] }));
      }));
    for (const [index, [asked]] of (await askAll(longer)).entries()) {
      const { ms, title } = inherited[index]!;
      assertEquals(asked.status, 200, title);
      assertEquals(deadlineOf(apps.all[index]!.arrivals[0]!.head), ms * longer, title);
    }
    await plane.setPolicy(policiesTimes(1));
    for (const each of apps.all) each.held = new Promise(() => {});
    for (const [index, [asked, tookMs]] of (await askAll(1)).entries()) {
      const { ms, title } = inherited[index]!;
      assertEquals([asked.status, problemOf(asked).code], [504, "response_timeout"], title);
      assertMatch(problemOf(asked).detail, new RegExp(` within ${ms} ms`), title);
      assert(tookMs >= ms - staleMs && tookMs < soonMs, `${title}: ${tookMs} ms instead of ${ms}`);
    }
    await plane.quiet({ idle: 0 });
  },
);

onBothNetsAtOnce("deadline, a later try is told what is left of it", async (net) => {
  const workMs = 200;
  await using instances = await Instances.start("one", "two");
  for (const each of instances.all) {
    each.status = "503 Service Unavailable";
    each.delayMs = workMs;
  }
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: { calls: { responseMs: longMs }, retry: { statuses: [503] } },
  });
  const sentMs = performance.now();
  assertEquals((await ask(plane, "Svc")).status, 503);
  const [first, second] = instances.all.flatMap((each) => each.arrivals)
    .toSorted((a, b) => a.atMs - b.atMs);
  assertEquals(deadlineOf(first!.head), longMs);
  const told = deadlineOf(second!.head);
  // Between what the first try surely took and what all may have.
  const least = longMs - (second!.atMs - sentMs) - 2, most = longMs - workMs + staleMs;
  assert(told >= least && told <= most, `${told}, from ${least} to ${most}`);
  await plane.quiet();
});

onBothNetsAtOnce(
  "deadline, a caller who has hardly any time does not cost an endpoint its good name",
  async (net) => {
    const hole = blackHole();
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      await using plane = await startPlane({
        net,
        services: { Svc: [hole.port] },
        policy: { timeouts: { connectMs: longMs }, calls: { responseMs: longMs } },
      });
      const [asked, ms] = await timed(ask(plane, "Svc", { fields: ["x-mesher-deadline: 100"] }));
      assertEquals(asked.status, 504);
      assert(ms < soonMs, `${ms}`);
      assertEquals(plane.gauge("endpointsEjected"), 0);
      const connectMs = 300;
      await plane.setPolicy({ timeouts: { connectMs }, retry: { maxAttempts: 1 } });
      const [patient, patientMs] = await timed(ask(plane, "Svc"));
      assertEquals([patient.status, problemOf(patient).code], [504, "connect_timeout"]);
      assert(patientMs >= connectMs - staleMs, `${patientMs}`);
      assertEquals(plane.gauge("endpointsEjected"), 1);
      await plane.quiet({ idle: 0 });
    } finally {
      hole.close();
    }
  },
);

onBothNetsAtOnce("per try, a slow instance costs one try and the next one answers", async (net) => {
  // Longer than a stall of the machine, or that would cost a try as well.
  const perTryMs = 800;
  await using instances = await Instances.start("stuck", "quick");
  const [stuck] = instances.all;
  stuck!.held = new Promise(() => {});
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: { calls: { responseMs: longMs }, retry: { perTryMs } },
  });
  while (stuck!.count === 0) {
    const [asked, ms] = await timed(ask(plane, "Svc"));
    assertEquals([asked.status, asked.body], [200, "quick"]);
    assert(ms < soonMs, `${ms}`);
  }
  assertEquals(plane.count("Svc", "retry"), stuck!.count);
  // Whoever may not be asked twice has the time of one try.
  let order: Asked;
  do order = await ask(plane, "Svc", { method: "POST", body: "order" }); while (
    order.status === 200
  );
  assertEquals([order.status, problemOf(order).code], [504, "response_timeout"]);
  assertMatch(problemOf(order).detail, new RegExp(` ${perTryMs} ms`));
  await plane.quiet();
});
