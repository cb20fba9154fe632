/** Mirrors: copies of requests for another target, which cost the caller nothing whatever becomes of them. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { RouteRule } from "../../lib/core/traffic.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instance, Instances } from "../support/instance.ts";
import { latency, share, volley } from "../support/load.ts";
import {
  type EndpointSpec,
  onBothNets,
  onBothNetsAtOnce,
  type Plane,
  startPlane,
} from "../support/plane.ts";
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
  for (const [index, method] of ["GET", "POST", "PUT"].entries()) {
    const asked = await ask(plane, "Svc", {
      method,
      path: "/a?b=c",
      fields: ["X-User: me"],
      ...(method === "GET" ? {} : { body }),
    });
    assertEquals([asked.status, asked.body], [200, "own"]);
    await plane.until(() => copy!.count === index + 1, "its copy");
  }
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
  const count = 600;
  // Two at a time, so that there are never as many copies under way as there may be at most.
  await volley(plane.port(), { count, atATime: 2, request: { host: "Svc" } });
  await plane.until(() => copy!.count === plane.count("Copy", "mirrored"), "the last copies");
  // Five standard deviations.
  assert(Math.abs(copy!.count / count - 0.5) < 0.102, `${instances.counts}`);
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

/** How long a copy may wait for an answer. Units: milliseconds. */
const copyMs = 1200;

for (const { title, prepare } of targets) {
  onBothNetsAtOnce(`mirror, a target that ${title} costs the caller nothing`, async (net) => {
    await using instances = await Instances.start("own", "copy");
    const [own, copy] = instances.all;
    await using plane = await copying(net, { own: [own!.port], copies: [prepare(copy!)] });
    await plane.publish("Plain", [own!.port]);
    await plane.setPolicy({ services: { Copy: { responseMs: copyMs } } });
    // Every second one is not copied: what the machine does to it, it does to both.
    const begunMs = performance.now();
    const all = await volley(plane.port(), {
      count: 300,
      request: (index) => ({ host: index % 2 === 0 ? "Svc" : "Plain" }),
    });
    const shots = all.filter((_, index) => index % 2 === 0);
    const plain = all.filter((_, index) => index % 2 === 1);
    assertEquals(share(all, ({ status, body }) => status === 200 && body === "own"), 1);
    const p95Ms = latency(shots, 0.95), plainMs = latency(plain, 0.95);
    say(
      `${net}, mirror that ${title}: ${shots.length} requests, p50 ${
        latency(shots, 0.5)
      } ms, p95 ${p95Ms} ms, of those ` +
        `without a copy ${plainMs} ms; ${plane.count("Copy", "mirrored")} copies made`,
    );
    assert(p95Ms < plainMs + 200, `p95 ${p95Ms} ms, ${plainMs} ms without a copy`);
    assertEquals(plane.failures, []);
    await plane.quiet();
    // They come to an end themselves, and copies go on afterwards.
    if (title === "never answers") {
      const before = plane.count("Copy", "mirrored");
      const tookMs = performance.now() - begunMs;
      // Bounded: beyond so many under way no more are made, until they have ended.
      const most = 64 * (1 + Math.floor(tookMs / copyMs));
      assert(before <= most, `${before} copies in ${tookMs} ms`);
      await plane.until(() => copy!.count === before, "the copies");
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
    // When the test fails before, what becomes of it is no news.
    first.catch(() => {});
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
    assertEquals(plane.count("Copy", "mirrored"), 1);
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
  assertEquals([plane.count("Copy", "mirrored"), copy!.count], [0, 0]);
});
