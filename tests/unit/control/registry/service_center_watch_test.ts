/** The watch of a Service Center: when it connects, what it tells, when it comes back. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { WatchState } from "../../../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../../../lib/control/registry/service_center.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { FakeWatchers } from "../../../support/fake_watcher.ts";
import { registrationOf } from "../../../support/registration.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";
import { TinyServiceCenter } from "../../../support/registry_server.ts";

const open = new AbortController().signal;
const registration = registrationOf({
  key: { app: "shop", name: "web", version: "1.0.0", environment: "" },
});

interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly server: TinyServiceCenter;
  readonly watchers: FakeWatchers;
  /** What was told, in order. */
  readonly told: (string | undefined)[];
  readonly state: WatchState;
  register(): Promise<void>;
}

function setUp(
  options: { readonly addresses?: readonly string[]; readonly draw?: number } = {},
): World {
  const clock = new FakeClock();
  const server = new TinyServiceCenter();
  const watchers = new FakeWatchers();
  const backend = createServiceCenterBackend({
    addresses: options.addresses ?? ["http://registry:30100"],
    fetch: server.fetch,
    dial: watchers.dial,
    clock,
    random: () => options.draw ?? 0,
    logger: new RecordingLogger(),
    version: "0.1.0",
    project: "default",
  });
  const stop = new AbortController();
  const told: (string | undefined)[] = [];
  const watching = backend.watch!.watch((name) => void told.push(name), stop.signal);
  return {
    clock,
    server,
    watchers,
    told,
    get state() {
      return backend.watch!.state!;
    },
    register: async () => void await backend.registrar!.register(registration, open),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
      await backend.close();
      assertEquals(watchers.open, 0);
      assertEquals(clock.sleeping, 0);
    },
  };
}

/** Up to the first open watch. */
async function connected(world: World): Promise<void> {
  await world.register();
  await world.clock.advance(1_000);
  await settle();
  assertEquals(world.watchers.connections.length, 1);
  assertEquals(world.told, [undefined]);
}

Deno.test("service center watch, a sidecar that registers nothing never connects", async () => {
  await using world = setUp();
  await world.clock.advance(600_000);
  assertEquals(world.watchers.connections.length, 0);
});

Deno.test("service center watch, says whether it is connected, how often it was, and why it is not", async () => {
  await using world = setUp();
  assertEquals([world.state.connected, world.state.connects], [false, 0]);
  assertMatch(world.state.why!, /no service is registered yet/);
  await connected(world);
  const atMs = world.clock.now();
  assertEquals(world.state, { connected: true, connects: 1, sinceMs: atMs });
  await world.clock.advance(5_000);
  world.watchers.last.drop();
  await settle();
  assertEquals(world.state, {
    connected: false,
    connects: 1,
    sinceMs: atMs + 5_000,
    why: "the registry closed it",
  });
  await world.clock.advance(30_000);
  assertEquals([world.state.connected, world.state.connects], [true, 2]);
});

Deno.test("service center watch, connects under the own id once the registry's caches know it, and pulls once", async () => {
  await using world = setUp();
  await world.register();
  await world.clock.advance(999);
  assertEquals(world.watchers.connections.length, 0);
  await world.clock.advance(1);
  await settle();
  const { head, target } = world.watchers.last;
  assertEquals(target, { host: "registry", port: 30100, secure: false });
  const id = [...world.server.services.keys()][0]!;
  assertMatch(
    head,
    new RegExp(
      `^GET /v4/default/registry/microservices/${encodeURIComponent(id)}/watcher HTTP/1.1\r\n`,
    ),
  );
  assertMatch(head, /\r\nHost: registry:30100\r\n/);
  assertMatch(head, /\r\nX-Domain-Name: default\r\n/);
  assertEquals(world.told, [undefined]);
});

Deno.test("service center watch, an event tells the provider's name and nothing else is believed", async () => {
  await using world = setUp();
  await connected(world);
  world.watchers.last.text(JSON.stringify({
    action: "DELETE",
    key: { appId: "shop", serviceName: "cart", version: "1.0.0" },
    instance: { instanceId: "a", status: "UP" },
  }));
  world.watchers.last.text("hello");
  world.watchers.last.text("null");
  await settle();
  assertEquals(world.told, [undefined, "cart", undefined, undefined]);
});

Deno.test("service center watch, answers pings and sends none", async () => {
  await using world = setUp();
  await connected(world);
  for (let i = 0; i < 10; i++) {
    await world.clock.advance(30_000);
    world.watchers.last.ping();
    await settle();
  }
  assertEquals(world.watchers.connections.length, 1);
  const pongs = Array.from({ length: 10 }, () => [0x8a, 0x80, 0, 0, 0, 0]).flat();
  assertEquals(world.watchers.last.received, pongs);
});

Deno.test("service center watch, connects again and pulls once when nothing came for 75 s", async () => {
  await using world = setUp();
  await connected(world);
  await world.clock.advance(74_999);
  assertEquals(world.watchers.open, 1);
  await world.clock.advance(1);
  await settle();
  assertEquals(world.watchers.open, 0);
  await world.clock.advance(500);
  await settle();
  assertEquals(world.watchers.connections.length, 2);
  assertEquals(world.watchers.open, 1);
  assertEquals(world.told, [undefined, undefined]);
});

Deno.test("service center watch, connects again after a drop, ever more slowly up to 30 s while it is refused", async () => {
  await using world = setUp();
  await connected(world);
  world.watchers.welcome = "refuse";
  world.watchers.last.drop();
  const atMs: number[] = [];
  let seen = 1;
  for (let ms = 0; ms < 120_000; ms += 500) {
    await world.clock.advance(500);
    await settle();
    for (; seen < world.watchers.connections.length; seen++) atMs.push(ms + 500);
  }
  const gaps = atMs.map((time, i) => time - (atMs[i - 1] ?? 0));
  assertEquals(gaps, [
    500,
    1_000,
    2_000,
    4_000,
    8_000,
    15_000,
    15_000,
    15_000,
    15_000,
    15_000,
    15_000,
  ]);
  world.watchers.welcome = "accept";
  await world.clock.advance(15_000);
  await settle();
  assertEquals(world.told, [undefined, undefined]);
});

Deno.test("service center watch, the pauses vary from sidecar to sidecar", async () => {
  await using world = setUp({ draw: 0.99 });
  await connected(world);
  world.watchers.last.drop();
  await world.clock.advance(994);
  await settle();
  assertEquals(world.watchers.connections.length, 1);
  await world.clock.advance(2);
  await settle();
  assertEquals(world.watchers.connections.length, 2);
});

Deno.test("service center watch, a registry that takes the connection and never answers is given up after its time", async () => {
  await using world = setUp();
  world.watchers.welcome = "hang";
  await world.register();
  await world.clock.advance(1_000);
  await settle();
  await world.clock.advance(5_000);
  await settle();
  assertEquals(world.watchers.connections.length, 1);
  assertEquals(world.watchers.open, 0);
  assertEquals(world.told, []);
});

for (const [what, welcome] of [["404", 404], ["400", 400], ["403", 403]] as const) {
  Deno.test(`service center watch, a registry that answers ${what} is not asked again for minutes`, async () => {
    await using world = setUp();
    world.watchers.welcome = welcome;
    await world.register();
    await world.clock.advance(1_000 + 470_000);
    await settle();
    assertEquals(world.watchers.connections.length, 1);
    await world.clock.advance(20_000);
    assertEquals(world.watchers.connections.length, 2);
  });
}

for (const welcome of [503, "impostor"] as const) {
  Deno.test(`service center watch, ${welcome} is tried again soon`, async () => {
    await using world = setUp();
    world.watchers.welcome = welcome;
    await world.register();
    await world.clock.advance(1_500);
    await settle();
    assert(world.watchers.connections.length >= 2);
    assertEquals(world.told, []);
  });
}

Deno.test("service center watch, goes to another address when the first does not answer", async () => {
  await using world = setUp({ addresses: ["http://a:1", "https://b"] });
  world.watchers.welcome = "refuse";
  await world.register();
  await world.clock.advance(1_500);
  await settle();
  assertEquals(world.watchers.connections.map((one) => one.target), [
    { host: "a", port: 1, secure: false },
    { host: "b", port: 443, secure: true },
  ]);
});

Deno.test("service center watch, the words for an unknown service lead to a new registration and a new watch", async () => {
  await using world = setUp();
  await connected(world);
  world.server.services.clear();
  world.watchers.last.text("service does not exist");
  await settle();
  assertEquals(world.watchers.open, 0);
  await world.clock.advance(60_000);
  assertEquals(world.watchers.connections.length, 1);
  await world.register();
  await world.clock.advance(1_000);
  await settle();
  assertEquals(world.watchers.connections.length, 2);
});

Deno.test("service center watch, the same words about a service that exists are only a reason to try again", async () => {
  await using world = setUp();
  await connected(world);
  world.watchers.last.text("service does not exist");
  await settle();
  await world.clock.advance(500);
  await settle();
  assertEquals(world.watchers.connections.length, 2);
  assertEquals(world.watchers.open, 1);
});

Deno.test("service center watch, an own service created anew gets a new watch although its id is the same", async () => {
  await using world = setUp();
  await connected(world);
  const [id] = [...world.server.services.keys()];
  world.server.services.clear();
  await world.register();
  assertEquals([...world.server.services.keys()], [id]);
  await settle();
  assertEquals(world.watchers.open, 0);
  await world.clock.advance(1_500);
  await settle();
  assertEquals(world.watchers.open, 1);
  assertEquals(world.told, [undefined, undefined]);
});
