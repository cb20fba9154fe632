/** The `file:` backend: questions, changes, and files that are no good. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { parse } from "@std/yaml";
import { createFileBackend } from "../../../../lib/control/registry/file.ts";
import { RegistryError } from "../../../../lib/control/registry/registry.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

const open = new AbortController().signal;
const query = { app: "default", name: "Account", environment: "" };
const one = "- {service: Account, instances: ['rest://10.0.0.7:8080']}";
const two = "- {service: Account, instances: ['rest://10.0.0.7:8080', 'rest://10.0.0.8:8080']}";

function setUp(text: string | undefined) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const file = { text, error: undefined as Error | undefined };
  const backend = createFileBackend({
    path: "/etc/services.yaml",
    read: () => file.error ? Promise.reject(file.error) : Promise.resolve(file.text),
    parse,
    clock,
    logger,
  });
  return { clock, logger, file, backend, discovery: backend.discovery };
}

Deno.test("file backend, a set, unchanged while the file is, and a new set when it changes", async () => {
  const { file, discovery } = setUp(one);
  const first = await discovery.find(query, undefined, open);
  assert(first.kind === "set");
  assertEquals(first.instances.map((each) => each.instanceId), ["10.0.0.7:8080"]);
  assertEquals(await discovery.find(query, first.revision, open), { kind: "unchanged" });
  file.text = two;
  const second = await discovery.find(query, first.revision, open);
  assert(second.kind === "set");
  assertEquals(second.instances.length, 2);
  assertEquals(await discovery.find({ ...query, name: "account" }, undefined, open), {
    kind: "unknown",
  });
});

Deno.test("file backend, entries without application or environment fit every asker", async () => {
  const { discovery } = setUp(`
- {service: Account, instances: []}
- {service: Cart, app: shop, instances: []}
- {service: Tested, environment: testing, instances: []}
`);
  assertEquals(await discovery.names({ app: "default", environment: "" }, open), ["Account"]);
  assertEquals(await discovery.names({ app: "shop", environment: "testing" }, open), [
    "Account",
    "Cart",
    "Tested",
  ]);
});

Deno.test("file backend, several entries of one service are one set", async () => {
  const { discovery } = setUp(`
- {service: Account, version: "1.0", instances: ['rest://10.0.0.7:8080']}
- {service: Account, version: "2.0", instances: ['rest://10.0.0.8:8080']}
`);
  const answer = await discovery.find(query, undefined, open);
  assert(answer.kind === "set");
  assertEquals(answer.instances.map((each) => each.version), ["1.0", "2.0"]);
});

Deno.test("file backend, a bad file keeps the services read before and is warned about once", async () => {
  const { file, logger, discovery } = setUp(one);
  await discovery.find(query, undefined, open);
  for (const bad of ["- {service: Account", "- {service: Account, instance: 1}", undefined]) {
    logger.lines.length = 0;
    file.text = bad;
    for (let i = 0; i < 3; i++) {
      assertEquals((await discovery.find(query, undefined, open)).kind, "set");
    }
    assertEquals(logger.of("warn").length, 1, bad);
    assertMatch(logger.of("warn")[0]!, /services\.yaml.*; the services read before stay/s);
  }
  file.error = new Error("permission denied");
  assertEquals((await discovery.find(query, undefined, open)).kind, "set");
  assertMatch(logger.of("warn").at(-1)!, /cannot be read: permission denied/);
});

Deno.test("file backend, a file that was never good is an error that says what is wrong", async () => {
  const { file, discovery } = setUp("- {service: a b, instances: []}");
  const garbled = await rejection(discovery.find(query, undefined, open));
  assert(garbled instanceof RegistryError);
  assertEquals(garbled.code, "garbled");
  assertMatch(garbled.message, /services\.yaml: \[0\]\.service/);
  file.text = undefined;
  const missing = await rejection(discovery.names({ app: "default", environment: "" }, open));
  assert(missing instanceof RegistryError);
  assertEquals(missing.code, "unreachable");
  assertMatch(missing.message, /there is no file/);
});

Deno.test("file backend, broken YAML is reported with its line", async () => {
  const { discovery } = setUp("- service: Account\n  instances: [\n");
  const error = await rejection(discovery.find(query, undefined, open));
  assertMatch(String(error), /line 3/);
});

Deno.test("file backend, the watch tells of changes only and ends with its signal", async () => {
  const { clock, file, backend } = setUp(one);
  const stop = new AbortController();
  let changes = 0;
  const watching = backend.watch!.watch(() => void changes++, stop.signal);
  await settle();
  assertEquals(changes, 1);
  await clock.advance(5_000);
  assertEquals(changes, 1);
  file.text = "- nonsense";
  await clock.advance(5_000);
  assertEquals(changes, 1);
  file.text = two;
  await clock.advance(1_000);
  assertEquals(changes, 2);
  stop.abort();
  await watching;
  assertEquals(clock.sleeping, 0);
});

Deno.test("file backend, closing it ends the watch", async () => {
  const { clock, backend } = setUp(one);
  const watching = backend.watch!.watch(() => {}, open);
  await settle();
  await backend.close();
  await watching;
  assertEquals(clock.sleeping, 0);
});
