import { assertEquals, assertMatch } from "@test/assert";
import { createRegistry, MemoryFiles } from "./harness.ts";

const statePath = "/state/registry.json";

/** Two registries, one after the other, over the same files. */
async function restarted(fill: (first: ReturnType<typeof createRegistry>) => Promise<void>) {
  const files = new MemoryFiles();
  const first = createRegistry({ files, statePath });
  await first.registry.start();
  await fill(first);
  await first.registry.stop();
  const second = createRegistry({ files, statePath, random: Math.random });
  await second.registry.start();
  return { files, second };
}

Deno.test("state file, services with everything on them: the same after a restart", async () => {
  const before: unknown[] = [];
  const paths = ["", "/tags", "/schemas?withSchema=1", "/providers"];
  let id = "";
  const { second } = await restarted(async (first) => {
    id = await first.service("cart", {
      environment: "development",
      alias: "shop:cart",
      description: "d",
      level: "FRONT",
      properties: { allowCrossApp: "true", ["__proto__"]: "x" },
      schemas: ["listed"],
      framework: { name: "Mesher", version: "1" },
      paths: [{ path: "/p", property: { a: "b" } }],
    });
    await first.service("stock", { environment: "development" });
    await first.call("POST", `/microservices/${id}/tags`, { body: { tags: { zone: "a" } } });
    await first.call("PUT", `/microservices/${id}/schemas/api`, {
      body: { schema: "text", summary: "abc" },
    });
    await first.call("GET", "/instances?appId=shop&serviceName=stock", {
      headers: { "X-ConsumerId": id },
    });
    for (const path of paths) {
      before.push((await first.call("GET", `/microservices/${id}${path}`)).json);
    }
  });
  const after: unknown[] = [];
  for (const path of paths) {
    after.push((await second.call("GET", `/microservices/${id}${path}`)).json);
  }
  assertEquals(after, before);
  await second.registry.stop();
});

Deno.test("state file, instances: listed for one lease time after a restart, kept by a heartbeat", async () => {
  let serviceId = "";
  const ids: string[] = [];
  let list: unknown;
  const { second } = await restarted(async (first) => {
    serviceId = await first.service("cart");
    for (let i = 0; i < 10; i++) {
      ids.push(await first.instance(serviceId, { properties: { n: `${i}` }, status: "TESTING" }));
    }
    await first.clock.advance(100_000);
    list = (await first.call("GET", `/microservices/${serviceId}/instances`)).json;
  });
  const again = await second.call("GET", `/microservices/${serviceId}/instances`);
  assertEquals(again.json, list);
  await second.clock.advance(119_000);
  assertEquals((await second.heartbeat(serviceId, ids[0]!)).status, 200);
  await second.clock.advance(1_000);
  assertEquals(await second.listed(serviceId), [ids[0]]);
  await second.registry.stop();
});

Deno.test("state file, a revision of the run before: never answered with 304", async () => {
  let serviceId = "";
  let revision = "";
  const { second } = await restarted(async (first) => {
    serviceId = await first.service("cart");
    await first.instance(serviceId);
    const path = `/microservices/${serviceId}/instances`;
    revision = (await first.call("GET", path)).headers.get("X-Resource-Revision")!;
  });
  const path = `/microservices/${serviceId}/instances?rev=${revision}`;
  assertEquals((await second.call("GET", path)).status, 200);
  await second.registry.stop();
});

Deno.test("state file, tenants and projects: each comes back in its place", async () => {
  const { second } = await restarted(async (first) => {
    const body = { service: { serviceName: "cart" } };
    await first.call("POST", "/v4/p2/registry/microservices", {
      body,
      headers: { "X-Domain-Name": 'd"2/x' },
    });
  });
  const list = await second.call("GET", "/v4/p2/registry/microservices", {
    headers: { "X-Domain-Name": 'd"2/x' },
  });
  assertEquals(list.json.services.length, 1);
  assertEquals((await second.call("GET", "/v4/p2/registry/microservices")).json, {});
  await second.registry.stop();
});

Deno.test("state file, a burst of changes: one write, and heartbeats cause none", async () => {
  const files = new MemoryFiles();
  const one = createRegistry({ files, statePath });
  await one.registry.start();
  const serviceId = await one.service("cart");
  const id = await one.instance(serviceId);
  await one.clock.advance(600);
  assertEquals(files.writes, 1);
  await one.heartbeat(serviceId, id);
  await one.clock.advance(60_000);
  assertEquals(files.writes, 1);
  await one.registry.stop();
  assertEquals(files.writes, 1);
});

Deno.test("state file, the disk refuses: served on, told once, written when it works again", async () => {
  const files = new MemoryFiles();
  files.failing = "disk full";
  const one = createRegistry({ files, statePath });
  await one.registry.start();
  const serviceId = await one.service("cart");
  await one.clock.advance(20_000);
  assertEquals(one.registry.stats().saveError, "disk full");
  assertEquals(one.logs.filter((line) => line.startsWith("warn")).length, 1);
  assertEquals((await one.call("GET", `/microservices/${serviceId}`)).status, 200);
  files.failing = undefined;
  await one.clock.advance(6_000);
  assertEquals([files.writes, one.registry.stats().saveError], [1, undefined]);
  await one.registry.stop();
});

const damaged = [
  "",
  "{",
  "[]",
  "null",
  "\u0000\u0001",
  '{"format":2,"partitions":[]}',
  '{"format":1,"partitions":7}',
];

Deno.test("state file, damaged: set aside and reported, the registry starts empty", async () => {
  for (const text of damaged) {
    const files = new MemoryFiles();
    files.texts.set(statePath, text);
    const one = createRegistry({ files, statePath });
    await one.registry.start();
    assertEquals([...files.texts], [[`${statePath}.damaged`, text]], text);
    assertMatch(one.logs.join(), /^error: the state file of the registry is damaged/);
    assertEquals((await one.call("GET", "/microservices")).json, {});
    await one.registry.stop();
  }
});

Deno.test("state file, single records that make no sense: left out and counted, the rest is there", async () => {
  const files = new MemoryFiles();
  files.texts.set(
    statePath,
    JSON.stringify({
      format: 1,
      partitions: [null, {
        domain: "default",
        project: "default",
        services: [
          7,
          { service: { serviceName: "bad name" } },
          {
            service: { serviceName: "good", appId: "shop", version: "1.0.0", serviceId: "s1" },
            instances: [{ instanceId: "i1" }, { instanceId: "i2", hostName: "h" }],
          },
        ],
      }],
    }),
  );
  const one = createRegistry({ files, statePath });
  await one.registry.start();
  assertEquals(await one.listed("s1"), ["i2"]);
  assertMatch(one.logs.join(), /warn: parts of the registry's state make no sense/);
  await one.registry.stop();
});
