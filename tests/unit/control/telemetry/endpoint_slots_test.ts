/** Which endpoint counts where. */
import { assert, assertEquals } from "@test/assert";
import { EndpointSlots } from "../../../../lib/control/telemetry/endpoint_slots.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { clusterOf } from "./cluster.ts";

function setUp(options: { max?: number } = {}) {
  const clock = new FakeClock();
  const slots = new EndpointSlots({ clock, restMs: 60_000, ...options });
  const assign = (service: string, ports: readonly number[]) =>
    slots.assign(clusterOf(service, ports)).endpoints.map((endpoint) => endpoint.slot);
  return { clock, slots, assign };
}

Deno.test("endpoint slots, one address of one service keeps its slot over snapshots", () => {
  const { slots, assign } = setUp();
  const [one, two] = assign("Cart", [1, 2]);
  assertEquals(assign("Cart", [2, 3, 1]), [two, 2, one]);
  assertEquals(slots.slotOf("Cart", "10.0.0.1", 1), one);
  assert(new Set([one, two, ...assign("Bill", [1, 2])]).size === 4);
});

Deno.test("endpoint slots, the slot of one that left is used again only after a while", async () => {
  const { clock, assign } = setUp({ max: 2 });
  assertEquals(assign("Cart", [1, 2]), [0, 1]);
  assertEquals(assign("Cart", [2]), [1]);
  assertEquals(assign("Cart", [2, 3]), [1, undefined]);
  await clock.advance(60_000);
  assertEquals(assign("Cart", [2, 3]), [1, 0]);
});

Deno.test("endpoint slots, a service that is forgotten frees all of its slots", async () => {
  const { clock, slots, assign } = setUp({ max: 2 });
  assign("Cart", [1, 2]);
  slots.forget("Cart");
  slots.forget("Cart");
  await clock.advance(60_000);
  assertEquals(assign("Bill", [7, 8, 9]), [0, 1, undefined]);
});

Deno.test("endpoint slots, the snapshot itself is left as it was", () => {
  const { slots } = setUp();
  const before = clusterOf("Cart", [1]);
  const after = slots.assign(before);
  assertEquals(before, clusterOf("Cart", [1]));
  assertEquals([after.service, after.endpoints[0]!.instanceId], ["Cart", "i1"]);
});

Deno.test("endpoint slots, a record that stays is the same object again, with and without a slot", () => {
  const { slots } = setUp({ max: 2 });
  const cluster = clusterOf("Cart", [1, 2, 3]);
  const first = slots.assign(cluster).endpoints;
  const second = slots.assign({ ...cluster, endpoints: cluster.endpoints.slice(1) }).endpoints;
  assertEquals(second.map((each) => each.slot), [1, undefined]);
  assert(second[0] === first[1] && second[1] === first[2]);
});

Deno.test("endpoint slots, another record of one address keeps the slot", () => {
  const { slots } = setUp({ max: 1 });
  const cluster = clusterOf("Cart", [1]);
  slots.assign(cluster);
  const [after] = slots.assign({
    ...cluster,
    endpoints: [{ ...cluster.endpoints[0]!, version: "2.0.0" }],
  }).endpoints;
  assertEquals([after!.slot, after!.version], [0, "2.0.0"]);
});
