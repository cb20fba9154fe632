/** Rules that send to another service: that service's own retries, times and balancing hold there. */
import { assert, assertEquals } from "@test/assert";
import type { RouteRule } from "../../lib/core/traffic.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { explained } from "../support/observe.ts";
import { onBothNets, onBothNetsAtOnce, startPlane } from "../support/plane.ts";
import type { ServiceChanges } from "../support/policy.ts";
import { head } from "../support/raw.ts";

const over: RouteRule = { name: "over", targets: [{ service: "Other", weight: 1 }] };

async function routed(
  net: "native" | "portable",
  ports: readonly number[],
  { other = {}, route = {}, svc = {} }: {
    readonly svc?: ServiceChanges;
    readonly other?: ServiceChanges;
    readonly route?: Partial<RouteRule>;
  },
) {
  const plane = await startPlane({
    net,
    services: { Svc: [ports[0]!], Other: ports.slice(1) },
    policy: { services: { Svc: { routes: [over] } } },
  });
  // The first one has to ask who that is; the times of the story are none of its own.
  assertEquals((await ask(plane, "Svc", { path: "/first" })).status, 200);
  await plane.setPolicy({
    services: { Svc: { ...svc, routes: [{ ...over, ...route }] }, Other: other },
  });
  return plane;
}

const retrying = { maxAttempts: 3, statuses: [503] };
const single = { maxAttempts: 1, statuses: [] };

for (
  const { title, svc, other, route, tries } of [
    { title: "that service's own", svc: single, other: retrying, route: undefined, tries: 3 },
    {
      title: "not those of the one called",
      svc: retrying,
      other: single,
      route: undefined,
      tries: 1,
    },
    {
      title: "the rule's above both, what it leaves open from the target",
      svc: single,
      other: { ...retrying, maxAttempts: 1 },
      route: { maxAttempts: 2 },
      tries: 2,
    },
  ]
) {
  onBothNets(`route to another service, retries: ${title}`, async (net) => {
    await using apps = await Instances.start("svc", "one", "two", "three");
    await using plane = await routed(net, apps.ports, {
      svc: { retry: svc },
      other: { retry: other },
      route: route === undefined ? {} : { retry: route },
    });
    for (const each of apps.all) each.status = "503 Busy";
    const before = apps.total;
    assertEquals((await ask(plane, "Svc")).status, 503);
    assertEquals([apps.total - before, apps.counts[0]], [tries, 0]);
    await plane.quiet();
  });
}

for (
  const { title, svc, other, route } of [
    { title: "that service's own", svc: 60_000, other: 100, route: undefined },
    { title: "the rule's above it", svc: 60_000, other: 60_000, route: 100 },
  ]
) {
  onBothNets(`route to another service, time for the answer: ${title}`, async (net) => {
    await using apps = await Instances.start("svc", "other");
    await using plane = await routed(net, apps.ports, {
      svc: { responseMs: svc },
      other: { responseMs: other, retry: single },
      route: route === undefined ? {} : { timeoutMs: route },
    });
    const release = Promise.withResolvers<void>();
    apps.all[1]!.held = release.promise;
    const late = await ask(plane, "Svc");
    release.resolve();
    assertEquals([late.status, problemOf(late).code], [504, "response_timeout"]);
    assert(problemOf(late).detail.includes("within 100 ms"), problemOf(late).detail);
  });
}

onBothNetsAtOnce(
  "route to another service, time for one attempt: that service's own",
  async (net) => {
    await using apps = await Instances.start("svc", "slow", "quick");
    await using plane = await routed(net, apps.ports, {
      svc: { retry: { perTryMs: 60_000 } },
      // Longer than a stall of the machine, or that would cost the quick one its attempt as well.
      other: { retry: { ...retrying, perTryMs: 800 } },
    });
    const release = Promise.withResolvers<void>();
    apps.all[1]!.held = release.promise;
    for (let index = 0; index < 2; index++) {
      const asked = await ask(plane, "Svc");
      assertEquals([asked.status, asked.body], [200, "quick"]);
    }
    release.resolve();
  },
);

const byUser = { kind: "consistent_hash", hashOn: { kind: "header", name: "x-user" } } as const;

onBothNets("route to another service, the hash: that service's own", async (net) => {
  await using apps = await Instances.start("svc", "one", "two", "three");
  await using plane = await routed(net, apps.ports, { other: { balance: byUser } });
  const of = async (user: string, host: string) =>
    (await ask(plane, host, { fields: [`x-user: ${user}`] })).body;
  const sides = new Set<string>();
  for (let user = 0; user < 20; user++) {
    const direct = await of(`${user}`, "Other");
    sides.add(direct);
    for (let again = 0; again < 3; again++) assertEquals(await of(`${user}`, "Svc"), direct);
  }
  assert(sides.size > 1, "all users on one side");
});

onBothNets("route to another service, the hash of the one called holds no more", async (net) => {
  await using apps = await Instances.start("svc", "one", "two");
  await using plane = await routed(net, apps.ports, { svc: { balance: byUser } });
  const bodies = new Set<string>();
  for (let again = 0; again < 4; again++) {
    bodies.add((await ask(plane, "Svc", { fields: ["x-user: ann"] })).body);
  }
  assertEquals(bodies, new Set(["one", "two"]));
});

onBothNets("route to another service, its sessions are that service's own", async (net) => {
  await using apps = await Instances.start("svc", "one", "two");
  await using plane = await routed(net, apps.ports, { other: { balance: { kind: "sticky" } } });
  const first = await ask(plane, "Svc");
  const cookie = /^set-cookie: ([^;\r]+)/im.exec(first.head)?.[1];
  assert(cookie !== undefined, first.head);
  for (let again = 0; again < 4; again++) {
    const next = await ask(plane, "Svc", { fields: [`Cookie: ${cookie}`] });
    assertEquals(next.body, first.body);
  }
});

onBothNets("route to another service, hedging that only the rule asks for works", async (net) => {
  await using apps = await Instances.start("svc", "slow", "quick");
  await using plane = await routed(net, apps.ports, { route: { retry: { hedge: true } } });
  const client = await plane.client();
  for (let index = 0; index < 150; index++) {
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    await client.message();
  }
  const release = Promise.withResolvers<void>();
  apps.all[1]!.held = release.promise;
  for (let index = 0; index < 4; index++) assertEquals((await ask(plane, "Svc")).body, "quick");
  release.resolve();
  assert(plane.count("Other", "retry") > 0, "nothing was hedged");
});

onBothNets("route to another service, explain shows the policy that holds", async (net) => {
  await using apps = await Instances.start("svc", "other");
  await using plane = await routed(net, apps.ports, {
    svc: { responseMs: 1111 },
    other: { responseMs: 2222 },
  });
  const found = await explained(plane, "http://Svc/");
  assertEquals([found.service, found.policy?.responseMs], ["Other", 2222]);
});
