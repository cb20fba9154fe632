/** Many finds at the same moment: one call, and what becomes of it when the registry does not play along. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { FindAnswer, Registration } from "../../../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../../../lib/control/registry/service_center.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { registrationOf } from "../../../support/registration.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";
import { TinyServiceCenter } from "../../../support/registry_server.ts";

const open = new AbortController().signal;
const query = (name: string) => ({ app: "shop", name, environment: "" });

interface BatchCall {
  readonly consumer: string | null;
  readonly items: readonly { readonly name: string; readonly rev?: string }[];
  readonly body: unknown;
}

/** A Service Center whose batch call is answered by hand; everything else comes from the tiny one. */
function setUp(answer: (call: BatchCall) => Response | Promise<Response>) {
  const server = new TinyServiceCenter();
  const clock = new FakeClock();
  const batches: BatchCall[] = [];
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: (url, init) => {
      if (!url.endsWith("/instances/action?type=query")) return server.fetch(url, init);
      const body = JSON.parse(String(init?.body));
      const services = body.services as {
        readonly service: { readonly serviceName: string };
        readonly rev?: string;
      }[];
      const call: BatchCall = {
        consumer: new Headers(init?.headers).get("X-ConsumerId"),
        items: services.map(({ service, rev }) => ({
          name: service.serviceName,
          ...(rev === undefined ? {} : { rev }),
        })),
        body,
      };
      batches.push(call);
      return Promise.resolve(answer(call));
    },
    clock,
    random: () => 0,
    logger: new RecordingLogger(),
    version: "0.1.0",
  });
  const { discovery, registrar } = backend;
  const find = (names: readonly string[], revision?: string) =>
    Promise.allSettled(names.map((name) => discovery.find(query(name), revision, open)));
  const singles = () =>
    server.calls.filter((call) => call.startsWith("GET /instances"))
      .map((call) => /serviceName=([^&]*)/.exec(call)![1]);
  return { server, clock, batches, registrar: registrar!, find, singles, discovery };
}

function registration(name: string): Registration {
  return registrationOf({
    key: { app: "shop", name, version: "1.0.0", environment: "" },
    instanceId: `i-${name}`,
  });
}

/** What became of each find, in one word or the ids of the set. */
function outcomes(results: readonly PromiseSettledResult<FindAnswer>[]): readonly unknown[] {
  return results.map((one) => {
    if (one.status === "rejected") return one.reason.code;
    return one.value.kind === "set"
      ? one.value.instances.map((each) => each.instanceId)
      : one.value.kind;
  });
}

const ids = (name: string) => [{ instanceId: `i-${name}`, endpoints: ["rest://10.0.0.7:1"] }];
const error = (errorCode: string) => ({ errorCode, errorMessage: "refused" });

Deno.test("batch find, finds of one moment are one call with every name and its revision", async () => {
  const { find, batches, singles, discovery } = setUp(({ items }) =>
    Response.json({
      services: {
        updated: items.map(({ name }, index) => ({
          index,
          rev: `r${index}`,
          instances: ids(name),
        })),
      },
    })
  );
  const answers = await find(["a", "b", "c"]);
  assertEquals(outcomes(answers), [["i-a"], ["i-b"], ["i-c"]]);
  const first = answers[0]!;
  assert(first.status === "fulfilled" && first.value.kind === "set");
  assertEquals(first.value.revision, "r0");
  assertEquals(batches[0]!.body, {
    services: ["a", "b", "c"].map((serviceName) => ({
      service: { appId: "shop", serviceName, version: "0+" },
    })),
  });
  assertEquals(singles(), []);
  await Promise.all([
    discovery.find(query("a"), "r7", open),
    discovery.find({ ...query("b"), environment: "testing" }, undefined, open),
  ]);
  assertEquals(batches[1]!.body, {
    services: [
      { service: { appId: "shop", serviceName: "a", version: "0+" }, rev: "r7" },
      { service: { appId: "shop", serviceName: "b", version: "0+", environment: "testing" } },
    ],
  });
});

Deno.test("batch find, a single find stays a single call", async () => {
  const { find, batches, singles } = setUp(() => Response.json({}));
  await find(["a"]);
  assertEquals(batches, []);
  assertEquals(singles(), ["a"]);
});

Deno.test("batch find, names the own service as the caller", async () => {
  const { find, batches, registrar, clock } = setUp(() => Response.json({ services: {} }));
  const { serviceId } = await registrar.register(registration("web"), open);
  await clock.advance(1_000);
  await find(["a", "b"]);
  assertEquals(batches[0]!.consumer, serviceId);
  assertEquals((batches[0]!.body as { consumerServiceId: string }).consumerServiceId, serviceId);
});

Deno.test("batch find, changed, unchanged, empty, refused and left out are told apart", async () => {
  const { find, batches } = setUp(() =>
    Response.json({
      services: {
        updated: [{ index: 0, rev: "r2", instances: ids("changed") }, { index: 2, rev: "r3" }],
        notModified: [1],
        failed: [{ indexes: [3], error: error("400001") }],
      },
    })
  );
  const answers = await find(["changed", "same", "empty", "odd", "forgotten"], "r1");
  assertEquals(outcomes(answers), [["i-changed"], "unchanged", [], "refused", "garbled"]);
  await find(["changed", "odd", "same"], "r1");
  assertEquals(batches[1]!.items.map((one) => one.name), ["changed", "same"]);
});

Deno.test("batch find, a name that it does not find is looked for alone, by its alias perhaps, and stays out", async () => {
  const world = setUp(({ items }) =>
    Response.json({
      services: {
        failed: [{
          indexes: items.flatMap(({ name }, index) => name === "shop.x" ? [index] : []),
          error: error("400012"),
        }],
        updated: items.flatMap(({ name }, index) =>
          name === "shop.x" ? [] : [{ index, rev: "r", instances: ids(name) }]
        ),
      },
    })
  );
  await world.registrar.register(registration("shop.x"), open);
  assertEquals(outcomes(await world.find(["a", "shop.x", "b"])), [
    ["i-a"],
    ["i-shop.x"],
    ["i-b"],
  ]);
  await world.find(["a", "shop.x", "b"]);
  assertEquals(world.batches.map((one) => one.items.map(({ name }) => name)), [
    ["a", "shop.x", "b"],
    ["a", "b"],
  ]);
});

Deno.test("batch find, an unknown caller is found out with one question and the names are asked without it", async () => {
  const world = setUp(({ items }) =>
    Response.json({
      services: { failed: [{ indexes: items.map((_, i) => i), error: error("400012") }] },
    })
  );
  for (const name of ["a", "b", "c"]) await world.registrar.register(registration(name), open);
  const { serviceId } = await world.registrar.register(registration("web"), open);
  await world.clock.advance(1_000);
  let lost = 0;
  world.registrar.whenLost!(() => void lost++, open);
  world.server.services.delete(serviceId);
  assertEquals(outcomes(await world.find(["a", "b", "c"])), [["i-a"], ["i-b"], ["i-c"]]);
  assertEquals(lost, 1);
  const questions = world.server.calls.filter((call) =>
    call === `GET /microservices/${encodeURIComponent(serviceId)}`
  );
  assertEquals(questions.length, 1);
  assertEquals(world.server.consumers, [undefined, undefined, undefined]);
  await world.find(["a", "b", "c"]);
  assertEquals(world.batches[1]!.items.length, 3);
});

Deno.test("batch find, one bad name of many: all are asked one by one and the refused one stays out", async () => {
  const world = setUp(({ items }) =>
    items.some((one) => one.name === "b")
      ? Response.json(error("400001"), { status: 400 })
      : Response.json({
        services: { updated: items.map((_, index) => ({ index, rev: "r", instances: [] })) },
      })
  );
  for (const name of ["a", "c"]) await world.registrar.register(registration(name), open);
  const tiny = world.server.fetch;
  Object.assign(world.server, {
    fetch: (url: string, init?: RequestInit) =>
      url.includes("serviceName=b&")
        ? Promise.resolve(Response.json(error("400001"), { status: 400 }))
        : tiny(url, init),
  });
  assertEquals(outcomes(await world.find(["a", "b", "c"])), [["i-a"], "refused", ["i-c"]]);
  assertEquals(outcomes(await world.find(["a", "b", "c"])), [[], "refused", []]);
  assertEquals(world.batches.map((one) => one.items.map(({ name }) => name)), [
    ["a", "b", "c"],
    ["a", "c"],
  ]);
});

for (const status of [404, 405]) {
  Deno.test(`batch find, a registry that answers ${status} is asked name by name from then on`, async () => {
    const world = setUp(() => new Response("404 page not found", { status }));
    for (const name of ["a", "b"]) await world.registrar.register(registration(name), open);
    assertEquals(outcomes(await world.find(["a", "b"])), [["i-a"], ["i-b"]]);
    assertEquals(outcomes(await world.find(["a", "b"])), [["i-a"], ["i-b"]]);
    assertEquals(world.batches.length, 1);
    await world.clock.advance(600_000);
    await world.find(["a", "b"]);
    assertEquals(world.batches.length, 2);
  });
}

for (
  const [what, answer, code] of [
    ["a 500", () => new Response("{}", { status: 500 }), "unreachable"],
    ["half a JSON text", () => new Response('{"services":{'), "garbled"],
    ["a list", () => Response.json([]), "garbled"],
    ["nothing", () => new Response(""), "garbled"],
    ["lists of the wrong type", () => Response.json({ services: { updated: 7 } }), "garbled"],
  ] as const
) {
  Deno.test(`batch find, ${what} is an error for every name and never an empty set`, async () => {
    const { find } = setUp(answer);
    assertEquals(outcomes(await find(["a", "b"])), [code, code]);
  });
}

Deno.test("batch find, records of the wrong type spoil only their own name", async () => {
  const { find } = setUp(() =>
    Response.json({
      services: {
        updated: [
          { index: 0, rev: 7, instances: "none" },
          { index: 1, rev: "r", instances: ids("b") },
          { index: 9, rev: "r", instances: [] },
          null,
        ],
      },
    })
  );
  assertEquals(outcomes(await find(["a", "b"])), ["garbled", ["i-b"]]);
});

Deno.test("batch find, more than a hundred names are several calls", async () => {
  const names = Array.from({ length: 250 }, (_, i) => `s${i}`);
  const { find, batches } = setUp(({ items }) =>
    Response.json({
      services: {
        updated: items.map(({ name }, index) => ({ index, rev: "r", instances: ids(name) })),
      },
    })
  );
  const answers = await find(names);
  assertEquals(batches.map((one) => one.items.length), [100, 100, 50]);
  assertEquals(outcomes(answers), names.map((name) => [`i-${name}`]));
});

Deno.test("batch find, ends when nobody wants it any more, and not before", async () => {
  const world = setUp(() => new Promise<Response>(() => {}));
  const stops = [new AbortController(), new AbortController()];
  const ended: string[] = [];
  const finds = stops.map((stop, i) =>
    world.discovery.find(query(`s${i}`), undefined, stop.signal).catch((failure) => {
      ended.push(failure.message);
    })
  );
  await world.clock.advance(1);
  stops[0]!.abort();
  await world.clock.advance(1);
  assertEquals(ended, []);
  stops[1]!.abort();
  await Promise.all(finds);
  assertEquals(ended.length, 2);
  assertMatch(ended[0]!, /given up/);
  assertEquals(world.clock.sleeping, 0);
});
