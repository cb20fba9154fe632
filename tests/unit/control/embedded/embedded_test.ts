import { assert, assertEquals, assertMatch } from "@test/assert";
import { createRegistry } from "./harness.ts";

const hostile: readonly (readonly [string, unknown])[] = [
  ["nothing", ""],
  ["half an object", "{"],
  ["a list", []],
  ["a number", "7"],
  ["a text", '"x"'],
  ["nested 100,000 deep", "[".repeat(100_000)],
  ["wrong types everywhere", {
    service: 1,
    instance: [],
    services: {},
    instances: "x",
    schemas: 0,
    tags: [],
    properties: 3,
    dependencies: {},
    serviceIds: 5,
    matches: "m",
    status: {},
    schema: 1,
  }],
  ["wrong types one level down", {
    service: { serviceName: {}, properties: "x" },
    instance: { hostName: [], healthCheck: 5 },
    services: [1, null, {}, { service: [] }],
    instances: [[], { instance: 3 }],
    schemas: [null, { schemaId: {} }],
    tags: { a: {} },
    properties: { a: [] },
    dependencies: [null, { consumer: 1 }],
    serviceIds: [{}],
    matches: { properties: 4 },
    status: "UP",
    schema: {},
  }],
  ["random bytes", Uint8Array.from({ length: 3_000 }, (_, i) => (i * 7919) % 256)],
  ["the keys of objects", '{"__proto__":{"service":{"serviceName":"x"}},"constructor":1}'],
];

const writes = [
  ["POST", "/microservices"],
  ["DELETE", "/microservices"],
  ["PUT", "/microservices/S/properties"],
  ["POST", "/microservices/S/tags"],
  ["PUT", "/microservices/S/schemas/api"],
  ["POST", "/microservices/S/schemas"],
  ["POST", "/microservices/S/instances"],
  ["PUT", "/microservices/S/instances/I/properties"],
  ["POST", "/instances/action?type=query"],
  ["PUT", "/instances/status"],
  ["PUT", "/heartbeats"],
  ["POST", "/dependencies"],
  ["PUT", "/dependencies"],
] as const;

Deno.test("registry, hostile bodies on every path that takes one: a 4xx with the wire's error, and nothing breaks", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  const instanceId = await one.instance(serviceId);
  for (const [method, template] of writes) {
    const path = template.replace("S", serviceId).replace("I", instanceId);
    for (const [title, body] of hostile) {
      const told = await one.call(method, path, { body });
      // An object without any known field is a valid, empty change to maps.
      if (told.status === 200) continue;
      assertEquals(told.status, 400, `${method} ${path}, ${title}: ${told.text}`);
      assertEquals(told.json.errorCode, "400001", `${method} ${path}, ${title}`);
    }
  }
  assertEquals(one.logs.filter((line) => line.startsWith("error")), []);
  assertEquals(await one.listed(serviceId), [instanceId]);
});

const oddPaths = [
  "/microservices/%ff%fe",
  "/microservices/%zz/instances",
  "/microservices/__proto__/instances/constructor",
  "/instances?appId=%00&serviceName=%ff",
  "/instances?appId=a&serviceName=b&tags=__proto__,,&rev=%00",
  "/existence?type=%22",
  "/existence?type=schema",
  "/microservices/a%2Fb",
  "/x".repeat(900),
];

Deno.test("registry, odd paths with every method: an answer below 500 for each", async () => {
  const one = createRegistry();
  await one.service("cart");
  for (const path of oddPaths) {
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const told = await one.call(method, path);
      assert(told.status < 500, `${method} ${path}: ${told.status}`);
      assertEquals(told.headers.get("Server"), "SERVICECENTER/1.2.3");
    }
  }
  assertEquals(one.logs.filter((line) => line.startsWith("error")), []);
});

Deno.test("registry, `//` in the path or an overlong one: refused without acting", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  const doubled = await one.call("DELETE", `/microservices//${serviceId}?force=1`);
  assertEquals([doubled.status, doubled.headers.get("Location")], [
    301,
    `/v4/default/registry/microservices/${serviceId}?force=1`,
  ]);
  const long = await one.call("DELETE", `/microservices/${serviceId}?x=${"x".repeat(2100)}`);
  assertEquals(long.status, 400);
  assertMatch(long.text, /^Invalid Request URI \/v4\//);
  assertEquals((await one.call("GET", `/microservices/${serviceId}`)).status, 200);
});

for (
  const [what, headers, status] of [
    ["without an origin", {}, 200],
    ["of a page of another origin", { Origin: "http://evil.example" }, 403],
    ["of a sandboxed page", { Origin: "null" }, 403],
    ["of a page of another port", { Origin: "http://127.0.0.1:8080" }, 403],
    ["of the registry's own page", { Origin: "http://127.0.0.1:30100" }, 200],
    [
      "of a page whose name was made to lead here",
      { Origin: "http://evil.example:30100", Host: "evil.example:30100" },
      403,
    ],
  ] as const
) {
  Deno.test(`registry, a write ${what} is answered with ${status}`, async () => {
    const one = createRegistry();
    const serviceId = await one.service("cart");
    const own = { Host: "127.0.0.1:30100", ...headers };
    const path = `/microservices/${serviceId}/properties`;
    const put = await one.call("PUT", path, { headers: own, body: { properties: { a: "1" } } });
    assertEquals(put.status, status);
    if (status === 403) assertEquals(put.json.errorCode, "403001");
    const read = await one.call("GET", `/microservices/${serviceId}`, { headers: own });
    assertEquals([read.status, read.text.includes(`"a":"1"`)], [200, status === 200]);
    assertEquals(read.headers.get("Access-Control-Allow-Origin"), "Origin" in own ? "*" : null);
    const found = await one.call("POST", "/instances/action?type=query", {
      headers: own,
      body: { services: [{ service: { appId: "shop", serviceName: "cart" } }] },
    });
    assertEquals(found.status, 200);
  });
}

Deno.test("registry, every process that serves it has an epoch of its own, said in each answer", async () => {
  const epochs = await Promise.all([createRegistry(), createRegistry({ random: Math.random })].map(
    async (one) => {
      const answers = [
        await one.call("GET", "/version"),
        await one.call("GET", "/instances?appId=shop&serviceName=nope"),
      ];
      const [epoch, same] = answers.map(({ headers }) => headers.get("X-Registry-Epoch"));
      assertEquals(epoch, same);
      return epoch;
    },
  ));
  assert(epochs[0] && epochs[1] && epochs[0] !== epochs[1]);
});

Deno.test("revision, same content by any way: one value; any change of content: another", async () => {
  const one = createRegistry();
  const first = await one.service("cart");
  const second = await one.service("cart", { version: "2.0.0" });
  const web = await one.service("web");
  const id = await one.instance(first);
  await one.instance(second, { instanceId: "b" });
  const find = "/instances?appId=shop&serviceName=cart";
  const seen = new Set<string | null | undefined>();
  const revision = async () => {
    const found = await one.call("GET", find, { headers: { "X-ConsumerId": web } });
    const plain = await one.call("GET", find);
    const batch = await one.call("POST", "/instances/action?type=query", {
      body: { services: [{ service: { appId: "shop", serviceName: "cart" } }] },
    });
    const values = new Set([
      found.headers.get("X-Resource-Revision"),
      plain.headers.get("X-Resource-Revision"),
      batch.json.services.updated[0]!.rev,
    ]);
    assertEquals(values.size, 1);
    return [...values][0];
  };
  const path = `/microservices/${first}/instances/${id}`;
  const steps: readonly (readonly [string, () => Promise<unknown>, boolean])[] = [
    ["start", () => Promise.resolve(), true],
    ["heartbeat", () => one.heartbeat(first, id), false],
    ["same status", () => one.call("PUT", `${path}/status?value=UP`), false],
    [
      "service properties",
      () => one.call("PUT", `/microservices/${first}/properties`, { body: { properties: {} } }),
      false,
    ],
    ["status", () => one.call("PUT", `${path}/status?value=DOWN`), true],
    ["status back", () => one.call("PUT", `${path}/status?value=UP`), true],
    [
      "properties",
      () => one.call("PUT", `${path}/properties`, { body: { properties: { a: "b" } } }),
      true,
    ],
    ["another", () => one.instance(second, { instanceId: "c" }), true],
    ["one less", () => one.call("DELETE", `/microservices/${second}/instances/c`), false],
    ["and less", () => one.call("DELETE", `/microservices/${second}/instances/b`), true],
  ];
  for (const [title, step, isNew] of steps) {
    await step();
    const value = await revision();
    // Taking the newest one out again gives back the very content of before, and with it that value.
    assertEquals(!seen.has(value), isNew, title);
    seen.add(value);
  }
});

Deno.test("service id, same key in a new registry: the same id; a taken one: another", async () => {
  const one = createRegistry();
  const id = await one.service("cart", { environment: "production" });
  const other = createRegistry();
  assertEquals(await other.service("cart", { environment: "production" }), id);
  const third = createRegistry();
  await third.service("thief", { serviceId: id });
  const spare = await third.service("cart", { environment: "production" });
  assertMatch(spare, /^[0-9a-f]{32}$/);
});

Deno.test("batch find, malformed names among good ones: only they fail; all malformed: the call fails", async () => {
  const one = createRegistry();
  await one.instance(await one.service("cart"));
  const ask = (names: unknown[]) =>
    one.call("POST", "/instances/action?type=query", {
      body: { services: names.map((name) => ({ service: { appId: "shop", serviceName: name } })) },
    });
  const mixed = await ask(["bad!name", "cart", "..", "::1", "nope", 7]);
  assertEquals(mixed.json.services.updated.map((item) => item.index), [1]);
  assertEquals(
    mixed.json.services.failed.map((item) => [
      item.error.errorCode,
      item.indexes,
    ]),
    [["400001", [0, 2, 3, 5]], ["400012", [4]]],
  );
  assertEquals((await ask(["bad!name"])).json.errorCode, "400001");
});

Deno.test("bulk status, without a property to match or with an unknown status: refused, nobody changed", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  const id = await one.instance(serviceId, { properties: { grp: "a" } });
  const bodies = [
    { status: "DOWN" },
    { status: "DOWN", matches: {} },
    { status: "DOWN", matches: { properties: {} } },
    { status: "BAD", matches: { properties: { grp: "a" } } },
    { matches: { properties: { grp: "a" } } },
  ];
  for (const body of bodies) {
    const told = await one.call("PUT", "/instances/status", { body });
    assertEquals(told.json.errorCode, "400001", JSON.stringify(body));
  }
  const read = () => one.call("GET", `/microservices/${serviceId}/instances/${id}`);
  assertEquals((await read()).json.instance.status, "UP");
  await one.call("PUT", "/instances/status", {
    body: { status: "OUTOFSERVICE", matches: { properties: { grp: "a" } } },
  });
  assertEquals((await read()).json.instance.status, "OUTOFSERVICE");
});

Deno.test("the registry's own service: found from everywhere, listed on request, never deleted", async () => {
  const one = createRegistry();
  const web = await one.service("web", { environment: "testing", appId: "any" });
  const found = await one.call("GET", "/instances?appId=default&serviceName=SERVICECENTER", {
    headers: { "X-ConsumerId": web },
  });
  assertEquals(found.json.instances![0]!.endpoints, ["rest://10.0.0.9:30100/"]);
  const { serviceId } = found.json.instances![0]!;
  const lists = await Promise.all([
    one.call("GET", "/microservices"),
    one.call("GET", "/microservices?withShared=true"),
  ]);
  assertEquals(lists.map((list) => list.json.services.length), [1, 2]);
  assertEquals((await one.call("GET", `/microservices/${serviceId}`)).status, 200);
  const deleted = await one.call("DELETE", `/microservices/${serviceId}?force=1`);
  assertEquals(deleted.json.errorCode, "400001");
});

Deno.test("watcher without a runtime that upgrades, or without a handshake: 400, and clients poll", async () => {
  const one = createRegistry();
  const web = await one.service("web");
  const told = await one.call("GET", `/microservices/${web}/watcher`, {
    headers: { "Upgrade": "websocket" },
  });
  assertEquals([told.status, told.text], [400, "Bad Request\n"]);
});

Deno.test("quota, the 101st schema of a service: 400100, the others stay", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart");
  for (let i = 0; i < 101; i++) {
    const told = await one.call("PUT", `/microservices/${serviceId}/schemas/s${i}`, {
      body: { schema: "x" },
    });
    assertEquals(told.status === 200 ? "ok" : told.json.errorCode, i < 100 ? "ok" : "400100");
  }
  const again = await one.call("PUT", `/microservices/${serviceId}/schemas/s0`, {
    body: { schema: "y" },
  });
  assertEquals(again.status, 200);
});

Deno.test("create with instances and tags: all of them there; on an existing service the tags stay", async () => {
  const one = createRegistry();
  const body = {
    service: { serviceName: "cart" },
    tags: { zone: "a" },
    rules: [{}],
    instances: [{ hostName: "a" }, { hostName: "b" }],
  };
  const { json } = await one.call("POST", "/microservices", { body });
  assertEquals((await one.listed(json.serviceId)).length, 2);
  await one.call("POST", "/microservices", {
    body: { service: { serviceName: "cart" }, tags: { zone: "b" } },
  });
  const tags = await one.call("GET", `/microservices/${json.serviceId}/tags`);
  assertEquals(tags.json, { tags: { zone: "a" } });
});

Deno.test("forgotten memory, a client that goes on: its ids are honoured again", async () => {
  const one = createRegistry();
  const serviceId = await one.service("cart", { serviceId: "chosen-by-client" });
  await one.instance(serviceId, { instanceId: "kept" });
  const fresh = createRegistry();
  assertEquals((await fresh.heartbeat(serviceId, "kept")).json.errorCode, "400017");
  assertEquals(await fresh.service("cart", { serviceId }), serviceId);
  assertEquals(await fresh.instance(serviceId, { instanceId: "kept" }), "kept");
  assertEquals((await fresh.heartbeat(serviceId, "kept")).status, 200);
});
