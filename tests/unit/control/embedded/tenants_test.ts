/** Tenants (a header) and projects (a part of the path): what is in one is unknown in every other. */
import { assertEquals } from "@test/assert";
import { createRegistry, type Registry, type Told } from "./harness.ts";

const registryOf = (project: string) => `/v4/${project}/registry`;

/** A call from elsewhere. `S`, `I` and `C` stand for ids of service, instance and consumer that exist at home. */
interface Foreign {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Sent as the caller's own service id. */
  readonly consumer?: string;
  /** The error code, or the whole JSON body. */
  readonly answer: string | object;
}

const key = { appId: "shop", serviceName: "cart", version: "1.0.0" };
const find = "/instances?appId=shop&serviceName=cart&version=0%2B";

const foreign: readonly Foreign[] = [
  {
    method: "GET",
    path: "/existence?type=microservice&appId=shop&serviceName=cart&version=1.0.0",
    answer: "400012",
  },
  { method: "GET", path: "/microservices", answer: {} },
  { method: "GET", path: "/microservices/S", answer: "400012" },
  {
    method: "PUT",
    path: "/microservices/S/properties",
    body: { properties: { a: "b" } },
    answer: "400012",
  },
  { method: "DELETE", path: "/microservices/S?force=1", answer: "400012" },
  {
    method: "POST",
    path: "/microservices/S/instances",
    body: { instance: { hostName: "h" } },
    answer: "400012",
  },
  { method: "GET", path: "/microservices/S/instances", answer: "400012" },
  { method: "GET", path: "/microservices/S/instances/I", answer: "400012" },
  { method: "GET", path: "/microservices/S/instances/I?noCache=1", answer: "400012" },
  { method: "PUT", path: "/microservices/S/instances/I/heartbeat", answer: "400017" },
  { method: "PUT", path: "/microservices/S/instances/I/status?value=DOWN", answer: "400017" },
  {
    method: "PUT",
    path: "/microservices/S/instances/I/properties",
    body: { properties: {} },
    answer: "400017",
  },
  { method: "DELETE", path: "/microservices/S/instances/I", answer: "400017" },
  { method: "GET", path: find, answer: "400012" },
  { method: "GET", path: find, consumer: "C", answer: "400012" },
  { method: "GET", path: "/microservices/S/tags", answer: "400012" },
  { method: "POST", path: "/microservices/S/tags", body: { tags: { a: "b" } }, answer: "400012" },
  { method: "GET", path: "/microservices/S/schemas", answer: "400012" },
  {
    method: "PUT",
    path: "/microservices/S/schemas/api",
    body: { schema: "other" },
    answer: "400012",
  },
  { method: "GET", path: "/microservices/C/providers", answer: "400012" },
  { method: "GET", path: "/microservices/S/consumers", answer: "400012" },
];

const places: readonly (readonly [what: string, project: string, tenant: string])[] = [
  ["another project", "other", "default"],
  ["another tenant", "default", "elsewhere"],
  ["another project and tenant", "other", "elsewhere"],
  ["a project with the tenant's name", "elsewhere", "other"],
];

async function home() {
  const one = createRegistry();
  const serviceId = await one.service("cart", { schemas: ["api"] });
  const consumerId = await one.service("web");
  const instanceId = await one.instance(serviceId, { properties: { grp: "a" } });
  const snapshot = () => snapshotOf(one, { serviceId, consumerId });
  return { one, serviceId, consumerId, instanceId, snapshot };
}

/** Everything that can be read at home. */
async function snapshotOf(
  one: Registry,
  { serviceId, consumerId }: { readonly serviceId: string; readonly consumerId: string },
): Promise<readonly string[]> {
  const paths = [
    "/microservices",
    `/microservices/${serviceId}/instances`,
    `/microservices/${serviceId}/tags`,
    `/microservices/${serviceId}/schemas?withSchema=1`,
    `/microservices/${consumerId}/providers`,
    `/microservices/${serviceId}/consumers`,
    "/v4/default/govern/microservices?options=all",
  ];
  return (await Promise.all(paths.map((path) => one.call("GET", path)))).map(({ text }) => text);
}

for (const [what, project, tenant] of places) {
  const caller = (one: Registry) => (method: string, path: string, more: object = {}) =>
    one.call(method, path.startsWith("/v4/") ? path : registryOf(project) + path, {
      headers: { "x-domain-name": tenant },
      ...more,
    });

  Deno.test(`tenants, from ${what}: nothing is seen or changed by any call`, async () => {
    const { one, serviceId, consumerId, instanceId, snapshot } = await home();
    const call = caller(one);
    const before = await snapshot();
    const filled = (text: string) =>
      text.replace("/S", `/${serviceId}`).replace("/I", `/${instanceId}`)
        .replace("/C", `/${consumerId}`);
    for (const { method, path, body, consumer, answer } of foreign) {
      const told: Told = await call(method, filled(path), {
        body,
        headers: {
          "x-domain-name": tenant,
          ...(consumer === undefined ? {} : { "X-ConsumerId": consumerId }),
        },
      });
      const seen = typeof answer === "string" ? told.json.errorCode : told.json;
      assertEquals(seen, answer, `${method} ${path}: ${told.text}`);
    }
    assertEquals(await snapshot(), before);
  });

  Deno.test(`tenants, from ${what}: calls about many at once find nobody`, async () => {
    const { one, serviceId, instanceId, snapshot } = await home();
    const call = caller(one);
    const before = await snapshot();
    const batch = await call("POST", "/instances/action?type=query", {
      body: {
        services: [{ service: key }],
        instances: [{ instance: { serviceId, instanceId } }],
      },
    });
    const { services, instances } = JSON.parse(batch.text);
    assertEquals([services.updated, instances.updated], [undefined, undefined]);
    assertEquals(services.failed[0].error.errorCode, "400012");
    const beats = await call("PUT", "/heartbeats", {
      body: { instances: [{ serviceId, instanceId }] },
    });
    assertEquals(typeof JSON.parse(beats.text).instances[0].errMessage, "string");
    const bulk = await call("PUT", "/instances/status", {
      body: { status: "DOWN", matches: { properties: { grp: "a" } } },
    });
    assertEquals(bulk.status, 200);
    const removed = await call("DELETE", "/microservices", {
      body: { serviceIds: [serviceId], force: true },
    });
    assertEquals(typeof JSON.parse(removed.text).services[0].errMessage, "string");
    const views = `/v4/${project}/govern`;
    assertEquals((await call("GET", `${views}/microservices?options=instances`)).json, {});
    assertEquals((await call("GET", `${views}/apps`)).json, {});
    assertEquals((await call("GET", `${views}/microservices/${serviceId}`)).status, 400);
    assertEquals(await snapshot(), before);
  });

  Deno.test(`tenants, the same key and instance id in ${what}: two lives that end apart`, async () => {
    const { one, serviceId, instanceId } = await home();
    const call = caller(one);
    const created = await call("POST", "/microservices", { body: { service: key } });
    const other = created.json.serviceId;
    assertEquals(other === serviceId, false);
    const registered = await call("POST", `/microservices/${other}/instances`, {
      body: { instance: { instanceId, hostName: "far", endpoints: ["rest://10.9.9.9:80"] } },
    });
    assertEquals(registered.json.instanceId, instanceId);
    const there = await call("GET", find);
    const here = await one.call("GET", find);
    const endpoints = (told: Told) => told.json.instances!.map((item) => item.endpoints[0]);
    assertEquals(endpoints(there), ["rest://10.9.9.9:80"]);
    assertEquals(endpoints(here), ["rest://10.0.0.1:8080"]);
    await call("DELETE", `/microservices/${other}/instances/${instanceId}`);
    assertEquals((await call("GET", find)).json, {});
    assertEquals((await one.heartbeat(serviceId, instanceId)).status, 200);
    await call("DELETE", `/microservices/${other}`);
    assertEquals((await one.call("GET", find)).status, 200);
  });
}
