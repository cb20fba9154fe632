/** A sidecar's control parts on the real network: a registry that misbehaves, its watch, and connections that must not pile up. */
import { assert, assertEquals } from "@test/assert";
import { realClock } from "../../lib/platform/real_clock.ts";
import { tcpProbe } from "../../lib/platform/tcp_probe.ts";
import { type Fault, FaultyServer, SidecarParts } from "../support/faulty_registry.ts";
import { pickPort } from "../support/ports.ts";
import { patienceMs } from "../support/raw.ts";

/** A provider's port that accepts connections and says nothing. */
function listener(): { readonly address: string } & Disposable {
  const server = Deno.listen({ hostname: "127.0.0.1", port: pickPort() });
  let closed = false;
  void (async () => {
    for await (const connection of server) connection.close();
  })();
  return {
    address: `127.0.0.1:${server.addr.port}`,
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      server.close();
    },
  };
}

/** Providers are in this process, which may stall: a probe has all the time that it needs. */
const policy = { pollMs: 100, probeTimeoutMs: patienceMs, negativeMs: 50 } as const;

/** Looks again and again until something is so. Errors: when it does not become so. */
async function reached(what: string, met: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !(await met());) {
    assert(performance.now() < deadline, `never: ${what}`);
    await realClock.sleep(20);
  }
}

async function follow(url: string, addresses: readonly string[]) {
  const providers = addresses.map((address, i) =>
    new SidecarParts({
      clock: realClock,
      url,
      service: "Account",
      instanceId: `p${i}`,
      endpoints: [`rest://${address}`],
      heartbeatMs: 1_000,
      timeoutMs: 300,
    })
  );
  const consumer = new SidecarParts({
    clock: realClock,
    url,
    policy,
    probe: tcpProbe,
    timeoutMs: 300,
  });
  const wanted = [...addresses].sort();
  await reached("the endpoints are known", async () => {
    await consumer.cache.lookup("Account");
    return consumer.endpoints("Account").join() === wanted.join();
  });
  return {
    providers,
    consumer,
    wanted,
    async [Symbol.asyncDispose]() {
      for (const one of [consumer, ...providers]) await one[Symbol.asyncDispose]();
    },
  };
}

/** Waits until the consumer's set was confirmed by the registry after this call. */
async function untilFresh(parts: SidecarParts): Promise<void> {
  const beganMs = performance.now();
  await reached("the registry's answers are used again", () => {
    const view = parts.cache.views().find((one) => one.service === "Account");
    return view !== undefined && view.ageMs < performance.now() - beganMs &&
      parts.cache.contact.reachable === true;
  });
}

/** A fault lasts until the registry was asked so often, or for so long. */
const askedUnderFault = 8;
const faultMs = 1_500;

const faults: readonly Fault[] = [
  "error500",
  "garbage",
  "page",
  "wrong types",
  "empty",
  "half",
  "hang",
  "slow",
];

for (const fault of faults) {
  Deno.test(`registry faults, over HTTP "${fault}" costs no endpoint that answers, and its end is noticed`, async () => {
    await using server = await FaultyServer.start();
    using one = listener();
    using two = listener();
    using three = listener();
    using four = listener();
    const listeners = [one, two, three, four];
    await using mesh = await follow(server.url, listeners.map(({ address }) => address));
    const { consumer, wanted } = mesh;
    const toldBefore = consumer.told.length;
    server.faulty.fault = fault;
    const callsBefore = server.faulty.calls;
    const endMs = performance.now() + faultMs;
    const asked = () => server.faulty.calls - callsBefore;
    while (asked() === 0 || asked() < askedUnderFault && performance.now() < endMs) {
      assertEquals((await consumer.cache.lookup("Account")).kind, "service");
      assertEquals(consumer.endpoints("Account"), wanted);
      await realClock.sleep(50);
    }
    assert(consumer.fewest("Account", toldBefore) >= 4);
    server.faulty.fault = undefined;
    await untilFresh(consumer);
    assertEquals(consumer.endpoints("Account"), wanted);
  });
}

Deno.test("registry faults, a dead provider is dropped although the registry hides everything", async () => {
  await using server = await FaultyServer.start();
  using one = listener();
  const two = listener();
  await using mesh = await follow(server.url, [one.address, two.address]);
  server.faulty.fault = "empty";
  two[Symbol.dispose]();
  await mesh.consumer.until(() => mesh.consumer.endpoints("Account").length === 1);
  assertEquals(mesh.consumer.endpoints("Account"), [one.address]);
});

Deno.test("registry faults, a registry that flaps on its real port leaves no connection and loses no endpoint", async () => {
  await using server = await FaultyServer.start();
  using one = listener();
  using two = listener();
  await using mesh = await follow(server.url, [one.address, two.address]);
  const { consumer, wanted } = mesh;
  for (let i = 0; i < 4; i++) {
    await server.down();
    await reached("its absence is noticed", () => !consumer.cache.contact.reachable);
    assertEquals(consumer.endpoints("Account"), wanted);
    server.up();
    await reached("its return is noticed", () => consumer.cache.contact.reachable === true);
    assertEquals(consumer.endpoints("Account"), wanted);
  }
  await untilFresh(consumer);
  assertEquals(consumer.endpoints("Account"), wanted);
});

Deno.test("registry watch, a change reaches a registered consumer long before its next poll", async () => {
  await using server = await FaultyServer.start();
  using one = listener();
  using two = listener();
  await using consumer = new SidecarParts({
    clock: realClock,
    url: server.url,
    service: "Store",
    probe: tcpProbe,
    policy: { pollMs: 60_000 },
  });
  await using _first = new SidecarParts({
    clock: realClock,
    url: server.url,
    service: "Account",
    instanceId: "p0",
    endpoints: [`rest://${one.address}`],
  });
  await reached("both watch", () => server.faulty.registry.stats().watchers === 2);
  await reached(
    "the provider is found",
    async () => (await consumer.cache.lookup("Account")).kind === "service",
  );
  const beganMs = performance.now();
  const second = new SidecarParts({
    clock: realClock,
    url: server.url,
    service: "Account",
    instanceId: "p1",
    endpoints: [`rest://${two.address}`],
  });
  await consumer.until(() => consumer.endpoints("Account").length === 2);
  assert(performance.now() - beganMs < 30_000, "it came by the watch and not by a poll");
  two[Symbol.dispose]();
  await second[Symbol.asyncDispose]();
  await consumer.until(() => consumer.endpoints("Account").length === 1);
  assertEquals(consumer.endpoints("Account"), [one.address]);
});

Deno.test("registry watch, is there again after the registry restarted with an empty memory", async () => {
  await using server = await FaultyServer.start();
  await using parts = new SidecarParts({
    clock: realClock,
    url: server.url,
    service: "Store",
    heartbeatMs: 1_000,
  });
  const watched = () => server.faulty.registry.stats().watchers === 1;
  await reached("the watch opened", watched);
  await server.faulty.restart();
  await reached("the watch came back", watched);
  await reached(
    "the instance is there again",
    () => parts.own!.state.state === "registered" && server.faulty.registry.stats().instances === 1,
  );
});

Deno.test("registry accounts, a sidecar with an account registers, is found, watches, and gets over a token that ended", async () => {
  await using server = await FaultyServer.start();
  const { faulty } = server;
  const given: string[] = [];
  const refused: string[] = [];
  const inner = faulty.handle;
  const guarded = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname === "/v4/token") {
      const { name, password } = await request.json();
      if (name !== "mesher" || password !== "sesame") return new Response("{}", { status: 401 });
      given.push(`token-${given.length + 1}`);
      return Response.json({ token: given.at(-1) });
    }
    const sent = request.headers.get("Authorization");
    if (given.length > 0 && sent === `Bearer ${given.at(-1)}`) return await inner(request);
    refused.push(request.url);
    return Response.json({ errorCode: "401205", errorMessage: "expired" }, { status: 401 });
  };
  await using secured = {
    server: Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, guarded),
    async [Symbol.asyncDispose]() {
      await faulty.stop();
      await this.server.shutdown();
    },
  };
  await using parts = new SidecarParts({
    clock: realClock,
    url: `http://127.0.0.1:${secured.server.addr.port}`,
    service: "Account",
    heartbeatMs: 500,
    credentials: { account: "mesher", password: "sesame" },
  });
  await reached("it watches", () => faulty.registry.stats().watchers === 1);
  assertEquals(given, ["token-1"]);
  assertEquals(refused, []);
  // Another one was given out: the first is worth nothing any more.
  given.push("token-2");
  await reached("it fetched another token", () => given.length === 3);
  const beats = () => faulty.writes.filter(({ what }) => what.endsWith("/heartbeat")).length;
  const beatsBefore = beats();
  await reached("it still beats", () => beats() > beatsBefore);
  // Two calls may have been under way with the old one.
  assert(refused.length >= 1 && refused.length <= 2, `${refused.length} calls were refused`);
  assertEquals(parts.own!.state.state, "registered");
});

Deno.test("registry accounts, a wrong password is told once, and the registry is not asked again and again", async () => {
  let tokens = 0;
  let calls = 0;
  await using world = {
    server: Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      if (new URL(request.url).pathname === "/v4/token") tokens++;
      else calls++;
      return Response.json({ errorCode: "401202" }, { status: 401 });
    }),
    async [Symbol.asyncDispose]() {
      await this.server.shutdown();
    },
  };
  await using parts = new SidecarParts({
    clock: realClock,
    url: `http://127.0.0.1:${world.server.addr.port}`,
    service: "Account",
    policy,
    credentials: { account: "mesher", password: "wrong" },
  });
  for (let i = 0; i < 10; i++) {
    assertEquals((await parts.cache.lookup(`Nobody${i}`)).kind, "registry_down");
    await realClock.sleep(20);
  }
  assertEquals([tokens, calls], [1, 0]);
  const lines = parts.logger.lines.filter((line) => line.includes("refused the account mesher"));
  assert(lines.length >= 1);
  assert(!parts.logger.lines.join().includes("wrong"), "the password is in the log");
});
