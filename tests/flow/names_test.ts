/** Names: how a host in a request becomes a service, an outside host, or an answer that says why not. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

/** While the test takes its time to answer, nobody gives up. Units: milliseconds. */
const patient = { resolveMs: 20_000, responseMs: 30_000 } as const;

onBothNets("names, a lower-case host finds the service that control says it means", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({
    net,
    services: { AccountService: [upstream.port] },
    names: { accountservice: { kind: "service", service: "AccountService" } },
  });
  for (const host of ["accountservice", "AccountService", "accountservice:8080"]) {
    assertEquals((await ask(plane, host)).body, "ok");
  }
  // The exact name needs no question once the cluster is known, and no name is asked for twice.
  assertEquals(plane.asked, ["accountservice"]);
  assertEquals(plane.count("AccountService", "requests"), 3);
});

/** What control may say of a name, and the answer that a caller gets. */
const refusals = [
  {
    name: "ambiguous",
    resolution: { kind: "ambiguous", names: ["Shop", "shop"] },
    status: 400,
    code: "destination_invalid",
    error: "http_request_error",
    detail: /Shop and shop, which differ only by case/,
  },
  {
    name: "unknown",
    resolution: { kind: "unknown", detail: 'no service "unknown" in registry X' },
    status: 503,
    code: "service_unknown",
    error: "destination_not_found",
    detail: /^No service "unknown" in registry X\.$/,
  },
  {
    name: "down",
    resolution: { kind: "registry_down", detail: "registry X did not answer" },
    status: 503,
    code: "registry_unavailable",
    error: "destination_unavailable",
    detail: /^Registry X did not answer\.$/,
  },
  {
    name: "no.such.host",
    resolution: { kind: "host_unknown", detail: "no address of no.such.host" },
    status: 503,
    code: "service_unknown",
    error: "destination_not_found",
    detail: /no address of no\.such\.host/i,
  },
] as const;

onBothNets(
  "names, what cannot be found is said in a problem body and in Proxy-Status",
  async (net) => {
    await using plane = await startPlane({
      net,
      names: Object.fromEntries(refusals.map(({ name, resolution }) => [name, resolution])),
    });
    for (const { name, status, code, error, detail } of refusals) {
      for (const method of ["GET", "POST"]) {
        const asked = await ask(plane, name, { method });
        assertEquals([asked.status, problemOf(asked).code], [status, code]);
        assertMatch(problemOf(asked).detail, detail);
        assertMatch(
          asked.head,
          new RegExp(`^Proxy-Status: mesher; error=${error}; details="${code}"\r$`, "m"),
        );
        const body = JSON.parse(asked.body);
        assert(body.title.length > 10 && body.check.length > 10, asked.body);
      }
      assertEquals((await plane.failure(code)).status, status);
    }
    // Each name was asked for once: the answers hold for a while.
    assertEquals(plane.asked, refusals.map(({ name }) => name));
    await plane.quiet();
  },
);

onBothNets("names, an answer that has run out is asked for again", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net });
  // Even an answer that does not hold at all is the answer to the request that waits for it.
  plane.validMs = 0;
  assertEquals((await ask(plane, "Late")).status, 503);
  plane.services.set("Late", [upstream.port]);
  let { status } = await ask(plane, "Late");
  for (let tries = 0; status !== 200 && tries < 1000; tries++) {
    ({ status } = await ask(plane, "Late"));
  }
  assertEquals(status, 200);
  assertEquals(plane.asked, ["Late", "Late"]);
});

onBothNets(
  "names, a service that is named and never sent ends in a failure, not in a circle",
  async (net) => {
    await using plane = await startPlane({ net, policy: { timeouts: patient } });
    plane.mute = true;
    const asking = ask(plane, "Ghost");
    for (let index = 1; index <= 3; index++) {
      await plane.until(() => plane.asked.length === index, `question ${index}`);
      plane.supervisor.post({
        kind: "resolved",
        name: "Ghost",
        resolution: { kind: "service", service: "Ghost" },
        validMs: 1000,
      });
    }
    const asked = await asking;
    assertEquals([asked.status, problemOf(asked).code], [503, "registry_unavailable"]);
    await plane.quiet();
  },
);

onBothNets("names, many requests for one unknown name are one question", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net, policy: { timeouts: patient } });
  plane.mute = true;
  const asking = Array.from({ length: 20 }, () => ask(plane, "Svc"));
  await plane.message((each) => each.kind === "resolve", "a question");
  await plane.until(() => plane.gauge("clientsOpen") === 20, "20 clients");
  plane.mute = false;
  await plane.publish("Svc", [upstream.port]);
  await plane.post({
    kind: "resolved",
    name: "Svc",
    resolution: { kind: "service", service: "Svc" },
    validMs: 1000,
  });
  assertEquals((await Promise.all(asking)).map((each) => each.status), Array(20).fill(200));
  assertEquals(plane.asked, ["Svc"]);
  await plane.quiet();
});

onBothNets(
  "names, nobody who knows within the time is a registry that did not answer",
  async (net) => {
    await using plane = await startPlane({ net, policy: { timeouts: { resolveMs: 100 } } });
    plane.mute = true;
    for (let index = 0; index < 2; index++) {
      const asked = await ask(plane, "Svc");
      assertEquals([asked.status, problemOf(asked).code], [503, "registry_unavailable"]);
      assertMatch(problemOf(asked).detail, /within 100 ms.*"Svc"/);
    }
    // A lost question is asked again.
    assertEquals(plane.asked, ["Svc", "Svc"]);
    await plane.quiet();
  },
);

onBothNets("names, a service that is no longer followed is asked for anew", async (net) => {
  await using first = await RawUpstream.listen();
  await using second = await RawUpstream.listen();
  first.answer(() => answer("first"));
  second.answer(() => answer("second"));
  await using plane = await startPlane({ net, services: { Svc: [first.port] } });
  assertEquals((await ask(plane, "Svc")).body, "first");
  plane.services.set("Svc", [second.port]);
  await plane.post({ kind: "cluster_gone", service: "Svc" });
  assertEquals((await ask(plane, "Svc")).body, "second");
  assertEquals(plane.asked, ["Svc", "Svc"]);
  await first.connections[0]!.closed();
  await plane.quiet({ idle: 1 });
});

onBothNets(
  "names, a host outside is passed through to the addresses that control gives",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    const heads: string[] = [];
    upstream.answer(({ head }) => (heads.push(head), answer("out")));
    await using plane = await startPlane({
      net,
      names: { "api.example": { kind: "host", addresses: ["127.0.0.1"] } },
      policy: { service: "web" },
    });
    const host = `api.example:${upstream.port}`;
    const fields = ['x-cse-context: {"a":1}', "x-mesher-hops: 3", "X-Own: 1"];
    assertEquals((await ask(plane, host, { fields })).body, "out");
    assertEquals(heads, [head("GET / HTTP/1.1", `Host: ${host}`, "X-Own: 1")]);
    assertEquals(plane.count(2, "requests"), 1);
  },
);
