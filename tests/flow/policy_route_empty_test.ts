/** Rules whose targets have no endpoint: those are passed over, and their weight goes to the others. */
import { assertEquals, assertMatch } from "@test/assert";
import type { RouteRule, RouteTarget } from "../../lib/core/traffic.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { explained, stepOf } from "../support/observe.ts";
import { type EndpointSpec, onBothNets, startPlane } from "../support/plane.ts";

const version = (text: string, weight: number): RouteTarget => ({
  subset: { version: text },
  weight,
});

function canary(...targets: readonly RouteTarget[]): RouteRule {
  return { name: "canary", targets };
}

function versions({ ports }: Instances): readonly EndpointSpec[] {
  return ports.map((port, index) => ({ port, version: `${index + 1}.0.0` }));
}

onBothNets("route, the share of a subset without endpoints goes to the others", async (net) => {
  await using apps = await Instances.start("one", "two");
  const rule = canary(version("1.0.0", 60), version("2.0.0", 20), version("9.0.0", 20));
  await using plane = await startPlane({
    net,
    services: { Svc: versions(apps) },
    policy: { services: { Svc: { routes: [rule] } } },
  });
  for (let index = 0; index < 100; index++) assertEquals((await ask(plane, "Svc")).status, 200);
  assertEquals(apps.counts, [75, 25]);
  assertEquals(plane.countFailures("Svc", "no_endpoint"), 0);
  // As soon as there is somebody it has its share.
  await plane.publish("Svc", [{ port: apps.ports[0]!, version: "9.0.0" }, {
    port: apps.ports[1]!,
    version: "2.0.0",
  }]);
  for (let index = 0; index < 100; index++) await ask(plane, "Svc");
  assertEquals(apps.counts, [125, 75]);
});

onBothNets("route, users whose side has nobody stay together on another one", async (net) => {
  await using apps = await Instances.start("one", "two");
  const rule: RouteRule = {
    ...canary(version("1.0.0", 40), version("2.0.0", 40), version("9.0.0", 20)),
    sticky: { kind: "header", name: "x-user" },
  };
  await using plane = await startPlane({
    net,
    services: { Svc: versions(apps) },
    policy: { services: { Svc: { routes: [rule] } } },
  });
  for (let user = 0; user < 20; user++) {
    const fields = [`x-user: ${user}`];
    const { body } = await ask(plane, "Svc", { fields });
    for (let again = 0; again < 2; again++) {
      assertEquals((await ask(plane, "Svc", { fields })).body, body);
    }
  }
});

for (
  const { title, service } of [
    { title: "without instances", service: "Bare" },
    { title: "that nobody knows", service: "Nobody" },
  ]
) {
  onBothNets(`route, a target service ${title} is passed over`, async (net) => {
    await using apps = await Instances.start("own");
    const rule = canary({ service, weight: 50 }, { weight: 50 });
    await using plane = await startPlane({
      net,
      services: { Svc: versions(apps), Bare: [] },
      policy: { services: { Svc: { routes: [rule] } } },
    });
    for (let index = 0; index < 6; index++) assertEquals((await ask(plane, "Svc")).body, "own");
    await plane.quiet();
    assertEquals(plane.count("Svc", "requests"), 6);
    const found = await explained(plane, "http://Svc/");
    assertEquals([found.service, found.failure], ["Svc", undefined]);
  });
}

onBothNets("route, where no target has anybody the answer names all of them", async (net) => {
  await using apps = await Instances.start("one");
  const rule = canary(version("8.0.0", 90), version("9.0.0", 10));
  await using plane = await startPlane({
    net,
    services: { Svc: versions(apps) },
    policy: { services: { Svc: { routes: [rule] } } },
  });
  const asked = await ask(plane, "Svc");
  assertEquals([asked.status, problemOf(asked).code], [503, "no_endpoint"]);
  assertEquals(
    problemOf(asked).detail,
    'No target of the rule "canary" has an endpoint (version=8.0.0; version=9.0.0).',
  );
  const found = await explained(plane, "http://Svc/");
  assertEquals(found.failure?.code, "no_endpoint");
  assertMatch(found.failure!.detail, /version=8\.0\.0; version=9\.0\.0/);
  assertEquals(apps.total, 0);
});

onBothNets("route, the only target of a rule is never left for others", async (net) => {
  await using apps = await Instances.start("one");
  await using plane = await startPlane({
    net,
    services: { Svc: versions(apps) },
    policy: { services: { Svc: { routes: [canary(version("9.0.0", 1))] } } },
  });
  const asked = await ask(plane, "Svc");
  assertEquals(asked.status, 503);
  assertMatch(problemOf(asked).detail, /version=9\.0\.0/);
});

onBothNets("route, explain says what is passed over and takes no turn for it", async (net) => {
  await using apps = await Instances.start("one", "two");
  const rule = canary(version("9.0.0", 98), version("1.0.0", 1), version("2.0.0", 1));
  await using plane = await startPlane({
    net,
    services: { Svc: versions(apps) },
    policy: { services: { Svc: { routes: [rule] } } },
  });
  await ask(plane, "Svc");
  const first = await explained(plane, "http://Svc/");
  assertMatch(stepOf(first, "rule"), /passed over, having no endpoint: version=9\.0\.0/);
  assertEquals((await explained(plane, "http://Svc/")).pick, first.pick);
  const { body } = await ask(plane, "Svc");
  assertEquals(`127.0.0.1:${apps.ports[body === "one" ? 0 : 1]}`, first.pick);
});
