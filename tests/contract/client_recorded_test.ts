/** What our client sends, compared with what the original's clients were recorded to send. */
import { assert, assertEquals, rejection } from "@test/assert";
import type { Registration, RegistryBackend } from "../../lib/control/registry/registry.ts";
import { RegistryError } from "../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../lib/control/registry/service_center.ts";
import { createRegistryNet } from "../../lib/platform/registry_net.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FakeWatchers } from "../support/fake_watcher.ts";
import { RecordingLogger } from "../support/registry_fakes.ts";
import { ClientPlayer, readRecording } from "./client_player.ts";

const never = new AbortController().signal;
/** The recording has an answer for this one: there is no such instance. */
const instanceId = "no-such-id";

/** The sidecar of the recording. */
const registration: Registration = {
  key: { app: "default", name: "fx-su-go", version: "0.1.0", environment: "" },
  instanceId,
  hostName: "node-1",
  endpoints: ["rest://10.0.0.5:30101", "rest-admin://127.0.0.1:30102"],
  ports: [],
  properties: { nodeIP: "" },
  status: "UP",
  lease: { intervalMs: 30_000, times: 3 },
};

/** Where we differ from the recorded clients on purpose, and why that is no news to the registry. */
const meant: readonly (readonly [difference: RegExp, why: string])[] = [
  [
    /^query noCache is "1"/,
    "recorded for the same path elsewhere; the record must not come from a cache",
  ],
  [/^body\.service\.environment is ""$/, "java-chassis names the environment, too; empty is none"],
  [/^body\.service\.framework\.(name|version) is /, "we say who we are"],
  [/^body\.instance\.instanceId is /, "java-chassis chooses its id itself, too"],
  [/^body\.instance\.healthCheck is /, "java-chassis says its lease, too; it is go-chassis' own"],
];

function unmeant(player: ClientPlayer): readonly string[] {
  return player.played.flatMap(({ recorded, differences }) =>
    differences.filter((one) => !meant.some(([pattern]) => pattern.test(one)))
      .map((one) => `${recorded}: ${one}`)
  );
}

interface Stage {
  readonly backend: RegistryBackend;
  readonly clock: FakeClock;
  readonly player: ClientPlayer;
}

/** Plays over real HTTP. Every exchange has to be asked for, nothing else may be, and all has to be as recorded. */
async function play(
  cards: readonly (readonly [string, number])[],
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const player = new ClientPlayer(cards);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    player.handle,
  );
  const net = createRegistryNet();
  const clock = new FakeClock();
  const backend = createServiceCenterBackend({
    addresses: [`http://127.0.0.1:${server.addr.port}`],
    fetch: net.fetch,
    clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    version: "0.0.1",
    allowCrossApp: true,
  });
  try {
    await run({ backend, clock, player });
  } finally {
    await backend.close();
    net.close();
    await server.shutdown();
  }
  assertEquals(player.strange, []);
  assertEquals(unmeant(player), []);
  assertEquals(player.left, []);
}

Deno.test("client against recordings, the first start of a sidecar: existence, service, instance, heartbeat, end", async () => {
  await play([
    ["client-startup", 0],
    ["client-startup", 1],
    ["client-startup", 3],
    ["client-startup", 4],
    ["client-startup", 21],
  ], async ({ backend, player }) => {
    // Without an own id there is no earlier record to ask for, exactly as with the original.
    const { instanceId: _, ...fresh } = registration;
    const lease = await backend.registrar!.register(fresh, never);
    assertEquals(lease, { serviceId: "recorded-g", instanceId: "recorded-gi" });
    await backend.registrar!.heartbeat(lease, never);
    await backend.registrar!.deregister(lease, never);
    assertEquals(player.played.map((one) => one.method), ["GET", "POST", "POST", "PUT", "DELETE"]);
  });
});

Deno.test("client against recordings, a restart: the service is known, its property stands, the instance comes under its old id", async () => {
  await play([
    ["client-startup", 6],
    ["client-startup", 7],
    ["instances", 15],
    ["client-startup", 3],
  ], async ({ backend, player }) => {
    player.captures.set("g", "recorded-g").set("sid", "recorded-g");
    const lease = await backend.registrar!.register(registration, never);
    assertEquals(lease, { serviceId: "recorded-g", instanceId });
  });
});

Deno.test("client against recordings, a heartbeat of a lost lease is understood", async () => {
  await play([["heartbeat", 4]], async ({ backend, player }) => {
    player.captures.set("sid", "s1");
    const error = await rejection(
      backend.registrar!.heartbeat({ serviceId: "s1", instanceId: "no-such-id" }, never),
    );
    assert(error instanceof RegistryError);
    assertEquals(error.code, "lease_lost");
  });
});

Deno.test("client against recordings, a find, and one with nothing new", async () => {
  await play(
    [["client-startup", 17], ["client-startup", 18]],
    async ({ backend, player, clock }) => {
      await known(backend, { player, clock }, "j");
      const query = { app: "default", name: "fx-su-go", environment: "" };
      const first = await backend.discovery.find(query, undefined, never);
      assert(first.kind === "set");
      assertEquals(first.instances.map((one) => one.endpoints.map((each) => each.protocol)), [
        ["rest", "rest-admin"],
      ]);
      assertEquals(await backend.discovery.find(query, first.revision, never), {
        kind: "unchanged",
      });
    },
  );
});

Deno.test("client against recordings, the pull of everything known: one batch, then what it did not find alone", async () => {
  await play([
    ["client-startup", 5],
    ["client-startup", 7],
  ], async ({ backend, player, clock }) => {
    await known(backend, { player, clock }, "g");
    const find = (name: string) =>
      backend.discovery.find({ app: "default", name, environment: "" }, undefined, never);
    const [missing, found] = await Promise.allSettled([find("CseConfigCenter"), find("fx-su-go")]);
    assert(found.status === "fulfilled" && found.value.kind === "set");
    assertEquals(found.value.instances.length, 1);
    // The second look, for a service that has the name as its alias, is not in the recording.
    assertEquals(missing.status, "rejected");
    assertEquals(player.strange.splice(0), [
      "GET /v4/default/registry/instances?appId=default&serviceName=CseConfigCenter&version=0%2B&env=",
    ]);
  });
});

Deno.test("client against recordings, a registry without accounts is asked for a token once, as recorded", async () => {
  const player = new ClientPlayer([["errors", 6], ["client-startup", 0]]);
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: (url, init) => player.handle(new Request(url, init)),
    clock: new FakeClock(),
    random: () => 0.5,
    logger: new RecordingLogger(),
    version: "0.0.1",
    credentials: { account: "root", password: "x" },
  });
  await rejection(backend.registrar!.register(registration, never));
  assertEquals(player.left, []);
  assertEquals(
    player.played.flatMap((one) => one.differences).filter((one) =>
      // The token is asked for outside of any tenant; the recorder sent none either.
      !one.startsWith("header x-domain-name is null")
    ),
    [],
  );
});

Deno.test("client against recordings, the watch is opened on the recorded path", async () => {
  const recorded = readRecording("watch").exchanges[3]!.request!;
  assertEquals(recorded.upgrade, "websocket");
  const watchers = new FakeWatchers();
  const clock = new FakeClock();
  const player = new ClientPlayer([["client-startup", 0], ["client-startup", 1], [
    "client-startup",
    3,
  ]]);
  const backend = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: (url, init) => player.handle(new Request(url, init)),
    dial: watchers.dial,
    clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    version: "0.0.1",
    allowCrossApp: true,
  });
  const stop = new AbortController();
  const watching = backend.watch!.watch(() => {}, stop.signal);
  const { instanceId: _, ...fresh } = registration;
  const { serviceId } = await backend.registrar!.register(fresh, never);
  await clock.advance(1_000);
  await settle();
  const path = recorded.path.replace("{{c}}", serviceId);
  assert(watchers.last.head.startsWith(`${recorded.method} ${path} HTTP/1.1\r\n`));
  stop.abort();
  await watching;
  await backend.close();
});

/** Gives the client an own service id, as if it had been registered a while ago, and forgets how it got it. */
async function known(
  backend: RegistryBackend,
  { player, clock }: Pick<Stage, "player" | "clock">,
  name: string,
): Promise<void> {
  player.captures.set("g", `recorded-${name}`).set(name, `recorded-${name}`);
  player.preface([["client-startup", 6], ["client-startup", 7], ["client-startup", 3]]);
  const { instanceId: _, ...fresh } = registration;
  await backend.registrar!.register(fresh, never);
  player.played.length = 0;
  await clock.advance(1_000);
}
