/** Explanations: what a data thread says would become of a request is what becomes of it. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { RouteRule } from "../../lib/core/traffic.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instance, Instances } from "../support/instance.ts";
import { explained, statesOf, stepOf } from "../support/observe.ts";
import { onBothNets, type Plane, type PlaneOptions, startPlane } from "../support/plane.ts";
import { head } from "../support/raw.ts";

onBothNets("explain, a service: its endpoints, the pick, what follows a failure", async (net) => {
  await using apps = await Instances.start("one", "two");
  await using plane = await startPlane({ net, services: { Svc: apps.ports } });
  const found = await explained(plane, "http://Svc/a?b=c");
  const endpoints = apps.ports.map((port) => `127.0.0.1:${port}`);
  assertEquals([found.service, found.route, found.failure], ["Svc", undefined, undefined]);
  assertEquals(
    found.candidates.map(({ endpoint, instanceId, state, share }) => [
      endpoint,
      instanceId,
      state,
      share,
    ]),
    [[endpoints[0], "i0", "healthy", 0.5], [endpoints[1], "i1", "healthy", 0.5]],
  );
  assert(endpoints.includes(found.pick!));
  assertEquals(found.policy!.responseMs, 5000);
  assertMatch(
    stepOf(found, "name"),
    /^"Svc" was not called before: asking control; Svc is a service$/,
  );
  assertEquals(stepOf(found, "limit"), "0 under way, no limit");
  assertMatch(
    stepOf(found, "on failure"),
    /^it is tried again at another endpoint, 3 attempts in all/,
  );
  const posted = await explained(plane, "http://svc.nowhere/", { method: "POST" });
  assertEquals(posted.failure?.code, "service_unknown");
  assertMatch(
    stepOf(await explained(plane, "http://Svc/", { method: "POST" }), "on failure"),
    /only if no byte of it was sent/,
  );
  // The next real call goes where the look said.
  const again = await explained(plane, "http://Svc/");
  assertEquals((await ask(plane, "Svc")).body, again.pick === endpoints[0] ? "one" : "two");
});

onBothNets("explain, moves no counter and takes nobody's turn", async (net) => {
  await using apps = await Instances.start("one", "two", "three");
  const canary: RouteRule = {
    name: "canary",
    targets: [{ weight: 1 }, { subset: { version: "1.0.0" }, weight: 1 }],
    mirror: { service: "Svc", share: 1 },
  };
  const options: PlaneOptions = {
    net,
    services: { Svc: apps.ports },
    policy: {
      services: {
        Svc: { routes: [canary], rateLimits: [{ name: "few", perSecond: 0.01, burst: 2 }] },
      },
    },
  };
  await using plane = await startPlane(options);
  await explained(plane, "http://Svc/");
  for (let look = 0; look < 20; look++) {
    const found = await explained(plane, "http://Svc/");
    assertEquals([found.failure, found.route], [undefined, "canary"]);
    assertEquals(stepOf(found, "limits"), '"few" has room');
  }
  for (
    const name of [
      "requests",
      "attempts",
      "open",
      "retry",
      "failure",
      "status",
      "mirrored",
    ] as const
  ) {
    assertEquals(plane.count("Svc", name), 0, name);
  }
  assertEquals(plane.gauge("upstreamsDialled"), 0);
  assertEquals(apps.total, 0);
  assertEquals(plane.failures, []);
  // The bucket still has all it had.
  const statuses = [];
  for (let call = 0; call < 3; call++) statuses.push((await ask(plane, "Svc")).status);
  assertEquals(statuses, [200, 200, 429]);
});

onBothNets("explain, looks change no round", async (net) => {
  await using apps = await Instances.start("one", "two", "three");
  const order = async (looks: number): Promise<readonly string[]> => {
    await using plane: Plane = await startPlane({ net, services: { Svc: apps.ports } });
    const bodies: string[] = [];
    for (let call = 0; call < 7; call++) {
      for (let look = 0; look < looks; look++) await explained(plane, "http://Svc/");
      bodies.push((await ask(plane, "Svc")).body);
    }
    return bodies;
  };
  const bodies = await order(2);
  assertEquals(new Set(bodies.slice(0, 3)).size, 3);
  assertEquals(bodies.slice(3), bodies.slice(0, 4));
});

onBothNets("explain, an endpoint that is out, with the reason and for how long", async (net) => {
  await using apps = await Instances.start("good", "bad", "fine");
  apps.all[1]!.status = "502 Bad";
  const dead = deadPort();
  await using plane = await startPlane({
    net,
    services: { Svc: [...apps.ports, dead] },
    policy: {
      ejectMs: 60_000,
      retry: { maxAttempts: 2 },
      calls: {
        outlier: { enabled: true, consecutiveFailures: 2, baseEjectMs: 30_000, panicShare: 0 },
      },
    },
  });
  for (let call = 0; call < 12; call++) await ask(plane, "Svc");
  const found = await explained(plane, "http://Svc/");
  const [good, bad, fine, gone] = statesOf(found);
  assertEquals([good, fine], ["healthy", "healthy"]);
  assertMatch(bad!, /^ejected: consecutive failures, for another (\d\d)\.\d s$/);
  assertMatch(gone!, /^unreachable: connect refused, for another (5\d\.\d|60\.0) s$/);
  assertMatch(stepOf(found, "pick"), /by round_robin, of 2 that may be picked$/);
  assertEquals(found.candidates.map(({ share }) => share), [0.5, undefined, 0.5, undefined]);
});

onBothNets("explain, a name that nobody knows, and what is no request", async (net) => {
  await using plane = await startPlane({ net });
  const unknown = await explained(plane, "http://Nobody:8080/");
  assertEquals([unknown.failure!.code, unknown.candidates], ["service_unknown", []]);
  assertMatch(unknown.failure!.detail, /no service Nobody in the table/);
  assertMatch(stepOf(unknown, "end"), /^answered with 503, .*: no service Nobody/);
  assertEquals((await explained(plane, "ftp://Svc/")).failure!.code, "destination_invalid");
  assertEquals((await explained(plane, "http://Svc/a b")).failure!.code, "request_malformed");
  assertEquals(plane.failures, []);
});

onBothNets("explain, a host outside, and one that egress denies", async (net) => {
  await using app = await Instance.start("outside");
  await using plane = await startPlane({
    net,
    names: { "example.org": { kind: "host", addresses: ["127.0.0.1"] } },
  });
  const found = await explained(plane, `http://example.org:${app.port}/`);
  assertEquals([found.service, found.pick], ["example.org", `127.0.0.1:${app.port}`]);
  assertMatch(stepOf(found, "name"), /is no service: passed through to port/);
  await plane.setPolicy({ egress: "deny" });
  assertEquals(
    (await explained(plane, `http://example.org:${app.port}/`)).failure!.code,
    "request_denied",
  );
});

onBothNets("explain, a tunnel", async (net) => {
  await using app = await Instance.start("app");
  await using plane = await startPlane({ net, services: { Svc: [app.port] } });
  const found = await explained(plane, "http://Svc:443/", { method: "CONNECT" });
  assertEquals([found.service, found.pick, found.failure], [
    "Svc",
    `127.0.0.1:${app.port}`,
    undefined,
  ]);
  assertMatch(stepOf(found, "tunnel"), /plain HTTP/);
});

onBothNets("explain, says what stands in the way: circuit, limit, fault", async (net) => {
  await using app = await Instance.start("app");
  await using plane = await startPlane({
    net,
    services: { Svc: [app.port] },
    policy: { calls: { breaker: { force: "open" } } },
  });
  const open = await explained(plane, "http://Svc/");
  assertEquals([open.failure!.code, stepOf(open, "circuit")], ["circuit_open", "open"]);
  await plane.setPolicy({
    calls: { breaker: { force: "none" }, concurrency: { limit: 1, queue: 1 } },
  });
  const release = Promise.withResolvers<void>();
  app.held = release.promise;
  const client = await plane.client();
  client.send(head("GET / HTTP/1.1", "Host: Svc"));
  await plane.until(() => app.count === 1, "the request");
  const busy = await explained(plane, "http://Svc/");
  assertEquals(stepOf(busy, "limit"), "1 of 1 under way; it waits for its turn");
  await plane.setPolicy({ calls: { concurrency: { limit: 1, queue: 0 } } });
  const full = await explained(plane, "http://Svc/");
  assertEquals(full.failure, {
    code: "concurrency_limit",
    detail: "1 calls to Svc are under way and 0 wait",
  });
  release.resolve();
  assertEquals((await client.message()).body, "app");
  await plane.setPolicy({
    calls: {
      concurrency: { limit: 0 },
      fault: { delay: { ms: 70, share: 1 }, abort: { status: 418, share: 1 } },
    },
  });
  const faulty = await explained(plane, "http://Svc/");
  assertEquals([faulty.failure!.code, stepOf(faulty, "fault")], [
    "fault_injected",
    "a rule delays it by 70 ms",
  ]);
  assertMatch(stepOf(faulty, "end"), /^answered with 418/);
});
