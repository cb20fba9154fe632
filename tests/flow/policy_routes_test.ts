/** Routes: which requests a rule is for, and which instances they then go to. */
import { assert, assertEquals } from "@test/assert";
import type { RequestMatch, RouteRule, RouteTarget } from "../../lib/core/traffic.ts";
import { ask, type AskOptions, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { share, volley } from "../support/load.ts";
import { type EndpointSpec, onBothNets, startPlane } from "../support/plane.ts";

/** Two old instances and a new one. */
function versions(instances: Instances): readonly EndpointSpec[] {
  const [one, two, three] = instances.ports;
  return [
    { port: one!, version: "1.2.0", tags: { zone: "a" } },
    { port: two!, version: "1.9.0", tags: { zone: "b", tier: "gold" } },
    { port: three!, version: "1.10.0", tags: { zone: "b" } },
  ];
}

const canary: RouteRule = {
  name: "canary",
  targets: [
    { subset: { version: "1.9.0" }, weight: 90 },
    { subset: { version: "1.10.0" }, weight: 10 },
  ],
};

onBothNets("routes, a weighted canary gets its share and no more", async (net) => {
  await using instances = await Instances.start("old", "stable", "canary");
  await using plane = await startPlane({
    net,
    services: { Svc: versions(instances) },
    policy: { services: { Svc: { routes: [canary] } } },
  });
  // The turns are exact over each hundred.
  const shots = await volley(plane.port(), { count: 300, request: { host: "Svc" } });
  assertEquals(share(shots, ({ body }) => body === "canary"), 0.1);
  assertEquals(share(shots, ({ body }) => body === "stable"), 0.9);
  assertEquals(instances.counts[0], 0);
  await plane.quiet();
});

onBothNets(
  "routes, a sticky share keeps each user on one side, whatever the share",
  async (net) => {
    await using instances = await Instances.start("old", "stable", "canary");
    const routes = (weight: number): readonly RouteRule[] => [{
      name: "canary",
      sticky: { kind: "header", name: "X-User" },
      targets: [
        { subset: { version: "1.9.0" }, weight: 100 - weight },
        { subset: { version: "1.10.0" }, weight },
      ],
    }];
    await using plane = await startPlane({
      net,
      services: { Svc: versions(instances) },
      policy: { services: { Svc: { routes: routes(30) } } },
    });
    const sides = async () => {
      const found: string[] = [];
      for (let user = 0; user < 60; user++) {
        found.push((await ask(plane, "Svc", { fields: [`x-user: user ${user}`] })).body);
      }
      return found;
    };
    const first = await sides();
    assertEquals(await sides(), first);
    const onCanary = first.filter((side) => side === "canary").length;
    assert(onCanary >= 8 && onCanary <= 28, `${onCanary} of 60 users for 30 %`);
    await plane.setPolicy({ services: { Svc: { routes: routes(60) } } });
    const wider = await sides();
    for (const [user, side] of first.entries()) {
      if (side === "canary") assertEquals(wider[user], "canary", `user ${user} was moved back`);
    }
    assert(wider.filter((side) => side === "canary").length > onCanary);
    await plane.quiet();
  },
);

/** Rules by what they match, with one request that fits and some that do not. */
const matches: readonly {
  readonly title: string;
  readonly match: RequestMatch;
  readonly fits: readonly AskOptions[];
  readonly others: readonly AskOptions[];
}[] = [
  {
    title: "method",
    match: { methods: ["PUT", "delete"] },
    fits: [{ method: "PUT" }, { method: "DELETE" }],
    others: [{}, { method: "POST", body: "x" }],
  },
  {
    title: "path",
    match: { path: { prefix: "/v2/" } },
    fits: [{ path: "/v2/a?b=c" }, { path: "http://Svc/v2/a" }],
    others: [{}, { path: "/v1?x=/v2/" }],
  },
  {
    title: "header",
    match: { headers: [{ name: "X-Build", value: { atLeast: 7 } }] },
    fits: [{ fields: ["x-build: 7"] }, { fields: ["X-BUILD: 12"] }],
    others: [{}, { fields: ["X-Build: 6"] }, { fields: ["X-Build: beta"] }],
  },
  {
    title: "cookie",
    match: { cookies: [{ name: "beta", value: { exact: "yes" } }] },
    fits: [{ fields: ["Cookie: a=b; beta=yes"] }, { fields: ["Cookie: a=b", "Cookie: beta=yes"] }],
    others: [{}, { fields: ["Cookie: abeta=yes"] }],
  },
  {
    title: "query",
    match: { queries: [{ name: "lang", value: { regex: "^de" } }] },
    fits: [{ path: "/?a=b&lang=de-AT" }],
    others: [{}, { path: "/?lang=en" }, { path: "/lang=de" }],
  },
  {
    title: "caller",
    match: { callers: ["shop"] },
    fits: [{}, { fields: ['x-cse-context: {"x-cse-src-microservice":"other"}'] }],
    others: [],
  },
  {
    title: "one of several",
    match: { any: [{ methods: ["PUT"] }, { path: { suffix: ".json" } }] },
    fits: [{ method: "PUT" }, { path: "/a.json" }],
    others: [{ path: "/a.xml" }],
  },
];

for (const { title, match, fits, others } of matches) {
  onBothNets(`routes, match by ${title}`, async (net) => {
    await using instances = await Instances.start("usual", "usual", "chosen");
    const rule = { name: title, match, targets: [{ subset: { version: "1.10.0" }, weight: 1 }] };
    const rest = { name: "rest", targets: [{ subset: { version: "1.2.0" }, weight: 1 }] };
    await using plane = await startPlane({
      net,
      services: { Svc: versions(instances) },
      policy: { service: "shop", services: { Svc: { routes: [rule, rest] } } },
    });
    for (const request of fits) assertEquals((await ask(plane, "Svc", request)).body, "chosen");
    for (const request of others) assertEquals((await ask(plane, "Svc", request)).body, "usual");
    await plane.quiet();
  });
}

const subsets: readonly {
  readonly subset: NonNullable<RouteTarget["subset"]>;
  readonly found: readonly string[];
}[] = [
  { subset: { version: "1.2.0" }, found: ["one"] },
  { subset: { version: "latest" }, found: ["three"] },
  { subset: { zone: "b" }, found: ["two", "three"] },
  { subset: { zone: "b", tier: "gold" }, found: ["two"] },
  { subset: { zone: "b", version: "latest" }, found: ["three"] },
];

onBothNets("routes, subsets by version, by properties and by the latest version", async (net) => {
  await using instances = await Instances.start("one", "two", "three");
  await using plane = await startPlane({ net, services: { Svc: versions(instances) } });
  for (const { subset, found } of subsets) {
    const routes = [{ name: "part", targets: [{ subset, weight: 1 }] }];
    await plane.setPolicy({ services: { Svc: { routes } } });
    const bodies = new Set<string>();
    for (let index = 0; index < 6; index++) bodies.add((await ask(plane, "Svc")).body);
    assertEquals([...bodies].toSorted(), found.toSorted(), JSON.stringify(subset));
  }
  // A newer one appears, and is the latest from then on.
  await plane.setPolicy({
    services: {
      Svc: { routes: [{ name: "part", targets: [{ subset: { version: "latest" }, weight: 1 }] }] },
    },
  });
  const [first, ...others] = versions(instances);
  await plane.publish("Svc", [{ ...first as { port: number }, version: "2.0.0" }, ...others]);
  assertEquals((await ask(plane, "Svc")).body, "one");
  // Nobody is left in the subset: said with its name.
  await plane.setPolicy({
    services: { Svc: { routes: [{ name: "x", targets: [{ subset: { zone: "x" }, weight: 1 }] }] } },
    timeouts: { resolveMs: 200 },
  });
  const asked = await ask(plane, "Svc");
  assertEquals([asked.status, problemOf(asked).code], [503, "no_endpoint"]);
  assert(problemOf(asked).detail.includes("zone=x"), problemOf(asked).detail);
  await plane.quiet();
});

onBothNets("routes, a rule sends to another service, known already or not yet", async (net) => {
  await using instances = await Instances.start("own", "other");
  const [own, other] = instances.ports;
  const rule: RouteRule = {
    name: "moved",
    match: { path: { prefix: "/moved" } },
    targets: [{ service: "Other", weight: 1 }],
  };
  await using plane = await startPlane({
    net,
    services: { Svc: [own!], Other: [other!], Gone: [own!] },
    policy: {
      services: {
        Svc: { routes: [rule] },
        Gone: { routes: [{ name: "nowhere", targets: [{ service: "Nobody", weight: 1 }] }] },
      },
    },
  });
  assertEquals((await ask(plane, "Svc")).body, "own");
  for (const body of ["order", undefined, "order"]) {
    const request = { path: "/moved", method: "POST", ...(body === undefined ? {} : { body }) };
    assertEquals((await ask(plane, "Svc", request)).body, "other");
  }
  assertEquals(plane.asked, ["Svc", "Other"]);
  assertEquals(instances.all[1]!.arrivals.map(({ body }) => body), ["order", "", "order"]);
  // They are the other service's, also in the counters.
  assertEquals([plane.count("Svc", "requests"), plane.count("Other", "requests")], [1, 3]);
  const asked = await ask(plane, "Gone");
  assertEquals([asked.status, problemOf(asked).code], [503, "service_unknown"]);
  await plane.quiet();
  assertEquals([plane.count("Svc", "open"), plane.count("Other", "open")], [0, 0]);
});
