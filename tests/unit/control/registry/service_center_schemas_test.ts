/** Descriptions of interfaces on their way into a registry, against the embedded one. */
import { assertEquals, assertMatch } from "@test/assert";
import type { Registration, SchemaText } from "../../../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../../../lib/control/registry/service_center.ts";
import type { Fetch } from "../../../../lib/core/ports.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { FaultyRegistry } from "../../../support/faulty_registry.ts";
import { registrationOf } from "../../../support/registration.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

const never = new AbortController().signal;
const base = "http://registry:30100/v4/default/registry";

const hello: SchemaText = {
  id: "hello",
  text: "swagger: '2.0'\n",
  summary: "a".repeat(64),
};
const other: SchemaText = { id: "other", text: "x: 1\n", summary: "b".repeat(64) };

function registration(schemas: readonly SchemaText[] | undefined): Registration {
  return registrationOf(schemas === undefined ? {} : { schemas });
}

function setUp(
  inFront: (url: string, init?: RequestInit) => Response | undefined = () => undefined,
) {
  const clock = new FakeClock();
  const faulty = new FaultyRegistry({ clock });
  const logger = new RecordingLogger();
  const fetch: Fetch = (url, init) => {
    const answer = inFront(url, init);
    return answer === undefined ? faulty.fetch(url, init) : Promise.resolve(answer);
  };
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch,
    clock,
    random: () => 0,
    logger,
    version: "0.1.0",
  });
  const read = async (path: string) => await (await faulty.fetch(`${base}${path}`)).json();
  const puts = () => faulty.writes.filter(({ what }) => what.includes("/schemas/")).length;
  return { registrar: backend.registrar!, faulty, logger, read, puts };
}

Deno.test("registry schemas, are there before the instance is, with their summaries", async () => {
  const { registrar, read, faulty } = setUp();
  const { serviceId } = await registrar.register(registration([hello, other]), never);
  assertEquals(await read(`/microservices/${serviceId}/schemas?withSchema=1`), {
    schemas: [hello, other].map(({ id, text, summary }) => ({
      schemaId: id,
      summary,
      schema: text,
    })),
  });
  const order = faulty.writes.map(({ what }) => what.split("/").at(-1));
  assertEquals(order, ["microservices", "hello", "other", "instances"]);
});

Deno.test("registry schemas, only what is new or other is sent again, and what else is there stays", async () => {
  const { registrar, read, puts } = setUp();
  await registrar.register(registration([hello, other]), never);
  await registrar.register(registration([hello, other]), never);
  assertEquals(puts(), 2);
  const changed = { ...hello, text: "swagger: '3.0'\n", summary: "c".repeat(64) };
  const { serviceId } = await registrar.register(registration([changed]), never);
  assertEquals(puts(), 3);
  const { schemas } = await read(`/microservices/${serviceId}/schemas?withSchema=1`);
  assertEquals(
    schemas.map((one: { schemaId: string; schema: string }) => [one.schemaId, one.schema]),
    [["hello", changed.text], ["other", other.text]],
  );
});

Deno.test("registry schemas, without any nothing about them is asked", async () => {
  const asked: string[] = [];
  const { registrar } = setUp((url) => void asked.push(url));
  await registrar.register(registration(undefined), never);
  await registrar.register(registration([]), never);
  assertEquals(asked.filter((url) => url.includes("schemas")), []);
});

for (
  const [what, status, code] of [
    ["switched off", 403, "403001"],
    ["refused", 400, "400001"],
    ["too many", 400, "400100"],
    ["not known", 404, ""],
  ] as const
) {
  Deno.test(`registry schemas, where they are ${what} the instance is registered all the same, with a warning`, async () => {
    const { registrar, faulty, logger } = setUp((url, init) =>
      url.includes("/schemas/") && init?.method === "PUT"
        ? code === ""
          ? new Response("404 page not found", { status })
          : Response.json({ errorCode: code, errorMessage: "no" }, { status })
        : undefined
    );
    await registrar.register(registration([hello]), never);
    assertEquals(faulty.registry.stats().instances, 1);
    assertEquals(logger.of("warn").length, 1);
    assertMatch(logger.of("warn")[0]!, /schema/);
  });
}
