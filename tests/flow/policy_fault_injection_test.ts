/** Faults on purpose: delays and aborts, seen on the answer, on either side, and off again. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { share, volley } from "../support/load.ts";
import { onBothNets, onBothNetsAtOnce, startPlane } from "../support/plane.ts";
import { head } from "../support/raw.ts";
import { deadlineOf, soonMs, staleMs, timed } from "../support/time_bounds.ts";

onBothNetsAtOnce(
  "fault, a delay is marked on the answer and does not eat the response time",
  async (net) => {
    // The service has all of its own time after the delay, which is longer than that.
    const delayMs = 900, responseMs = 800;
    await using instances = await Instances.start("one");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports },
      policy: {
        calls: { responseMs },
        services: { Svc: { fault: { delay: { ms: delayMs, share: 1 } } } },
      },
    });
    await plane.publish("Svc", instances.ports);
    const [asked, ms] = await timed(ask(plane, "Svc"));
    assertEquals([asked.status, asked.body], [200, "one"]);
    assertMatch(asked.head, /^x-mesher-fault: delay\r$/m);
    assert(ms >= delayMs - staleMs && ms < soonMs, `${ms}`);
    // The application is told the time that is really left for it.
    assertEquals(deadlineOf(instances.all[0]!.arrivals[0]!.head), responseMs);
    assertEquals(plane.count("Svc", "delayed"), 1);
    await plane.setPolicy({ services: { Svc: { fault: {} } } });
    assert(!/x-mesher-fault/.test((await ask(plane, "Svc")).head));
    assertEquals(plane.count("Svc", "delayed"), 1);
    await plane.quiet();
  },
);

onBothNets("fault, an abort says what it is and sends nothing", async (net) => {
  await using instances = await Instances.start("one");
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: { services: { Svc: { fault: { abort: { status: 418, share: 1 } } } } },
  });
  for (const method of ["GET", "POST"]) {
    const asked = await ask(plane, "Svc", { method, body: "x" });
    assertEquals([asked.status, problemOf(asked).code], [418, "fault_injected"]);
    assertMatch(asked.head, /^Proxy-Status: mesher; error=proxy_internal_response; /m);
  }
  assertEquals(instances.total, 0);
  // They say nothing of the service, whose breaker and endpoints are left alone.
  assertEquals([plane.count("Svc", "attempts"), plane.count("Svc", "retry")], [0, 0]);
  await plane.quiet();
});

onBothNets("fault, by share, for those with a header only, and of one route", async (net) => {
  await using instances = await Instances.start("one");
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: {
      services: {
        Svc: {
          routes: [{
            name: "trouble",
            match: { headers: [{ name: "X-Test", value: { present: true } }] },
            targets: [],
            fault: { abort: { status: 503, share: 0.3 } },
          }],
        },
      },
    },
  });
  const shots = await volley(plane.port(), {
    count: 1600,
    atATime: 8,
    request: (index) => ({ host: "Svc", fields: index % 2 === 0 ? [] : ["X-Test: 1"] }),
  });
  const hit = share(shots.filter((_, index) => index % 2 === 1), ({ status }) => status === 503);
  // Five standard deviations of 800 draws.
  assert(Math.abs(hit - 0.3) < 0.081, `${hit}`);
  const spared = shots.filter((_, index) => index % 2 === 0);
  assertEquals(share(spared, ({ status }) => status === 200), 1);
  assertEquals(share(shots, ({ status }) => status === 200 || status === 503), 1);
  await plane.quiet();
});

onBothNetsAtOnce(
  "fault, a caller that leaves during a delay leaves nothing behind",
  async (net) => {
    await using instances = await Instances.start("one");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports },
      policy: { services: { Svc: { fault: { delay: { ms: 1000, share: 1 } } } } },
    });
    const client = await plane.client();
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    await plane.until(() => plane.count("Svc", "delayed") === 1, "the delay");
    client.close();
    await plane.until(() => plane.countFailures("Svc", "client_gone") === 1, "the end");
    await plane.quiet();
    assertEquals(instances.total, 0);
  },
);

onBothNets(
  "fault, of the provider's side is the caller's answer and spares health checks",
  async (net) => {
    await using instances = await Instances.start("app");
    await using plane = await startPlane({
      net,
      roles: ["inbound"],
      policy: {
        localPorts: [{ protocol: "rest", port: instances.ports[0]! }],
        healthPaths: ["/healthz"],
        provider: { fault: { abort: { status: 500, share: 1 } } },
      },
    });
    const asked = await ask(plane, "app", { role: "inbound" });
    assertEquals([asked.status, problemOf(asked).code], [500, "fault_injected"]);
    assertEquals((await ask(plane, "app", { role: "inbound", path: "/healthz?a" })).status, 200);
    // The caller's sidecar takes it for the answer that it is meant to be, and tries nothing else.
    await using consumer = await startPlane({
      net,
      services: { Svc: [{ port: plane.port("inbound"), mesher: true }, instances.ports[0]!] },
    });
    const statuses: number[] = [];
    for (let index = 0; index < 4; index++) {
      statuses.push((await ask(consumer, "Svc", { method: "POST", body: "order" })).status);
    }
    assertEquals(statuses.toSorted(), [200, 200, 500, 500]);
    assertEquals(consumer.count("Svc", "retry"), 0);
    await consumer.quiet();
    // The consumer keeps its connection.
    await plane.quiet({ clients: "any" });
  },
);
