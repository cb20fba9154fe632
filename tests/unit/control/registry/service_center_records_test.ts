/** What a Service Center may send, sensible or not, and what is made of it. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { RegistryError } from "../../../../lib/control/registry/registry.ts";
import {
  readInstances,
  readServiceNames,
} from "../../../../lib/control/registry/service_center_records.ts";
import { instance } from "../../../support/registry_fakes.ts";

const query = { app: "shop", name: "cart", environment: "" };
const good = {
  instanceId: "i1",
  serviceId: "s1",
  endpoints: ["rest://10.0.0.1:80"],
  version: "1.0",
};

Deno.test("instance records, every field finds its place", () => {
  const body = {
    instances: [{
      ...good,
      endpoints: [
        "rest://[fd00::7]:8443?sslEnabled=true",
        "grpc://host-1:9090/",
        "highway://10.0.0.1:7070?login=true",
      ],
      hostName: "host-1",
      status: "TESTING",
      properties: { stage: "canary", empty: null },
      dataCenterInfo: { name: "d", region: "r1", availableZone: "a" },
      unheardOf: { of: "field" },
    }],
  };
  assertEquals(readInstances(body, query), {
    dropped: [],
    instances: [{
      instanceId: "i1",
      serviceId: "s1",
      app: "shop",
      serviceName: "cart",
      version: "1.0",
      status: "TESTING",
      endpoints: [
        { protocol: "rest", host: "fd00::7", port: 8443, secure: true },
        { protocol: "grpc", host: "host-1", port: 9090, secure: false },
        { protocol: "highway", host: "10.0.0.1", port: 7070, secure: false },
      ],
      properties: { stage: "canary", empty: "" },
      region: "r1",
      zone: "a",
    }],
  });
});

Deno.test("instance records, an empty answer is an empty set", () => {
  for (const body of [{}, { instances: [] }, { instances: null }]) {
    assertEquals(readInstances(body, query), { instances: [], dropped: [] });
  }
});

for (
  const body of [
    undefined,
    null,
    [],
    "hello",
    7,
    { instances: "none" },
    { instances: { a: good } },
    { instances: [null] },
    { instances: [{ ...good, instanceId: 7 }] },
    { instances: [{ ...good, endpoints: ["rest://10.0.0.1:0"] }] },
    { instances: [{ ...good, endpoints: "rest://10.0.0.1:80" }] },
    { instances: [{ ...good, properties: ["a"] }] },
  ]
) {
  Deno.test(`instance records, ${JSON.stringify(body)} is garbled as a whole`, async () => {
    const error = await rejection(Promise.resolve().then(() => readInstances(body, query)));
    assert(error instanceof RegistryError);
    assertEquals(error.code, "garbled");
  });
}

for (
  const [bad, why] of [
    [{ ...good, instanceId: "" }, /no instanceId/],
    [{ ...good, instanceId: "i2", endpoints: ["rest://h:99999"] }, /rest:\/\/h:99999/],
    [{ ...good, instanceId: "i2", endpoints: [7] }, /unusable endpoint 7/],
    [{ ...good, instanceId: "i2", properties: "x" }, /properties of the wrong type/],
    [{ ...good, endpoints: ["rest://10.0.0.9:90"] }, /i1 is listed twice/],
  ] as const
) {
  Deno.test(`instance records, ${JSON.stringify(bad)} is left out and the rest is kept`, () => {
    const { instances, dropped } = readInstances({ instances: [good, bad] }, query);
    assertEquals(instances.map((one) => one.endpoints[0]?.host), ["10.0.0.1"]);
    assertEquals(dropped.length, 1);
    assertMatch(dropped[0]!, why);
  });
}

Deno.test("instance records, an instance without endpoints is an instance all the same", () => {
  const { instances, dropped } = readInstances({ instances: [{ instanceId: "i1" }] }, query);
  assertEquals(dropped, []);
  assertEquals(instances[0]?.endpoints, []);
});

Deno.test("instance records, an unknown status takes no calls, a missing one is UP", () => {
  const { instances } = readInstances({
    instances: [{ ...good, status: "WHATEVER" }, { ...good, instanceId: "i2", status: null }],
  }, query);
  assertEquals(instances.map((one) => one.status), ["DOWN", "UP"]);
});

Deno.test("instance records, names of the language's own are ordinary names", () => {
  const body = JSON.parse(
    '{"instances":[{"instanceId":"__proto__","endpoints":["rest://h:1"],"properties":{"__proto__":"x"}}]}',
  );
  const { instances } = readInstances(body, query);
  assertEquals(instances[0]?.instanceId, "__proto__");
  assertEquals(Object.keys(instances[0]!.properties), ["__proto__"]);
  assertEquals(Object.getPrototypeOf(instance("rest://h:1").properties), Object.prototype);
});

Deno.test("service names, only the own application and environment, once each, without the registry itself", () => {
  const body = {
    services: [
      { appId: "shop", serviceName: "web", version: "1.0.0" },
      { appId: "shop", serviceName: "cart", version: "1.0.0" },
      { appId: "shop", serviceName: "cart", version: "2.0.0", environment: "" },
      { appId: "shop", serviceName: "tested", environment: "testing" },
      { appId: "other", serviceName: "foreign" },
      { appId: "shop", serviceName: "SERVICECENTER" },
      { appId: "shop" },
      null,
    ],
  };
  assertEquals(readServiceNames(body, { app: "shop", environment: "" }), ["cart", "web"]);
  assertEquals(readServiceNames({}, { app: "shop", environment: "" }), []);
});

Deno.test("service names, an answer of the wrong type is garbled", async () => {
  for (const body of [undefined, [], { services: {} }]) {
    const error = await rejection(
      Promise.resolve().then(() => readServiceNames(body, { app: "shop", environment: "" })),
    );
    assert(error instanceof RegistryError);
  }
});
