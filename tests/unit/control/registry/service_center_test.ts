/** Finding services in a Service Center and keeping the own instance there, against a tiny one in memory. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { type Registration, RegistryError } from "../../../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../../../lib/control/registry/service_center.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { registrationOf } from "../../../support/registration.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";
import { TinyServiceCenter } from "../../../support/registry_server.ts";

const query = { app: "shop", name: "cart", environment: "" };
const open = new AbortController().signal;

function setUp(options: { readonly allowCrossApp?: boolean } = {}) {
  const server = new TinyServiceCenter();
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: server.fetch,
    clock,
    random: () => 0,
    logger,
    version: "0.1.0",
    ...options,
  });
  return { server, clock, logger, discovery: backend.discovery, registrar: backend.registrar! };
}

function registration(more: Partial<Registration> = {}): Registration {
  return registrationOf({
    ports: [{ protocol: "rest", port: 8080 }],
    properties: { mesher: "1" },
    ...more,
  });
}

async function code(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise);
  assert(error instanceof RegistryError, String(error));
  return error.code;
}

Deno.test("service center find, asks for all versions and gives the whole set, then unchanged", async () => {
  const { server, discovery, registrar } = setUp();
  await registrar.register(registration(), open);
  server.calls.length = 0;
  const answer = await discovery.find(query, undefined, open);
  assert(answer.kind === "set");
  assertEquals(server.calls, ["GET /instances?appId=shop&serviceName=cart&version=0%2B&env="]);
  assertEquals(answer.instances.map((one) => [one.instanceId, one.version]), [["i1", "1.0.0"]]);
  assertEquals(await discovery.find(query, answer.revision, open), { kind: "unchanged" });
});

Deno.test("service center find, says unknown for a service that is not there", async () => {
  const { discovery } = setUp();
  assertEquals(await discovery.find(query, undefined, open), { kind: "unknown" });
});

Deno.test("service center find, never asks for a name that the registry would refuse", async () => {
  const { server, discovery } = setUp();
  for (const name of ["bad!name", "..", "::1", "", "x".repeat(129), "a b", "-a"]) {
    assertEquals(await discovery.find({ ...query, name }, undefined, open), { kind: "unknown" });
  }
  assertEquals(server.calls, []);
});

Deno.test("service center find, names the own service once the registry's caches know it", async () => {
  const { server, clock, discovery, registrar } = setUp();
  const lease = await registrar.register(registration(), open);
  await discovery.find(query, undefined, open);
  await clock.advance(1_000);
  await discovery.find(query, undefined, open);
  assertEquals(server.consumers, [undefined, lease.serviceId]);
});

Deno.test("service center find, an own service that is gone is told apart from an unknown provider", async () => {
  const { server, clock, discovery, registrar } = setUp();
  await registrar.register(registration({ instanceId: "p1" }), open);
  const web = registration({
    key: { app: "shop", name: "web", version: "1.0.0", environment: "" },
  });
  const lease = await registrar.register(web, open);
  await clock.advance(1_000);
  let lost = 0;
  registrar.whenLost!(() => void lost++, open);
  assertEquals(await discovery.find({ ...query, name: "nope" }, undefined, open), {
    kind: "unknown",
  });
  assertEquals(lost, 0);
  server.services.delete(lease.serviceId);
  const answer = await discovery.find(query, undefined, open);
  assertEquals(answer.kind, "set");
  assertEquals(lost, 1);
});

Deno.test("service center find, bad records are left out with one warning as long as they are the same", async () => {
  const { server, logger, discovery, registrar } = setUp();
  await registrar.register(registration(), open);
  await registrar.register(registration({ instanceId: "i2", endpoints: ["nonsense"] }), open);
  for (let i = 0; i < 3; i++) {
    const answer = await discovery.find(query, undefined, open);
    assert(answer.kind === "set");
    assertEquals(answer.instances.map((one) => one.instanceId), ["i1"]);
  }
  assertEquals(logger.of("warn").length, 1);
  assertMatch(logger.of("warn")[0]!, /cart.*i2 has the unusable endpoint "nonsense"/);
  assertEquals(server.calls.filter((call) => call.startsWith("GET /instances")).length, 3);
});

Deno.test("service center names, those of the own application and environment", async () => {
  const { discovery, registrar } = setUp();
  await registrar.register(registration(), open);
  const key = { app: "other", name: "foreign", version: "1.0.0", environment: "" };
  await registrar.register(registration({ key }), open);
  assertEquals(await discovery.names({ app: "shop", environment: "" }, open), ["cart"]);
});

Deno.test("service center registrar, creates service and instance as a sidecar does", async () => {
  const { server, registrar } = setUp({ allowCrossApp: true });
  const lease = await registrar.register(
    registration({ region: "r1", zone: "a", hostName: "h".repeat(80) }),
    open,
  );
  const service = server.services.get(lease.serviceId)!.record;
  assertEquals(service.registerBy, "SIDECAR");
  assertEquals(service.framework, { name: "mesher", version: "0.1.0" });
  assertEquals(service.properties, { allowCrossApp: "true" });
  assertEquals(service.alias, "shop:cart");
  const stored = server.instancesOf("cart")[0]!;
  assertEquals(stored.instanceId, "i1");
  assertEquals(stored.hostName, "h".repeat(64));
  assertEquals(stored.healthCheck, { mode: "push", interval: 30, times: 3 });
  assertEquals(stored.dataCenterInfo, { name: "r1", region: "r1", availableZone: "a" });
  assertEquals(stored.properties, { mesher: "1" });
});

Deno.test("service center registrar, a living instance whose lease the registry made longer stays", async () => {
  const { server, registrar } = setUp();
  const short = registration({ lease: { intervalMs: 1_000, times: 1 } });
  await registrar.register(short, open);
  const stored = server.instancesOf("cart")[0]!;
  Object.assign(stored, { healthCheck: { mode: "push", interval: 5, times: 3 } });
  server.calls.length = 0;
  await registrar.register(short, open);
  assertEquals(server.calls.some((call) => call.startsWith("DELETE")), false);
});

Deno.test("service center registrar, a living instance with the same data stays, with the true status", async () => {
  const { server, registrar } = setUp();
  await registrar.register(registration(), open);
  server.calls.length = 0;
  await registrar.register(registration({ status: "DOWN" }), open);
  assertEquals(server.instancesOf("cart")[0]!.status, "DOWN");
  assertEquals(server.calls.some((call) => call.startsWith("DELETE")), false);
});

for (
  const [what, changed] of [
    ["endpoints", { endpoints: ["rest://10.0.0.8:30103"] }],
    ["properties", { properties: { mesher: "1", stage: "canary" } }],
    ["host name", { hostName: "vm2" }],
    ["region and zone", { region: "r1", zone: "a" }],
    ["lease", { lease: { intervalMs: 60_000, times: 3 } }],
  ] as const
) {
  Deno.test(`service center registrar, a living instance with other ${what} is replaced`, async () => {
    const { server, registrar } = setUp();
    await registrar.register(registration(), open);
    server.calls.length = 0;
    const lease = await registrar.register(registration(changed), open);
    assertEquals(lease.instanceId, "i1");
    assertEquals(server.calls.filter((call) => call.startsWith("DELETE")).length, 1);
    const { endpoints, properties, hostName } = server.instancesOf("cart")[0]!;
    const wanted = registration(changed);
    assertEquals({ endpoints, properties, hostName }, {
      endpoints: wanted.endpoints,
      properties: wanted.properties,
      hostName: wanted.hostName,
    });
  });
}

Deno.test("service center registrar, an older service record gets the cross-app property and keeps its others", async () => {
  const { server, registrar } = setUp({ allowCrossApp: true });
  const lease = await registrar.register(registration(), open);
  const service = server.services.get(lease.serviceId)!.record;
  service.properties = { team: "blue" };
  await registrar.register(registration(), open);
  assertEquals(service.properties, { team: "blue", allowCrossApp: "true" });
});

Deno.test("service center registrar, says once that the registry still lets other applications in, and leaves it so", async () => {
  const { server, logger, registrar } = setUp();
  const lease = await registrar.register(registration(), open);
  assertEquals(logger.of("warn"), []);
  const service = server.services.get(lease.serviceId)!.record;
  service.properties = { team: "blue", allowCrossApp: "true" };
  const again = setUp();
  again.server.services.set(lease.serviceId, server.services.get(lease.serviceId)!);
  for (let i = 0; i < 3; i++) await again.registrar.register(registration(), open);
  assertEquals(again.logger.of("warn").length, 1);
  assertMatch(again.logger.of("warn")[0]!, /still lets other applications find this service/);
  assertEquals(service.properties, { team: "blue", allowCrossApp: "true" });
  const path = `/microservices/${encodeURIComponent(lease.serviceId)}`;
  assertEquals(again.server.calls.filter((call) => call === `GET ${path}`).length, 1);
});

Deno.test("service center registrar, a service that vanished after the existence check is created again", async () => {
  const { server, clock, logger } = setUp();
  let gone = true;
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: async (url, init) => {
      const answer = await server.fetch(url, init);
      if (gone && url.includes("/existence")) {
        gone = false;
        return Response.json({ serviceId: "ghost" });
      }
      return answer;
    },
    clock,
    random: () => 0,
    logger,
    version: "0.1.0",
  });
  const lease = await backend.registrar!.register(registration(), open);
  assertEquals(server.services.has(lease.serviceId), true);
  assertEquals(server.instancesOf("cart").length, 1);
});

Deno.test("service center registrar, heartbeat and status of a forgotten instance are a lost lease", async () => {
  const { server, registrar } = setUp();
  const lease = await registrar.register(registration(), open);
  await registrar.heartbeat(lease, open);
  await registrar.setStatus(lease, "DOWN", open);
  assertEquals(server.instancesOf("cart")[0]!.status, "DOWN");
  server.expireAll();
  assertEquals(await code(registrar.heartbeat(lease, open)), "lease_lost");
  assertEquals(await code(registrar.setStatus(lease, "UP", open)), "lease_lost");
});

Deno.test("service center registrar, deregistering twice is done once", async () => {
  const { server, registrar } = setUp();
  const lease = await registrar.register(registration(), open);
  await registrar.deregister(lease, open);
  await registrar.deregister(lease, open);
  assertEquals(server.instancesOf("cart"), []);
});

Deno.test("service center registrar, a refusal carries the registry's own words", async () => {
  const { clock, logger } = setUp();
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: () =>
      Promise.resolve(
        Response.json(
          { errorCode: "400001", errorMessage: "Invalid parameter(s)", detail: "AppId" },
          { status: 400 },
        ),
      ),
    clock,
    random: () => 0,
    logger,
    version: "0.1.0",
  });
  const error = await rejection(backend.registrar!.register(registration(), open));
  assert(error instanceof RegistryError);
  assertEquals(error.code, "refused");
  assertMatch(error.message, /look for the service: 400001 Invalid parameter\(s\): AppId/);
});
