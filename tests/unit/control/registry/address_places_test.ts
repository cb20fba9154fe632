/** Which of several addresses of a registry are near, by what the registry says of its own instances. */
import { assertEquals } from "@test/assert";
import { AddressPlaces, ranksOf } from "../../../../lib/control/registry/address_places.ts";
import { AddressRing } from "../../../../lib/control/registry/addresses.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const own = { region: "r1", zone: "a" };
const addresses = ["http://10.0.0.1:30100", "http://10.0.0.2:30100", "https://registry.example"];

const member = (endpoint: string, region?: string, availableZone?: string) => ({
  instanceId: endpoint,
  endpoints: [endpoint],
  ...(region === undefined ? {} : { dataCenterInfo: { name: region, region, availableZone } }),
});

for (
  const [what, instances, ranks] of [
    ["the own zone", [member("rest://10.0.0.1:30100/", "r1", "a")], [[addresses[0], 0]]],
    ["another zone", [member("rest://10.0.0.1:30100/", "r1", "b")], [[addresses[0], 1]]],
    ["the same zone name elsewhere", [member("rest://10.0.0.1:30100/", "r2", "a")], [[
      addresses[0],
      2,
    ]]],
    ["no place", [member("rest://10.0.0.2:30100/")], [[addresses[1], 2]]],
    ["a port that is not written", [
      member("rest://registry.example:443/?sslEnabled=true", "r1", "a"),
    ], [[addresses[2], 0]]],
    ["an address nobody configured", [member("rest://10.0.0.9:30100/", "r1", "a")], []],
    ["nonsense", [null, 7, { endpoints: "x" }, { endpoints: [5], dataCenterInfo: 1 }], []],
  ] as const
) {
  Deno.test(`registry places, a member in ${what} has ${JSON.stringify(ranks)}`, () => {
    assertEquals([...ranksOf({ instances }, addresses, own)], ranks as unknown);
  });
}

Deno.test("registry places, an answer that is no list says nothing", () => {
  for (const body of [undefined, null, 5, [], { instances: 5 }]) {
    assertEquals(ranksOf(body, addresses, own).size, 0);
  }
});

Deno.test("registry places, are asked for now and then, and sooner after a failure", async () => {
  const clock = new FakeClock();
  const ring = new AddressRing(addresses, { isolateAfter: 3, isolateMs: 1_000, start: 0 });
  let asked = 0;
  let failing = true;
  const places = new AddressPlaces(ring, {
    own,
    addresses,
    clock,
    ask: () => {
      asked++;
      if (failing) return Promise.reject(new Error("away"));
      return Promise.resolve({ instances: [member("rest://10.0.0.2:30100", "r1", "a")] });
    },
  });
  await Promise.all([places.learn(), places.learn()]);
  assertEquals([asked, ring.candidates(clock.now())[0]], [1, addresses[0]]);
  failing = false;
  await clock.advance(59_999);
  await places.learn();
  assertEquals(asked, 1);
  await clock.advance(1);
  await places.learn();
  assertEquals([asked, ring.candidates(clock.now())[0]], [2, addresses[1]]);
  await clock.advance(599_999);
  await places.learn();
  assertEquals(asked, 2);
  await clock.advance(1);
  await places.learn();
  assertEquals(asked, 3);
});
