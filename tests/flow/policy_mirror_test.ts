/** Mirrors: copies of requests for another target, which cost the caller nothing whatever becomes of them. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { RouteRule } from "../../lib/core/traffic.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instance, Instances } from "../support/instance.ts";
import { latency, OpenLoop, statuses } from "../support/load.ts";
import { type EndpointSpec, onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { head } from "../support/raw.ts";

function mirrored(mirror: NonNullable<RouteRule["mirror"]>): readonly RouteRule[] {
  return [{ name: "copy", targets: [], mirror }];
}

/** A service and one for its copies, which this thread knows already. */
async function copying(
  net: Plane["net"],
  { own, copies, share = 1 }: {
    readonly own: readonly EndpointSpec[];
    readonly copies: readonly EndpointSpec[];
    readonly share?: number;
  },
): Promise<Plane> {
  const plane = await startPlane({
    net,
    services: { Svc: own, Copy: copies },
    policy: { timeouts: { connectMs: 300 } },
  });
  await plane.publish("Copy", copies);
  await plane.setPolicy({ services: { Svc: { routes: mirrored({ service: "Copy", share }) } } });
  return plane;
}

onBothNets("mirror, head and body are copied, and the copy's answer goes nowhere", async (net) => {
  await using instances = await Instances.start("own", "copy");
  const [own, copy] = instances.all;
  copy!.status = "500 Internal Server Error";
  await using plane = await copying(net, { own: [own!.port], copies: [copy!.port] });
  const body = "b".repeat(5000);
  for (const method of ["GET", "POST", "PUT"]) {
    const asked = await ask(plane, "Svc", {
      method,
      path: "/a?b=c",
      fields: ["X-User: me"],
      ...(method === "GET" ? {} : { body }),
    });
    assertEquals([asked.status, asked.body], [200, "own"]);
  }
  await plane.until(() => copy!.count === 3, "three copies");
  const told = ({ arrivals }: Instance) => arrivals.map((each) => [each.head, each.body]);
  assertEquals(told(copy!), told(own!));
  assertEquals(plane.count("Copy", "mirrored"), 3);
  // They are no requests of the copy's service, and its failures are nobody's.
  assertEquals([plane.count("Copy", "requests"), plane.failures.length], [0, 0]);
  await plane.quiet();
});

onBothNets("mirror, by share", async (net) => {
  await using instances = await Instances.start("own", "copy");
  const [own, copy] = instances.all;
  await using plane = await copying(net, { own: [own!.port], copies: [copy!.port], share: 0.5 });
  await using load = new OpenLoop(plane.port(), { perSecond: 200, request: { host: "Svc" } });
  await load.at(1000);
  await load.stop();
  await plane.until(() => copy!.count === plane.count("Copy", "mirrored"), "the last copies");
  assert(Math.abs(copy!.count / own!.count - 0.5) < 0.15, `${instances.counts}`);
  await plane.quiet();
});

const targets: readonly {
  readonly title: string;
  readonly prepare: (copy: Instance) => number;
}[] = [
  {
    title: "never answers",
    prepare: (copy) => {
      copy.held = new Promise(() => {});
      return copy.port;
    },
  },
  { title: "refuses connections", prepare: () => deadPort() },
];

for (const { title, prepare } of targets) {
  onBothNets(`mirror, a target that ${title} costs the caller nothing`, async (net) => {
    await using instances = await Instances.start("own", "copy");
    const [own, copy] = instances.all;
    await using plane = await copying(net, { own: [own!.port], copies: [prepare(copy!)] });
    await plane.setPolicy({ services: { Copy: { responseMs: 1500 } } });
    await using load = new OpenLoop(plane.port(), { perSecond: 150, request: { host: "Svc" } });
    await load.at(1000);
    const shots = await load.stop();
    assertEquals(statuses(shots), { 200: shots.length });
    assert(latency(shots, 0.95) < 100, `p95 ${latency(shots, 0.95)} ms`);
    say(
      `mirror that ${title}: ${shots.length} requests, p50 ${latency(shots, 0.5)} ms, p99 ` +
        `${latency(shots, 0.99)} ms; ${
          plane.count("Copy", "mirrored")
        } copies made, most under way ${copy!.peak}`,
    );
    // Bounded: beyond so many under way no more are made.
    assert(copy!.peak <= 64, `${copy!.peak} copies at a time`);
    assertEquals(plane.failures, []);
    await plane.quiet();
    // They come to an end themselves, and copies go on afterwards.
    if (title === "never answers") {
      assert(plane.count("Copy", "mirrored") < shots.length, "there was no bound");
      const before = copy!.count;
      await plane.until(() => {
        const gone = copy!.connections.filter(({ end }) => end !== undefined).length;
        return gone >= before;
      }, "the end of the copies");
      copy!.held = undefined;
      assertEquals((await ask(plane, "Svc")).status, 200);
      await plane.until(() => copy!.count === before + 1, "another copy");
    }
  });
}

onBothNets(
  "mirror, a body that was not kept is not copied, nor is a request that was refused",
  async (net) => {
    await using instances = await Instances.start("own", "copy");
    const [own, copy] = instances.all;
    await using plane = await copying(net, { own: [own!.port], copies: [copy!.port] });
    const large = "l".repeat(200_000);
    assertEquals((await ask(plane, "Svc", { method: "POST", body: large })).status, 200);
    let release = () => {};
    own!.held = new Promise((resolve) => release = resolve);
    await plane.setPolicy({
      services: {
        Svc: {
          routes: mirrored({ service: "Copy", share: 1 }),
          concurrency: { limit: 1, queue: 1, queueMs: 100 },
        },
      },
    });
    const first = ask(plane, "Svc", { path: "/first" });
    await plane.until(() => own!.count === 2, "the first request");
    // One waits in vain, one finds the line full.
    const others = await Promise.all([
      ask(plane, "Svc", { path: "/second" }),
      ask(plane, "Svc", { path: "/third" }),
    ]);
    assertEquals(others.map(({ status }) => status), [503, 503]);
    release();
    assertEquals((await first).status, 200);
    await plane.until(() => copy!.count >= 1, "the copy of the first");
    await plane.setPolicy({
      services: { Svc: { fault: { abort: { status: 418, share: 1 } }, concurrency: { limit: 0 } } },
    });
    assertEquals((await ask(plane, "Svc", { path: "/aborted" })).status, 418);
    await plane.quiet();
    assertEquals(copy!.arrivals.map((each) => each.head.split(" ")[1]), ["/first"]);
  },
);

onBothNets(
  "mirror, to a service nobody has asked for yet: copied once it is known",
  async (net) => {
    await using instances = await Instances.start("own", "copy");
    const [own, copy] = instances.all;
    await using plane = await startPlane({
      net,
      services: { Svc: [own!.port], Copy: [copy!.port] },
      policy: { services: { Svc: { routes: mirrored({ service: "Copy", share: 1 }) } } },
    });
    assertEquals((await ask(plane, "Svc")).status, 200);
    await plane.message((each) => each.kind === "resolve" && each.name === "Copy", "the question");
    await plane.setPolicy({});
    assertEquals((await ask(plane, "Svc")).status, 200);
    await plane.until(() => copy!.count === 1, "a copy");
    // A mirror nobody knows is no failure of the call.
    await plane.setPolicy({ services: { Svc: { routes: mirrored({ service: "No", share: 1 }) } } });
    for (let index = 0; index < 2; index++) assertEquals((await ask(plane, "Svc")).status, 200);
    await plane.quiet();
  },
);

onBothNets("mirror, an upgrade is not copied", async (net) => {
  await using instances = await Instances.start("own", "copy");
  const [own, copy] = instances.all;
  own!.status = "426 Upgrade Required";
  await using plane = await copying(net, { own: [own!.port], copies: [copy!.port] });
  const client = await plane.client();
  client.send(head("GET / HTTP/1.1", "Host: Svc", "Connection: Upgrade", "Upgrade: websocket"));
  assertMatch((await client.message()).head, /^HTTP\/1\.1 426 /);
  client.close();
  await plane.quiet();
  assertEquals(copy!.count, 0);
});
