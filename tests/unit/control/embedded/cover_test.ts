/** A status that is set for many instances at once: who sees it, and what makes an end of it. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { StoreEvent } from "../../../../lib/control/embedded/store_parts.ts";
import { createRegistry, MemoryFiles, type Registry } from "./harness.ts";

interface Seen {
  readonly status: string | undefined;
  readonly revision: string | null | undefined;
}

interface Listed {
  readonly instanceId: string;
  readonly status: string;
}

/** An instance that says UP and carries the property `grp: a`, with a view of it by each way there is. */
async function setUp(one: Registry = createRegistry()) {
  const serviceId = await one.service("cart");
  const instance = { instanceId: "i1", properties: { grp: "a" } };
  await one.instance(serviceId, instance);
  const path = `/microservices/${serviceId}/instances/i1`;
  const bulk = (status: string, grp = "a") =>
    one.call("PUT", "/instances/status", { body: { status, matches: { properties: { grp } } } });
  return { one, serviceId, instance, path, bulk, ...viewsOf(one, path) };
}

function viewsOf(one: Registry, path: string) {
  const listPath = path.slice(0, path.lastIndexOf("/"));
  const find = "/instances?appId=shop&serviceName=cart";
  const key = { service: { appId: "shop", serviceName: "cart" } };
  const statusIn = (list: readonly Listed[] | undefined) =>
    list?.find((item) => item.instanceId === "i1")?.status;
  const listed = async (url: string): Promise<Seen> => {
    const { text, headers } = await one.call("GET", url);
    const { instances } = JSON.parse(text);
    return { status: statusIn(instances), revision: headers.get("X-Resource-Revision") };
  };
  const single = async (url: string): Promise<Seen> => {
    const { json, headers } = await one.call("GET", url);
    return { status: json.instance?.status, revision: headers.get("X-Resource-Revision") };
  };
  const batch = async (): Promise<Seen> => {
    const { text } = await one.call("POST", "/instances/action?type=query", {
      body: { services: [key] },
    });
    const { instances, rev } = JSON.parse(text).services.updated[0];
    return { status: statusIn(instances), revision: rev };
  };
  const overview = async (): Promise<string | undefined> => {
    const { text } = await one.call("GET", "/v4/default/govern/microservices?options=instances");
    return statusIn(JSON.parse(text).allServicesDetail[0].instances);
  };
  return {
    own: () => single(`${path}?noCache=1`),
    /** What discovery sees. Shape: one value, for every way must agree. */
    async shown(): Promise<Seen> {
      const all = await Promise.all([
        listed(find),
        listed(`${find}&noCache=1`),
        listed(listPath),
        batch(),
      ]);
      for (const seen of all) assertEquals(seen, all[0]);
      // One instance alone has a revision of its own.
      assertEquals([(await single(path)).status, await overview()], [
        all[0]!.status,
        all[0]!.status,
      ]);
      return all[0]!;
    },
  };
}

Deno.test("bulk status, seen at once by every discovery call and by nobody who reads the own record", async () => {
  const { own, shown, bulk } = await setUp();
  const ownBefore = await own();
  const shownBefore = await shown();
  assertEquals([ownBefore.status, shownBefore.status], ["UP", "UP"]);
  assertEquals((await bulk("DOWN")).status, 200);
  const after = await shown();
  assertEquals(after.status, "DOWN");
  assert(after.revision !== shownBefore.revision, "a client with the old revision is told");
  assertEquals(await own(), ownBefore);
});

Deno.test("bulk status, a caller with the revision of before gets the list, with the new one a 304", async () => {
  const { one, own, shown, bulk, path } = await setUp();
  const { revision } = await shown();
  await bulk("DOWN");
  const find = "/instances?appId=shop&serviceName=cart";
  assertEquals((await one.call("GET", `${find}&rev=${revision}`)).status, 200);
  const now = (await shown()).revision;
  assertEquals((await one.call("GET", `${find}&rev=${now}`)).status, 304);
  // The own record has a revision of its own, which must not pass for that of what discovery sees.
  const ownRevision = (await own()).revision;
  assertEquals((await one.call("GET", `${path}?rev=${ownRevision}`)).status, 200);
});

type World = Awaited<ReturnType<typeof setUp>>;

const next: readonly (readonly [
  what: string,
  step: (world: World) => Promise<unknown>,
  shown: string | undefined,
  own: string | undefined,
])[] = [
  ["nothing more", () => Promise.resolve(), "DOWN", "UP"],
  ["a heartbeat", ({ one, serviceId }) => one.heartbeat(serviceId, "i1"), "DOWN", "UP"],
  [
    "other properties",
    ({ one, path }) => one.call("PUT", `${path}/properties`, { body: { properties: { b: "c" } } }),
    "DOWN",
    "UP",
  ],
  ["another bulk status", ({ bulk }) => bulk("OUTOFSERVICE"), "OUTOFSERVICE", "UP"],
  ["the same bulk status", ({ bulk }) => bulk("DOWN"), "DOWN", "UP"],
  ["a bulk status back to UP", ({ bulk }) => bulk("UP"), "UP", "UP"],
  ["a bulk status of others", ({ bulk }) => bulk("UP", "none"), "DOWN", "UP"],
  [
    "an own status",
    ({ one, path }) => one.call("PUT", `${path}/status?value=TESTING`),
    "TESTING",
    "TESTING",
  ],
  [
    "the own status again",
    ({ one, path }) => one.call("PUT", `${path}/status?value=UP`),
    "UP",
    "UP",
  ],
  [
    "the covering status as its own",
    ({ one, path }) => one.call("PUT", `${path}/status?value=DOWN`),
    "DOWN",
    "DOWN",
  ],
  [
    "an own status that is refused",
    ({ one, path }) => one.call("PUT", `${path}/status?value=BAD`),
    "DOWN",
    "UP",
  ],
  [
    "the same registration",
    ({ one, serviceId, instance }) => one.instance(serviceId, instance),
    "UP",
    "UP",
  ],
  [
    "a registration as TESTING",
    ({ one, serviceId, instance }) => one.instance(serviceId, { ...instance, status: "TESTING" }),
    "TESTING",
    "TESTING",
  ],
  [
    "a registration as DOWN",
    ({ one, serviceId, instance }) => one.instance(serviceId, { ...instance, status: "DOWN" }),
    "DOWN",
    "DOWN",
  ],
  ["its removal", ({ one, path }) => one.call("DELETE", path), undefined, undefined],
  [
    "its removal and a new registration",
    async ({ one, path, serviceId, instance }) => {
      await one.call("DELETE", path);
      await one.instance(serviceId, instance);
    },
    "UP",
    "UP",
  ],
  ["the end of its lease", ({ one }) => one.clock.advance(121_000), undefined, undefined],
];

for (const [what, step, shownThen, ownThen] of next) {
  Deno.test(`bulk status to DOWN, then ${what}: ${shownThen ?? "nobody"} is shown`, async () => {
    const world = await setUp();
    await world.one.instance(world.serviceId, { instanceId: "bystander" });
    await world.bulk("DOWN");
    await step(world);
    if (shownThen === undefined) {
      assertEquals((await world.one.call("GET", world.path)).json.errorCode, "400017");
      assertEquals((await world.own()).status, undefined);
      return;
    }
    assertEquals([(await world.shown()).status, (await world.own()).status], [shownThen, ownThen]);
  });
}

Deno.test("bulk status, several matching instances of several services: those and no others", async () => {
  const one = createRegistry();
  const wanted = new Map([["a", "DOWN"], ["b", "UP"], ["c", "DOWN"], ["d", "UP"]]);
  const places = new Map<string, string>();
  for (const [name, grp] of [["a", "x"], ["b", "y"], ["c", "x"], ["d", undefined]] as const) {
    const serviceId = await one.service(`svc-${name}`);
    const properties = grp === undefined ? {} : { grp, more: "1" };
    await one.instance(serviceId, { instanceId: name, properties });
    places.set(name, `/microservices/${serviceId}/instances/${name}`);
  }
  const other = await one.call("POST", "/v4/other/registry/microservices", {
    body: { service: { serviceName: "far" } },
  });
  const far = `/v4/other/registry/microservices/${other.json.serviceId}/instances`;
  await one.call("POST", far, {
    body: { instance: { instanceId: "far", hostName: "h", properties: { grp: "x" } } },
  });
  await one.call("PUT", "/instances/status", {
    body: { status: "DOWN", matches: { properties: { grp: "x" } } },
  });
  for (const [name, path] of places) {
    assertEquals((await one.call("GET", path)).json.instance.status, wanted.get(name), name);
  }
  assertEquals((await one.call("GET", `${far}/far`)).json.instance.status, "UP");
});

Deno.test("bulk status, watchers: one UPDATE with the status set, one more when the instance speaks for itself", async () => {
  const { one, bulk, path } = await setUp();
  const told: string[] = [];
  one.registry.store.listen({
    instance: ({ action, instance }: StoreEvent) => told.push(`${action} ${instance.status}`),
  });
  await bulk("DOWN");
  await bulk("DOWN");
  await one.call("PUT", `${path}/status?value=UP`);
  assertEquals(told, ["UPDATE DOWN", "UPDATE UP"]);
  await bulk("OUTOFSERVICE");
  await one.call("DELETE", path);
  assertEquals(told.slice(2), ["UPDATE OUTOFSERVICE", "DELETE OUTOFSERVICE"]);
});

Deno.test("bulk status, over a restart: what was set and what lies below it both come back", async () => {
  const files = new MemoryFiles();
  const statePath = "/state/registry.json";
  const first = createRegistry({ files, statePath });
  await first.registry.start();
  const { path, bulk, own, serviceId } = await setUp(first);
  const ownBefore = (await first.call("GET", `${path}?noCache=1`)).json;
  await first.clock.advance(10_000);
  await bulk("DOWN");
  const shownBefore = (await first.call("GET", path)).json;
  assertEquals((await own()).status, "UP");
  await first.registry.stop();

  const second = createRegistry({ files, statePath, random: Math.random });
  await second.registry.start();
  assertEquals((await second.call("GET", path)).json, shownBefore);
  assertEquals((await second.call("GET", `${path}?noCache=1`)).json, ownBefore);
  const after = viewsOf(second, path);
  assert((await after.own()).revision !== (await after.shown()).revision);
  // A heartbeat changes nothing about it, the instance's own word does.
  await second.heartbeat(serviceId, "i1");
  assertEquals((await after.shown()).status, "DOWN");
  await second.call("PUT", `${path}/status?value=UP`);
  assertEquals((await after.shown()).status, "UP");
  await second.registry.stop();
});

Deno.test("bulk status, an own status in the file that makes no sense: counted, the instance stays as shown", async () => {
  const files = new MemoryFiles();
  const statePath = "/state/registry.json";
  files.texts.set(
    statePath,
    JSON.stringify({
      format: 1,
      partitions: [{
        domain: "default",
        project: "default",
        services: [{
          service: { serviceName: "cart", appId: "shop", version: "1.0.0", serviceId: "s1" },
          covered: [7, { instanceId: "i1", status: "BAD" }, { instanceId: "gone", status: "UP" }],
          instances: [{ instanceId: "i1", hostName: "h", status: "DOWN" }],
        }],
      }],
    }),
  );
  const one = createRegistry({ files, statePath });
  await one.registry.start();
  const path = "/microservices/s1/instances/i1";
  assertEquals((await one.call("GET", path)).json.instance.status, "DOWN");
  assertEquals((await one.call("GET", `${path}?noCache=1`)).json.instance.status, "DOWN");
  assertMatch(one.logs.join(), /warn: parts of the registry's state make no sense/);
  await one.registry.stop();
});
