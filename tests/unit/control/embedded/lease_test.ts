import { assertEquals } from "@test/assert";
import { leaseTimes, ttlMs } from "../../../../lib/control/embedded/lease_times.ts";
import { createRegistry, type Registry } from "./harness.ts";

const shortest = { mode: "push", interval: 5, times: 3 };

const times = [
  { asked: { mode: "push", interval: 1, times: 0 }, seconds: 20 },
  { asked: { mode: "push", interval: 5, times: 3 }, seconds: 20 },
  { asked: { mode: "push", interval: 15, times: 3 }, seconds: 60 },
  { asked: { mode: "push", interval: 30, times: 3 }, seconds: 120 },
  { asked: { mode: "push", interval: 45, times: 9 }, seconds: 450 },
  { asked: { mode: "pull", interval: 5, times: 9 }, seconds: 120 },
] as const;

Deno.test("lease time, by what the instance asks for: interval times (times + 1), never under 20 s", () => {
  for (const { asked, seconds } of times) {
    const check = leaseTimes({
      mode: asked.mode,
      intervalSeconds: asked.interval,
      times: asked.times,
      port: 0,
      url: "",
    });
    assertEquals(ttlMs(check), seconds * 1000, JSON.stringify(asked));
  }
});

Deno.test("lease, no heartbeat: alive until its very end and gone then, without any timer running", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  const id = await one.instance(serviceId, { healthCheck: shortest });
  await one.clock.advance(19_999);
  assertEquals(await one.listed(serviceId), [id]);
  await one.clock.advance(1);
  const beat = await one.heartbeat(serviceId, id);
  assertEquals([beat.status, beat.json.errorCode], [400, "400017"]);
  assertEquals(await one.listed(serviceId), []);
  assertEquals(one.registry.stats().expired, 1);
});

Deno.test("lease, heartbeats: the full time again each time, and the revision stays", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  const id = await one.instance(serviceId, { healthCheck: shortest });
  const path = `/microservices/${serviceId}/instances`;
  const before = (await one.call("GET", path)).headers.get("X-Resource-Revision");
  for (let i = 0; i < 5; i++) {
    await one.clock.advance(15_000);
    assertEquals((await one.heartbeat(serviceId, id)).status, 200);
  }
  assertEquals((await one.call("GET", path)).headers.get("X-Resource-Revision"), before);
});

Deno.test("lease, status and properties changed: not extended", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  const id = await one.instance(serviceId, { healthCheck: shortest });
  const path = `/microservices/${serviceId}/instances/${id}`;
  await one.clock.advance(15_000);
  assertEquals((await one.call("PUT", `${path}/status?value=DOWN`)).status, 200);
  const changed = await one.call("PUT", `${path}/properties`, { body: { properties: { a: "b" } } });
  assertEquals(changed.status, 200);
  await one.clock.advance(5_000);
  assertEquals((await one.heartbeat(serviceId, id)).status, 400);
});

Deno.test("lease, no request at all: the running sweep ends it", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  await one.instance(serviceId, { healthCheck: shortest });
  await one.registry.start();
  await one.clock.advance(25_000);
  assertEquals(one.registry.store.instanceCount, 0);
  await one.registry.stop();
  assertEquals(one.clock.sleeping, 0);
});

Deno.test("lease, its end: listeners, and with them the watchers, are told of one DELETE with the last record", async () => {
  const one = createRegistry();
  const told: string[] = [];
  one.registry.store.listen({
    instance: ({ action, instance }) => told.push(`${action} ${instance.hostName}`),
  });
  const serviceId = await one.service("cart");
  const id = await one.instance(serviceId, { healthCheck: shortest, hostName: "h1" });
  await one.registry.start();
  await one.clock.advance(15_000);
  await one.heartbeat(serviceId, id);
  await one.clock.advance(19_000);
  assertEquals(told, ["CREATE h1"]);
  await one.clock.advance(2_000);
  assertEquals(told, ["CREATE h1", "DELETE h1"]);
  await one.registry.stop();
});

async function silenced(
  one: Registry,
  count: number,
): Promise<{ serviceId: string; ids: string[] }> {
  const serviceId = await one.service("cart");
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push(await one.instance(serviceId, { healthCheck: shortest, hostName: `h${i}` }));
  }
  return { serviceId, ids };
}

Deno.test("mass expiry, ten of ten together: held for one more lease time, then gone", async () => {
  const one = createRegistry();
  const { serviceId, ids } = await silenced(one, 10);
  await one.clock.advance(20_000);
  assertEquals(await one.listed(serviceId), ids);
  assertEquals(one.registry.stats().held, 10);
  assertEquals(one.logs.filter((line) => line.startsWith("warn")).length, 1);
  await one.clock.advance(19_999);
  assertEquals(await one.listed(serviceId), ids);
  await one.clock.advance(1);
  assertEquals(await one.listed(serviceId), []);
  assertEquals(one.registry.stats(), {
    services: 1,
    instances: 0,
    watchers: 0,
    expired: 10,
    held: 0,
    saveError: undefined,
  });
});

Deno.test("mass expiry, some come back: their heartbeat goes on, only the silent ones end", async () => {
  const one = createRegistry();
  const { serviceId, ids } = await silenced(one, 10);
  await one.clock.advance(21_000);
  await one.listed(serviceId);
  for (const id of ids.slice(0, 7)) {
    assertEquals((await one.heartbeat(serviceId, id)).status, 200);
  }
  await one.clock.advance(19_000);
  for (const id of ids.slice(0, 7)) await one.heartbeat(serviceId, id);
  await one.clock.advance(5_000);
  assertEquals(await one.listed(serviceId), ids.slice(0, 7));
  assertEquals(one.registry.stats().held, 0);
});

Deno.test("mass expiry, spread over one heartbeat interval: the rest is held once most are gone", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  for (let i = 0; i < 20; i++) {
    await one.instance(serviceId, { healthCheck: shortest, hostName: `h${i}` });
    await one.clock.advance(900);
  }
  await one.registry.start();
  await one.clock.advance(22_000);
  const left = (await one.listed(serviceId)).length;
  assertEquals(left, 5);
  await one.registry.stop();
});

const ordinary = [
  { title: "five of five", all: 5, silent: 5 },
  { title: "seven of ten", all: 10, silent: 7 },
];

for (const { title, all, silent } of ordinary) {
  Deno.test(`mass expiry, ${title}: not suspicious, gone at once`, async () => {
    const one = createRegistry();
    const { serviceId, ids } = await silenced(one, all);
    await one.clock.advance(10_000);
    for (const id of ids.slice(silent)) await one.heartbeat(serviceId, id);
    await one.clock.advance(10_000);
    assertEquals(await one.listed(serviceId), ids.slice(silent));
  });
}

Deno.test("mass unregistration, ten of ten: believed at once", async () => {
  const one = createRegistry();
  const { serviceId, ids } = await silenced(one, 10);
  for (const id of ids) {
    await one.call("DELETE", `/microservices/${serviceId}/instances/${id}`);
  }
  assertEquals(await one.listed(serviceId), []);
});
