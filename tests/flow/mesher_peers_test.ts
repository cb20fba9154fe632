/** Sidecar to sidecar: what they tell each other is believed between them, and never leaves the mesh. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, deadPort, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";

const unsent = answer(
  "{}",
  "503 Service Unavailable",
  'Proxy-Status: mesher; error=connection_refused; details="connect_refused"',
  "x-mesher-unsent: 1",
);

for (const method of ["GET", "POST", "PATCH"]) {
  onBothNets(
    `unsent, a ${method} goes on when a provider's sidecar says its app never saw it`,
    async (net) => {
      await using sidecar = await RawUpstream.listen();
      await using alive = await RawUpstream.listen();
      let refusals = 0;
      sidecar.answer(() => (refusals++, unsent));
      const bodies: string[] = [];
      alive.answer(({ body }) => (bodies.push(body), answer("ok")));
      await using plane = await startPlane({
        net,
        services: { Svc: [{ port: sidecar.port, mesher: true }, alive.port] },
      });
      for (let index = 0; index < 3; index++) {
        const asked = await ask(plane, "Svc", { method, body: "order" });
        assertEquals([asked.status, asked.body], [200, "ok"]);
      }
      assertEquals(bodies, ["order", "order", "order"]);
      // Its application is down, so it was asked once and then passed over.
      assertEquals(refusals, 1);
      assertEquals(plane.count("Svc", "retry"), 1);
      await plane.quiet({ idle: 1 });
    },
  );
}

onBothNets(
  "unsent, is not believed from a provider that is no sidecar, and does not come back",
  async (net) => {
    await using plain = await RawUpstream.listen();
    let requests = 0;
    plain.answer(() => (requests++, unsent));
    await using plane = await startPlane({ net, services: { Svc: [plain.port, plain.port] } });
    const asked = await ask(plane, "Svc", { method: "POST", body: "order" });
    assertEquals([asked.status, asked.body, requests], [503, "{}", 1]);
    assert(!/unsent/i.test(asked.head));
    await plane.quiet();
  },
);

onBothNets("unsent, is not believed beside a success", async (net) => {
  await using sidecar = await RawUpstream.listen();
  sidecar.answer(() => answer("done", "200 OK", "x-mesher-unsent: 1"));
  await using plane = await startPlane({
    net,
    services: { Svc: [{ port: sidecar.port, mesher: true }] },
  });
  const asked = await ask(plane, "Svc", { method: "POST", body: "order" });
  assertEquals([asked.status, asked.body], [200, "done"]);
  assert(!/unsent/i.test(asked.head));
  assertEquals(sidecar.connections.length, 1);
});

onBothNets("unsent, by every sidecar is told to the caller with what they said", async (net) => {
  await using sidecar = await RawUpstream.listen();
  sidecar.answer(() =>
    answer(
      "{}",
      "503 Service Unavailable",
      'Proxy-Status: mesher; error=destination_unavailable; details="local_port_missing"',
      "x-mesher-unsent: 1",
    )
  );
  await using plane = await startPlane({
    net,
    services: { Svc: [{ port: sidecar.port, mesher: true }] },
  });
  const asked = await ask(plane, "Svc:99", { method: "POST", body: "order" });
  assertEquals([asked.status, problemOf(asked).code], [503, "local_port_missing"]);
  assertMatch(problemOf(asked).detail, /sidecar at 127\.0\.0\.1/);
  // A wrong port in the caller's URL says nothing against the endpoint.
  assertEquals(plane.gauge("endpointsEjected"), 0);
  await plane.quiet({ idle: 0 });
});

onBothNets("draining, a sidecar that says so gets no further request", async (net) => {
  await using leaving = await RawUpstream.listen();
  await using staying = await RawUpstream.listen();
  let asked = 0;
  leaving.answer(() => (asked++, answer("bye", "200 OK", "x-mesher-draining: 1")));
  staying.answer(() => answer("stay"));
  await using plane = await startPlane({
    net,
    services: { Svc: [{ port: leaving.port, mesher: true }, { port: staying.port, mesher: true }] },
  });
  const bodies = [];
  for (let index = 0; index < 6; index++) {
    const got = await ask(plane, "Svc");
    bodies.push(got.body);
    assert(!/draining/i.test(got.head), "the application saw the word");
  }
  assertEquals(asked, 1);
  assertEquals(bodies.filter((body) => body === "stay").length, 5);
  // Its connection is not kept, whatever it said of it.
  await leaving.connections[0]!.closed();
  await plane.quiet({ idle: 1 });
});

onBothNets("draining, is not believed from a provider that is no sidecar", async (net) => {
  await using plain = await RawUpstream.listen();
  await using other = await RawUpstream.listen();
  plain.answer(() => answer("plain", "200 OK", "x-mesher-draining: 1"));
  other.answer(() => answer("other"));
  await using plane = await startPlane({ net, services: { Svc: [plain.port, other.port] } });
  const bodies = [];
  for (let index = 0; index < 4; index++) {
    const got = await ask(plane, "Svc");
    bodies.push(got.body);
    assert(!/draining/i.test(got.head));
  }
  assertEquals(bodies.sort(), ["other", "other", "plain", "plain"]);
});

onBothNets(
  "two sidecars, an app that is down is answered by another instance, for any method",
  async (net) => {
    await using app = await RawUpstream.listen();
    const heads: string[] = [];
    app.answer(({ head, body }) => (heads.push(head), answer(body)));
    await using down = await startPlane({
      net,
      roles: ["inbound"],
      policy: { localPorts: [{ protocol: "rest", port: deadPort() }] },
    });
    await using up = await startPlane({
      net,
      roles: ["inbound"],
      policy: { localPorts: [{ protocol: "rest", port: app.port }] },
    });
    await using consumer = await startPlane({
      net,
      services: {
        Svc: [{ port: down.port("inbound"), mesher: true }, {
          port: up.port("inbound"),
          mesher: true,
        }],
      },
      policy: { service: "web" },
    });
    for (let index = 0; index < 4; index++) {
      const asked = await ask(consumer, "Svc", { method: "POST", body: `order ${index}` });
      assertEquals([asked.status, asked.body], [200, `order ${index}`]);
      assert(!/x-mesher|x-cse/i.test(asked.head), `mesh fields reached the caller: ${asked.head}`);
    }
    assertEquals(heads.length, 4);
    for (const each of heads) {
      assertMatch(each, /^x-cse-context: \{"x-cse-src-microservice":"web"\}\r$/m);
      assertMatch(each, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
    }
    await Promise.all([down.quiet({ clients: 0 }), consumer.quiet()]);
    assertEquals(down.countFailures(1, "connect_refused"), 1);
  },
);

onBothNets(
  "two sidecars, one that drains hands its callers over without a failure",
  async (net) => {
    await using app = await RawUpstream.listen();
    app.answer(() => answer("ok"));
    const provider = () =>
      startPlane({
        net,
        roles: ["inbound"],
        policy: { localPorts: [{ protocol: "rest", port: app.port }] },
      });
    await using leaving = await provider();
    await using staying = await provider();
    await using consumer = await startPlane({
      net,
      services: {
        Svc: [leaving, staying].map((each) => ({ port: each.port("inbound"), mesher: true })),
      },
    });
    for (let index = 0; index < 4; index++) assertEquals((await ask(consumer, "Svc")).status, 200);
    await leaving.post({ kind: "drain", phase: "announce" });
    for (let index = 0; index < 8; index++) {
      assertEquals((await ask(consumer, "Svc", { method: "POST", body: "x" })).status, 200);
    }
    // One more call went to it before the consumer had heard of it.
    await leaving.quiet({ clients: 0 });
    await leaving.post({ kind: "drain", phase: "close_inbound" });
    for (let index = 0; index < 4; index++) {
      assertEquals((await ask(consumer, "Svc", { method: "POST", body: "x" })).status, 200);
    }
    assertEquals(leaving.count(1, "requests"), 3);
    assertEquals(staying.count(1, "requests"), 13);
    assertEquals(consumer.failures, []);
  },
);
