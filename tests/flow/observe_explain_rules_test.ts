/** Explanations where rules decide: which one fits, where it sends, and what it does instead. */
import { assertEquals, assertMatch } from "@test/assert";
import type { RouteRule } from "../../lib/core/traffic.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { explained, statesOf, stepOf } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";

onBothNets("explain, rules: which one fits, its subset, and who is not in it", async (net) => {
  await using apps = await Instances.start("old", "new");
  const [old, fresh] = apps.ports;
  const routes: readonly RouteRule[] = [
    {
      name: "beta",
      match: { headers: [{ name: "x-beta", value: { exact: "1" } }] },
      targets: [{ subset: { version: "2.0.0" }, weight: 1 }],
    },
    {
      name: "moved",
      match: { path: { prefix: "/old" } },
      targets: [],
      redirect: { status: 308, location: "/new" },
    },
    {
      name: "none",
      match: { path: { prefix: "/none" } },
      targets: [{ subset: { zone: "x" }, weight: 1 }],
    },
    { name: "rest", targets: [] },
  ];
  await using plane = await startPlane({
    net,
    services: { Svc: [{ port: old!, version: "1.0.0" }, { port: fresh!, version: "2.0.0" }] },
    policy: { services: { Svc: { routes } } },
  });
  const beta = await explained(plane, "http://Svc/", { headers: [["X-Beta", "1"]] });
  assertEquals([beta.route, beta.pick, stepOf(beta, "rule")], [
    "beta",
    `127.0.0.1:${fresh}`,
    '"beta" fits',
  ]);
  assertEquals(statesOf(beta), ["healthy: it is not in the subset version=2.0.0", "healthy"]);
  const plain = await explained(plane, "http://Svc/");
  assertEquals(
    [plain.route, stepOf(plain, "rule")],
    ["rest", '"beta" does not fit; "moved" does not fit; "none" does not fit; "rest" fits'],
  );
  const moved = await explained(plane, "http://Svc/old/a");
  assertEquals([moved.route, moved.pick, moved.failure], ["moved", undefined, undefined]);
  assertMatch(stepOf(moved, "end"), /redirects; nothing is sent/);
  const none = await explained(plane, "http://Svc/none");
  const real = problemOf(await ask(plane, "Svc", { path: "/none" }));
  assertEquals([none.failure!.code, none.candidates.length], ["no_endpoint", 2]);
  assertEquals(
    `${none.failure!.detail[0]!.toUpperCase()}${none.failure!.detail.slice(1)}.`,
    real.detail,
  );
});

onBothNets(
  "explain, a rule to another service is followed, also to one never called",
  async (net) => {
    await using apps = await Instances.start("own", "other");
    await using plane = await startPlane({
      net,
      services: { Svc: [apps.ports[0]!], Other: [apps.ports[1]!] },
      policy: {
        services: {
          Svc: { routes: [{ name: "over", targets: [{ service: "Other", weight: 1 }] }] },
        },
      },
    });
    const found = await explained(plane, "http://Svc/");
    assertEquals(
      [found.service, found.pick, found.failure],
      ["Other", `127.0.0.1:${apps.ports[1]}`, undefined],
    );
    assertMatch(stepOf(found, "rule"), /it sends to "Other", which was not called before/);
    assertEquals((await ask(plane, "Svc")).body, "other");
  },
);
