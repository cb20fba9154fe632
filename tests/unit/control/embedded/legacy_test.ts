/** The older paths, by which clients of the first generation speak: the same registry under another base. */
import { assertEquals } from "@test/assert";
import { createRegistry } from "./harness.ts";

const old = "/registry/v3";

async function setUp() {
  const one = createRegistry();
  const serviceId = await one.service("cart", { schemas: ["api"] });
  const consumerId = await one.service("web");
  const instanceId = await one.instance(serviceId);
  await one.call("POST", `/microservices/${serviceId}/tags`, { body: { tags: { zone: "a" } } });
  await one.call("PUT", `/microservices/${serviceId}/schemas/api`, { body: { schema: "text" } });
  await one.call("GET", "/instances?appId=shop&serviceName=cart", {
    headers: { "X-ConsumerId": consumerId },
  });
  const filled = (path: string) =>
    path.replace("/S", `/${serviceId}`).replace("/I", `/${instanceId}`)
      .replace("/C", `/${consumerId}`);
  return { one, serviceId, instanceId, filled };
}

const reads = [
  "/existence?type=microservice&appId=shop&serviceName=cart&version=1.0.0",
  "/existence?type=microservice&appId=shop&serviceName=cart&version=9.0.0",
  "/microservices",
  "/microservices/S",
  "/microservices/S/tags",
  "/microservices/S/schemas?withSchema=1",
  "/microservices/S/schemas/api",
  "/microservices/S/instances",
  "/microservices/S/instances/I",
  "/microservices/S/instances/none",
  "/microservices/C/providers",
  "/microservices/S/consumers",
  "/instances?appId=shop&serviceName=cart&version=0%2B",
  "/instances?appId=shop&serviceName=nope&version=0%2B",
];

Deno.test("older paths, every read: the very answer of the newer path", async () => {
  const { one, filled } = await setUp();
  for (const path of reads) {
    const [now, then] = [
      await one.call("GET", filled(path)),
      await one.call("GET", filled(old + path)),
    ];
    assertEquals([then.status, then.text], [now.status, now.text], path);
    const names = ["Content-Type", "X-Resource-Revision", "X-Schema-Summary"];
    for (const name of names) assertEquals(then.headers.get(name), now.headers.get(name), path);
  }
});

Deno.test("older paths, a revision that is still right: 304", async () => {
  const { one } = await setUp();
  const find = `${old}/instances?appId=shop&serviceName=cart&version=0%2B`;
  const revision = (await one.call("GET", find)).headers.get("X-Resource-Revision");
  assertEquals((await one.call("GET", `${find}&rev=${revision}`)).status, 304);
});

Deno.test("older paths, a whole life of an instance: seen on the newer paths", async () => {
  const { one } = await setUp();
  const created = await one.call("POST", `${old}/microservices`, {
    body: { service: { appId: "shop", serviceName: "stock", version: "1.0.0" } },
  });
  const { serviceId } = created.json;
  const list = `${old}/microservices/${serviceId}/instances`;
  const registered = await one.call("POST", list, { body: { instance: { hostName: "h" } } });
  const { instanceId } = registered.json;
  assertEquals(await one.listed(serviceId), [instanceId]);
  const steps = [
    ["PUT", `${list}/${instanceId}/heartbeat`, undefined],
    ["PUT", `${list}/${instanceId}/status?value=DOWN`, undefined],
    ["PUT", `${list}/${instanceId}/properties`, { properties: { a: "b" } }],
    ["PUT", `${old}/heartbeats`, { instances: [{ serviceId, instanceId }] }],
    ["PUT", `${old}/microservices/${serviceId}/properties`, { properties: { c: "d" } }],
  ] as const;
  for (const [method, path, body] of steps) {
    assertEquals((await one.call(method, path, { body })).status, 200, path);
  }
  const path = `/microservices/${serviceId}/instances/${instanceId}`;
  const { status, properties } = JSON.parse((await one.call("GET", path)).text).instance;
  assertEquals([status, properties], ["DOWN", { a: "b" }]);
  assertEquals((await one.call("DELETE", `${list}/${instanceId}`)).status, 200);
  assertEquals((await one.call("DELETE", `${old}/microservices/${serviceId}`)).status, 200);
  assertEquals((await one.call("GET", `/microservices/${serviceId}`)).json.errorCode, "400012");
});

Deno.test("older paths, what never was under them: 404", async () => {
  const { one } = await setUp();
  const absent = [
    ["POST", "/instances/action?type=query"],
    ["GET", "/health"],
    ["GET", "/version"],
    ["GET", "/govern/microservices"],
  ] as const;
  for (const [method, path] of absent) {
    const told = await one.call(method, old + path, method === "POST" ? { body: {} } : {});
    assertEquals([told.status, told.text], [404, "404 page not found\n"], path);
  }
});

Deno.test("older paths, the tenant by its older header: the same as by the newer one", async () => {
  const { one } = await setUp();
  const body = { service: { appId: "shop", serviceName: "far", version: "1.0.0" } };
  await one.call("POST", `${old}/microservices`, { body, headers: { "X-Tenant-Name": "t2" } });
  const seen = await one.call("GET", "/microservices", { headers: { "X-Domain-Name": "t2" } });
  assertEquals(seen.json.services.length, 1);
  assertEquals((await one.call("GET", `${old}/microservices`)).json.services.length, 2);
});
