/** Policies changed while requests run: nobody notices, and what was learned stays. */
import { assert, assertEquals } from "@test/assert";
import { balancerKinds, type RouteRule } from "../../lib/core/traffic.ts";
import { endpointBase, endpointSlot, endpointStates } from "../../lib/plane/counters.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { latency, OpenLoop, statuses, volley } from "../support/load.ts";
import { onBothNets, onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { type PolicyChanges, type ServiceChanges } from "../support/policy.ts";
import { say } from "../support/process_story.ts";
import { longMs } from "../support/time_bounds.ts";

const routes: readonly RouteRule[] = [
  {
    name: "canary",
    targets: [{ subset: { version: "2.0.0" }, weight: 1 }, {
      subset: { version: "1.0.0" },
      weight: 9,
    }],
    requestHeaders: { set: { "X-A": "b" } },
  },
];

const changes: readonly ServiceChanges[] = [
  ...balancerKinds.map((kind) => ({ balance: { kind } })),
  { outlier: { enabled: true } },
  { routes },
  { retry: { statuses: [502, 503], maxAttempts: 2 } },
  { breaker: { enabled: true, minRequests: 5 } },
  { concurrency: { limit: 500, queue: 10 } },
  { concurrency: { limit: 500, adaptive: true, minLimit: 500 } },
  { concurrency: { limit: 0, adaptive: false } },
  { rateLimits: [{ name: "many", perSecond: 10_000, burst: 10_000 }] },
  { rateLimits: [], routes: [] },
  { fault: { delay: { ms: 5, share: 0.5 } } },
  { fault: {}, responseMs: longMs },
];
/** How long each of them holds under load. Units: milliseconds. */
const eachMs = 25;

onBothNetsAtOnce(
  "live change, of every policy under load: no error, nothing left over",
  async (net) => {
    await using instances = await Instances.start("one", "two", "three");
    const [first, second, third] = instances.ports;
    await using plane = await startPlane({
      net,
      services: { Svc: [first!, second!, { port: third!, version: "2.0.0" }] },
      policy: { calls: { responseMs: longMs } },
    });
    await using load = new OpenLoop(plane.port(), {
      perSecond: 200,
      request: (index) => ({
        host: "Svc",
        method: index % 3 === 0 ? "POST" : "GET",
        ...(index % 3 === 0 ? { body: "order" } : {}),
      }),
    });
    let made = 0;
    for (let round = 0; round < 3; round++) {
      for (const change of changes) {
        const wider: PolicyChanges = made % 2 === 0
          ? { calls: change }
          : { services: { Svc: change } };
        await plane.setPolicy(wider);
        await load.at(++made * eachMs);
      }
    }
    const shots = await load.stop();
    say(
      `${net}: ${made} changes of policy under ${shots.length} requests: ${
        JSON.stringify(statuses(shots))
      }, p99 ` +
        `${latency(shots, 0.99)} ms`,
    );
    assertEquals(statuses(shots), { 200: shots.length });
    assertEquals([plane.failures, plane.errors], [[], []]);
    // Every POST was sent once.
    const posts = instances.all.flatMap((each) => each.arrivals)
      .filter((each) => each.head.startsWith("POST")).length;
    assertEquals(posts, Math.ceil(shots.length / 3));
    await plane.quiet();
  },
);

function stateOf(plane: Plane, place: number): string {
  return endpointStates[plane.supervisor.counter(endpointBase(place) + endpointSlot.state)]!;
}

onBothNets(
  "live change, endpoints that are out stay out, connections and sessions stay",
  async (net) => {
    await using instances = await Instances.start("failing", "well");
    const [failing, well] = instances.all;
    const dead = deadPort();
    failing!.status = "503 Service Unavailable";
    const outlier = { enabled: true, consecutiveFailures: 3, baseEjectMs: 30_000, panicShare: 0 };
    await using plane = await startPlane({
      net,
      services: {
        Svc: [
          { port: failing!.port, slot: 0 },
          { port: well!.port, slot: 1 },
          { port: dead, slot: 2 },
        ],
      },
      policy: { calls: { outlier, balance: { kind: "sticky" } } },
    });
    let cookie = "";
    while (failing!.count < 3 || stateOf(plane, 2) !== "unreachable") await ask(plane, "Svc");
    assertEquals([0, 1, 2].map((place) => stateOf(plane, place)), [
      "ejected",
      "healthy",
      "unreachable",
    ]);
    cookie = /go-chassisLB=\S+?(?=;)/.exec((await ask(plane, "Svc")).head)![0];
    const connections = well!.connections.length;
    for (
      const change of [
        { responseMs: longMs },
        { retry: { maxAttempts: 2 } },
        { routes: [{ name: "marked", targets: [], requestHeaders: { set: { "X-A": "b" } } }] },
        { routes: [] },
        { concurrency: { limit: 5 } },
      ] satisfies readonly ServiceChanges[]
    ) {
      await plane.setPolicy({ services: { Svc: change } });
      const fields = [`Cookie: ${cookie}`];
      assertEquals((await ask(plane, "Svc", { fields })).body, "well");
      assertEquals([0, 1, 2].map((place) => stateOf(plane, place)), [
        "ejected",
        "healthy",
        "unreachable",
      ]);
    }
    assertEquals(well!.connections.length, connections);
    assertEquals(failing!.count, 3);
    // Another way of balancing does not bring back what is out either.
    await plane.setPolicy({ services: { Svc: { balance: { kind: "least_request" } } } });
    for (let index = 0; index < 6; index++) assertEquals((await ask(plane, "Svc")).body, "well");
    // Without detection what it had found out counts no more.
    await plane.setPolicy({ services: { Svc: { outlier: { enabled: false } } } });
    failing!.status = "200 OK";
    const shots = await volley(plane.port(), { count: 60, request: { host: "Svc" } });
    assert(shots.some(({ body }) => body === "failing"), "it was never asked again");
    await plane.quiet();
  },
);

onBothNets(
  "live change, a session binding outlives changes of what has nothing to do with it",
  async (net) => {
    await using instances = await Instances.start("one", "two", "three");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports.slice(0, 2) },
      policy: { calls: { balance: { kind: "sticky" } } },
    });
    const sessions: { cookie: string; body: string }[] = [];
    for (let index = 0; index < 8; index++) {
      const { body, head } = await ask(plane, "Svc");
      sessions.push({ body, cookie: /go-chassisLB=\S+?(?=;)/.exec(head)![0] });
    }
    // A third one joins: by hash alone some would move there.
    await plane.publish("Svc", instances.ports);
    await plane.setPolicy({ calls: { responseMs: longMs }, retry: { maxAttempts: 1 } });
    for (const { body, cookie } of sessions) {
      assertEquals((await ask(plane, "Svc", { fields: [`Cookie: ${cookie}`] })).body, body);
    }
    await plane.quiet();
  },
);
