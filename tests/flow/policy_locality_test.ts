/** Endpoints of the own zone come first, and what they cannot carry spills over little by little. */
import { assert, assertEquals } from "@test/assert";
import { endpointBase, endpointSlot, endpointStates } from "../../lib/plane/counters.ts";
import { type Instance, Instances } from "../support/instance.ts";
import { share, statuses, volley } from "../support/load.ts";
import { type EndpointSpec, onOneNet, type Plane, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";

const names = ["near 1", "near 2", "near 3", "near 4", "far 1", "far 2", "far 3", "far 4"];

function placed(instances: Instances): readonly EndpointSpec[] {
  return instances.all.map(({ name, port }, slot) => ({
    port,
    slot,
    region: "r1",
    zone: name.startsWith("near") ? "a" : "b",
  }));
}

/** Share of so many answers that came from the own zone. */
async function nearShare(plane: Plane, count: number): Promise<number> {
  const shots = await volley(plane.port(), { count, request: { host: "Svc" } });
  assertEquals(statuses(shots), { 200: count });
  return share(shots, ({ body }) => body.startsWith("near"));
}

/** Calls until it is found out that they are gone. */
async function untilFoundOut(plane: Plane, gone: readonly Instance[]): Promise<void> {
  const unreachable = endpointStates.indexOf("unreachable");
  const slots = gone.map(({ name }) => names.indexOf(name));
  for (let calls = 0; calls < 2000; calls += 20) {
    await nearShare(plane, 20);
    await plane.quiet();
    const states = slots.map((slot) =>
      plane.supervisor.counter(endpointBase(slot) + endpointSlot.state)
    );
    if (states.every((state) => state === unreachable)) return;
  }
  throw new Error(`${gone.map(({ name }) => name)} are still taken for well`);
}

onOneNet(
  "zone, calls stay in it while it can carry them, and spill over as it fails",
  async (net) => {
    await using instances = await Instances.start(...names);
    await using plane = await startPlane({
      net,
      services: { Svc: placed(instances) },
      policy: {
        traffic: { zone: "a", region: "r1" },
        calls: { balance: { locality: "prefer" } },
        // Refused ports are passed over for as long as the test runs.
        ejectMs: 60_000,
      },
    });
    const shares = [await nearShare(plane, 200)];
    // One of four, three of four, all of them.
    for (const count of [1, 2, 1]) {
      const alive = instances.all.filter(({ name, stopped }) =>
        name.startsWith("near") && !stopped
      );
      const gone = alive.slice(0, count);
      for (const each of gone) await each.stop();
      await untilFoundOut(plane, gone);
      shares.push(await nearShare(plane, alive.length - count === 1 ? 800 : 200));
    }
    say(
      `zone: ${
        shares.map((each) => `${(each * 100).toFixed(0)} %`).join(", ")
      } near with 4, 3, 1, 0 of 4 there`,
    );
    const [all, three, one, none] = shares as [number, number, number, number];
    assertEquals([all, none], [1, 0]);
    // The headroom of 1.4 carries one that is missing; with one of four it carries 1.4 * 2 / 5.
    assert(three > 0.95, `${three}`);
    // Five standard deviations of 800 draws.
    assert(Math.abs(one - 0.56) < 0.088, `${one}`);
    await plane.quiet();
  },
);

onOneNet("zone, without a preference all zones have the same share", async (net) => {
  await using instances = await Instances.start(...names);
  await using plane = await startPlane({
    net,
    services: { Svc: placed(instances) },
    policy: { traffic: { zone: "a", region: "r1" }, calls: { balance: { locality: "off" } } },
  });
  assertEquals(await nearShare(plane, 200), 0.5);
  await plane.quiet();
});
