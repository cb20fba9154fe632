/** From a set of instances to what data threads dial. */
import { assertEquals } from "@test/assert";
import { clusterSnapshot } from "../../../../lib/control/discovery/cluster.ts";
import type { HostAnswer } from "../../../../lib/control/discovery/hosts.ts";
import type { Instance } from "../../../../lib/core/types.ts";
import { instance } from "../../../support/registry_fakes.ts";

const lookupHost = (name: string): Promise<HostAnswer> =>
  Promise.resolve(
    name === "vm1"
      ? { kind: "host", addresses: ["fd00::1", "10.0.0.1"] }
      : { kind: "host_unknown", detail: `the host "${name}" was not found` },
  );

const make = (...instances: readonly Instance[]) =>
  clusterSnapshot({ service: "Account", instances }, { block: 5, lookupHost });

Deno.test("cluster snapshot, addresses of usable instances with what is known of them", async () => {
  const snapshot = await make(
    instance("rest://10.0.0.1:80", {
      properties: { mesher: "1", weight: "3" },
      version: "1.1.0",
      region: "r1",
      zone: "a",
    }),
    instance("rest://vm1:81", { status: "TESTING", properties: { weight: "-1" } }),
  );
  assertEquals(snapshot, {
    service: "Account",
    block: 5,
    endpoints: [
      {
        host: "10.0.0.1",
        port: 80,
        instanceId: "10.0.0.1:80",
        version: "1.1.0",
        mesher: true,
        tags: { mesher: "1", weight: "3" },
        region: "r1",
        zone: "a",
        weight: 3,
      },
      {
        host: "fd00::1",
        port: 81,
        instanceId: "vm1:81",
        version: "1.0.0",
        mesher: false,
        tags: { weight: "-1" },
      },
    ],
    unusable: [],
  });
});

for (
  const [what, one, reason] of [
    ["is down", instance("rest://h:1", { status: "DOWN" }), "h:1 is DOWN"],
    ["speaks no HTTP", instance("grpc://h:1"), "h:1 has no rest endpoint"],
    [
      "wants TLS",
      instance("rest://h:1?sslEnabled=true"),
      "h:1 wants TLS, which is not supported yet",
    ],
    ["has an unknown host", instance("rest://vm9:1"), 'vm9:1: the host "vm9" was not found'],
  ] as const
) {
  Deno.test(`cluster snapshot, an instance that ${what} is left out with that reason`, async () => {
    const { endpoints, unusable } = await make(one);
    assertEquals(endpoints, []);
    assertEquals(unusable, [reason]);
  });
}

Deno.test("cluster snapshot, an address that two records name is one endpoint", async () => {
  const one = instance("rest://10.0.0.1:80");
  assertEquals((await make(one, { ...one, instanceId: "again" })).endpoints.length, 1);
});
