/** Time: deadlines passed on and shortened, limits per try, and what Retry-After asks for. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { blackHole } from "../support/black_hole.ts";
import { Instance, Instances } from "../support/instance.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

async function timed<T>(promise: Promise<T>): Promise<readonly [T, number]> {
  const began = performance.now();
  return [await promise, performance.now() - began];
}

function deadlineOf(text: string): number {
  return Number(/^x-mesher-deadline: *(\d+)\r$/m.exec(text)?.[1]);
}

onBothNets(
  "deadline, goes from sidecar to sidecar, shrinks, and ends the wait at both",
  async (net) => {
    await using app = await Instance.start("app");
    await using provider = await startPlane({
      net,
      roles: ["inbound"],
      policy: { localPorts: [{ protocol: "rest", port: app.port }], calls: { responseMs: 5000 } },
    });
    await using consumer = await startPlane({
      net,
      services: { Svc: [{ port: provider.port("inbound"), mesher: true }] },
      policy: { calls: { responseMs: 600 } },
    });
    assertEquals((await ask(consumer, "Svc")).body, "app");
    const told = deadlineOf(app.arrivals[0]!.head);
    assert(told > 300 && told <= 600, `the application was told ${told} ms`);
    app.held = new Promise(() => {});
    const [asked, ms] = await timed(ask(consumer, "Svc"));
    assertEquals([asked.status, problemOf(asked).code], [504, "response_timeout"]);
    assert(ms >= 550 && ms < 1100, `${ms}`);
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

const inherited: readonly {
  title: string;
  policy: number;
  rule?: number;
  field: string;
  ms: number;
}[] = [
  { title: "a caller's deadline shortens the own one", policy: 2000, field: "300", ms: 300 },
  { title: "a caller's longer deadline changes nothing", policy: 300, field: "5000", ms: 300 },
  { title: "a caller's rubbish changes nothing", policy: 300, field: "soon", ms: 300 },
  {
    title: "a caller's deadline shortens that of a rule",
    policy: 2000,
    rule: 1500,
    field: "300",
    ms: 300,
  },
  {
    title: "a rule's time is longer than the service's",
    policy: 200,
    rule: 500,
    field: "9000",
    ms: 500,
  },
];

for (const { field, ms, policy, rule, title } of inherited) {
  onBothNets(`deadline, ${title}`, async (net) => {
    await using app = await Instance.start("app");
    const routes = rule === undefined ? [] : [{ name: "time", targets: [], timeoutMs: rule }];
    await using plane = await startPlane({
      net,
      services: { Svc: [app.port] },
      policy: { calls: { responseMs: policy, routes } },
    });
    const fields = [`x-mesher-deadline: ${field}`];
    assertEquals((await ask(plane, "Svc", { fields })).status, 200);
    assertEquals(deadlineOf(app.arrivals[0]!.head), ms);
    app.held = new Promise(() => {});
    const [asked, took] = await timed(ask(plane, "Svc", { fields }));
    assertEquals(asked.status, 504);
    assert(took >= ms - 20 && took < ms + 400, `${took} ms instead of ${ms}`);
    await plane.quiet({ idle: 0 });
  });
}

onBothNets("deadline, a later try is told what is left of it", async (net) => {
  await using instances = await Instances.start("one", "two");
  for (const each of instances.all) {
    each.status = "503 Service Unavailable";
    each.delayMs = 150;
  }
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: { calls: { responseMs: 1000 }, retry: { statuses: [503] } },
  });
  assertEquals((await ask(plane, "Svc")).status, 503);
  const [first, second] = instances.all.flatMap((each) => each.arrivals)
    .toSorted((a, b) => a.atMs - b.atMs).map((each) => deadlineOf(each.head));
  assertEquals(first, 1000);
  assert(second! > 500 && second! <= 860, `${second}`);
  await plane.quiet();
});

onBothNets(
  "deadline, a caller who has hardly any time does not cost an endpoint its good name",
  async (net) => {
    const hole = blackHole();
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      await using plane = await startPlane({ net, services: { Svc: [hole.port] } });
      const [asked, ms] = await timed(ask(plane, "Svc", { fields: ["x-mesher-deadline: 100"] }));
      assertEquals(asked.status, 504);
      assert(ms < 600, `${ms}`);
      assertEquals(plane.gauge("endpointsEjected"), 0);
      const [patient, longMs] = await timed(ask(plane, "Svc"));
      assertEquals([patient.status, problemOf(patient).code], [504, "connect_timeout"]);
      assert(longMs > 900, `${longMs}`);
      assert(plane.gauge("endpointsEjected") >= 1);
      await plane.quiet({ idle: 0 });
    } finally {
      hole.close();
    }
  },
);

onBothNets("per try, a slow instance costs one try and the next one answers", async (net) => {
  await using instances = await Instances.start("stuck", "quick");
  instances.all[0]!.held = new Promise(() => {});
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: { calls: { responseMs: 3000 }, retry: { perTryMs: 200 } },
  });
  for (let index = 0; index < 4; index++) {
    const [asked, ms] = await timed(ask(plane, "Svc"));
    assertEquals([asked.status, asked.body], [200, "quick"]);
    assert(ms < 600, `${ms}`);
  }
  const [stuck] = instances.all;
  assert(stuck!.count >= 1);
  assertEquals(plane.count("Svc", "retry"), stuck!.count);
  // Whoever may not be asked twice has the time of one try.
  let order: Awaited<ReturnType<typeof ask>>;
  do order = await ask(plane, "Svc", { method: "POST", body: "order" }); while (
    order.status === 200
  );
  assertEquals([order.status, problemOf(order).code], [504, "response_timeout"]);
  assertMatch(problemOf(order).detail, /200 ms/);
  await plane.quiet();
});

const told: readonly {
  title: string;
  value: () => string;
  fromMs: number;
  toMs: number;
  status: number;
}[] = [
  { title: "in seconds", value: () => "1", fromMs: 950, toMs: 1900, status: 200 },
  {
    title: "as a date",
    value: () => new Date(Date.now() + 2000).toUTCString(),
    fromMs: 900,
    toMs: 2800,
    status: 200,
  },
  { title: "longer than there is time", value: () => "4", fromMs: 0, toMs: 400, status: 503 },
];

for (const { fromMs, status, title, toMs, value } of told) {
  onBothNets(`retry after, ${title}`, async (net) => {
    await using instances = await Instances.start("one", "two");
    const [one, two] = instances.all;
    for (const each of instances.all) {
      each.status = "503 Service Unavailable";
      each.fields = [`Retry-After: ${value()}`];
    }
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports },
      policy: { calls: { responseMs: 3000 }, retry: { statuses: [503], maxAttempts: 2 } },
    });
    const asking = timed(ask(plane, "Svc"));
    await plane.until(() => instances.total === 1, "the first try");
    for (const each of [one!, two!]) each.status = "200 OK";
    const [asked, ms] = await asking;
    assertEquals(asked.status, status);
    assert(ms >= fromMs && ms < toMs, `${ms}`);
    // An answer that is passed on says what the instance said.
    if (status === 503) assertMatch(asked.head, /^Retry-After: 4\r$/m);
    await plane.quiet();
  });
}

onBothNets("retry on status, a body that is still on its way is not cut in two", async (net) => {
  await using hasty = await RawUpstream.listen();
  await using calm = await RawUpstream.listen();
  let refusals = 0;
  hasty.serve(async (peer) => {
    await peer.head();
    refusals++;
    // It answers before the body has come.
    peer.send(answer("no", "503 Service Unavailable"));
  });
  const bodies: string[] = [];
  calm.answer(({ body }) => (bodies.push(body), answer("ok")));
  await using plane = await startPlane({
    net,
    services: { Svc: [hasty.port, calm.port] },
    policy: { retry: { statuses: [503] } },
  });
  const statuses: number[] = [];
  for (let index = 0; index < 6; index++) {
    const client = await plane.client();
    client.send(head("PUT / HTTP/1.1", "Host: Svc", "Content-Length: 30") + "0123456789");
    await plane.until(() => refusals + bodies.length > 0 || plane.open > 0, "the request");
    await new Promise((resolve) => setTimeout(resolve, 30));
    client.send("0123456789");
    await new Promise((resolve) => setTimeout(resolve, 30));
    client.send("0123456789");
    const { head: answered } = await client.message();
    statuses.push(Number(answered.slice(9, 12)));
    client.close();
  }
  for (const body of bodies) assertEquals(body, "012345678901234567890123456789");
  assert(statuses.every((each) => each === 200 || each === 503), `${statuses}`);
  assert(refusals >= 1);
  await plane.quiet();
});
