/** What a sidecar keeps while its registry is away, slow or forgetful for minutes; time is the test's own. */
import { assert, assertEquals } from "@test/assert";
import { DiskSnapshot } from "../../lib/control/discovery/disk.ts";
import type { Files } from "../../lib/core/ports.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FaultyRegistry, SidecarParts } from "../support/faulty_registry.ts";
import { RecordingLogger } from "../support/registry_fakes.ts";
import { seeded } from "../support/seeded.ts";

const url = "http://registry:30100";
const minute = 60_000;
const both = ["10.0.0.1:80", "10.0.0.2:80"];
const four = [...both, "10.0.0.3:80", "10.0.0.4:80"];

interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly faulty: FaultyRegistry;
  /** A sidecar that is taken down with the world. */
  sidecar(options?: Partial<ConstructorParameters<typeof SidecarParts>[0]>): SidecarParts;
}

async function world(): Promise<World> {
  const clock = new FakeClock();
  const faulty = new FaultyRegistry({ clock });
  await faulty.start();
  const sidecars: SidecarParts[] = [];
  const random = seeded(1);
  return {
    clock,
    faulty,
    sidecar(options = {}) {
      const parts = new SidecarParts({ clock, random, url, fetch: faulty.fetch, ...options });
      sidecars.push(parts);
      return parts;
    },
    async [Symbol.asyncDispose]() {
      faulty.fault = undefined;
      for (const one of sidecars) {
        const ended = one[Symbol.asyncDispose]();
        await clock.advance(10_000);
        await ended;
      }
      await faulty.stop();
      assertEquals(clock.sleeping, 0, "timers were left behind");
    },
  };
}

/** Two providers or as many as said, and a consumer that follows them. */
async function mesh(of: World, addresses: readonly string[] = both) {
  const providers = addresses.map((address, i) =>
    of.sidecar({ service: "Account", instanceId: `p${i}`, endpoints: [`rest://${address}`] })
  );
  await of.clock.advance(2_000);
  const consumer = of.sidecar({ service: "Store" });
  await of.clock.advance(2_000);
  assertEquals((await consumer.cache.lookup("Account")).kind, "service");
  assertEquals(consumer.endpoints("Account"), addresses);
  return { providers, consumer };
}

function ageOf(parts: SidecarParts): number {
  return parts.cache.views().find((one) => one.service === "Account")!.ageMs;
}

Deno.test("outage, a registry that is down at the start is found when it comes, without a call lost to waiting", async () => {
  await using of = await world();
  of.faulty.fault = "refuse";
  const provider = of.sidecar({ service: "Account", endpoints: ["rest://10.0.0.1:80"] });
  const consumer = of.sidecar();
  const asked = consumer.cache.lookup("Account");
  await settle();
  assertEquals((await asked).kind, "registry_down");
  await of.clock.advance(5 * minute);
  assertEquals(provider.own!.state.state, "registering");
  assertEquals(consumer.logger.of("warn").length, 1);
  of.faulty.fault = undefined;
  await of.clock.advance(minute);
  assertEquals(provider.own!.state.state, "registered");
  assertEquals((await consumer.cache.lookup("Account")).kind, "service");
});

Deno.test("outage, ten minutes without a registry cost no endpoint, and one warning", async () => {
  await using of = await world();
  const { providers, consumer } = await mesh(of);
  const toldBefore = consumer.told.length;
  of.faulty.fault = "refuse";
  const sleepingBefore = of.clock.sleeping;
  for (let i = 0; i < 10; i++) {
    await of.clock.advance(minute);
    assertEquals(consumer.endpoints("Account"), both);
    assert(of.clock.sleeping <= sleepingBefore + 5, `${of.clock.sleeping} timers`);
  }
  assert(ageOf(consumer) >= 10 * minute, "the age of the set shows the outage");
  // The registry dropped the leases meanwhile; the providers come back by themselves.
  of.faulty.fault = undefined;
  await of.clock.advance(2 * minute);
  assertEquals(providers.map((one) => one.own!.state.state), ["registered", "registered"]);
  assertEquals(consumer.fewest("Account", toldBefore), Infinity, "the set never changed");
  assertEquals(consumer.endpoints("Account"), both);
  assert(ageOf(consumer) < 15_000);
  const warnings = consumer.logger.of("warn").filter((line) => line.includes("no usable answer"));
  assertEquals(warnings.length, 1);
});

Deno.test("outage, a registry that comes and goes each second for two minutes costs no endpoint and no timer", async () => {
  await using of = await world();
  const { providers, consumer } = await mesh(of);
  const toldBefore = consumer.told.length;
  const sleepingBefore = of.clock.sleeping;
  const callsBefore = of.faulty.calls;
  for (let second = 0; second < 120; second++) {
    of.faulty.fault = second % 2 === 0 ? "refuse" : undefined;
    await of.clock.advance(1_000);
    assert(of.clock.sleeping <= sleepingBefore + 6, `${of.clock.sleeping} timers`);
  }
  of.faulty.fault = undefined;
  await of.clock.advance(minute);
  assertEquals(consumer.fewest("Account", toldBefore), Infinity);
  assertEquals(consumer.endpoints("Account"), both);
  assertEquals(providers.map((one) => one.own!.state.state), ["registered", "registered"]);
  assert(of.faulty.calls - callsBefore < 1_500, `${of.faulty.calls - callsBefore} calls`);
  assert(consumer.logger.of("warn").length <= 5, consumer.logger.of("warn").join("\n"));
});

for (
  const fault of [
    "error500",
    "garbage",
    "page",
    "wrong types",
    "empty",
    "half",
    "hang",
    "slow",
  ] as const
) {
  Deno.test(`outage, five minutes of "${fault}" answers cost no endpoint that answers`, async () => {
    await using of = await world();
    const all = fault === "half" ? four : both;
    const { providers, consumer } = await mesh(of, all);
    const toldBefore = consumer.told.length;
    const sleepingBefore = of.clock.sleeping;
    of.faulty.fault = fault;
    for (let i = 0; i < 30; i++) {
      await of.clock.advance(10_000);
      const lookup = consumer.cache.lookup("Account");
      await settle();
      assertEquals((await lookup).kind, "service");
      // Endpoints that answer but are not listed beside others are kept for two minutes: some are meant to be gone.
      const kept = fault !== "half" || i < 11 ? all : all.slice(0, 2);
      if (fault !== "half" || i < 11 || i > 14) assertEquals(consumer.endpoints("Account"), kept);
      assert(of.clock.sleeping <= sleepingBefore + 40, `${of.clock.sleeping} timers`);
    }
    assert(consumer.fewest("Account", toldBefore) >= 2);
    of.faulty.fault = undefined;
    await of.clock.advance(3 * minute);
    assertEquals(consumer.endpoints("Account"), all);
    for (const provider of providers) assertEquals(provider.own!.state.state, "registered");
    assertEquals(of.faulty.registry.stats().instances, all.length + 1);
    assert(ageOf(consumer) < 15_000);
  });
}

Deno.test("outage, a registry that hides one of two leaves the other to be called, and both soon after it is well", async () => {
  await using of = await world();
  const { consumer } = await mesh(of);
  const toldBefore = consumer.told.length;
  of.faulty.fault = "half";
  await of.clock.advance(minute);
  assertEquals(consumer.endpoints("Account"), both.slice(0, 1));
  of.faulty.fault = undefined;
  await of.clock.advance(15_000);
  assertEquals(consumer.endpoints("Account"), both);
  assertEquals(consumer.fewest("Account", toldBefore), 1);
});

for (const away of [false, true]) {
  Deno.test(
    `outage, a provider that deregisters and still accepts connections is ${
      away ? "kept, since the registry was away just before" : "called no more"
    }`,
    async () => {
      await using of = await world();
      const { providers, consumer } = await mesh(of);
      await of.clock.advance(3 * minute);
      of.faulty.fault = away ? "refuse" : undefined;
      await of.clock.advance(30_000);
      of.faulty.fault = undefined;
      await of.clock.advance(30_000);
      const stopped = providers[0]!.own!.stop();
      await of.clock.advance(15_000);
      await stopped;
      assertEquals(of.faulty.registry.stats().instances, 2);
      assertEquals(consumer.endpoints("Account"), away ? both : both.slice(1));
    },
  );
}

Deno.test("outage, an unknown name while the registry is slow waits for one answer, and the name is asked once", async () => {
  await using of = await world();
  const consumer = of.sidecar({ timeoutMs: 10_000 });
  await of.clock.advance(1_000);
  of.faulty.fault = "slow";
  const callsBefore = of.faulty.calls;
  const lookups = Array.from({ length: 50 }, () => consumer.cache.lookup("Nobody"));
  await of.clock.advance(20_000);
  const kinds = new Set((await Promise.all(lookups)).map((one) => one.kind));
  assertEquals([...kinds], ["unknown"]);
  assert(of.faulty.calls - callsBefore <= 3, `${of.faulty.calls - callsBefore} calls`);
});

for (const [what, ms] of [["forward", 3_600_000], ["back", -3_600_000]] as const) {
  Deno.test(`outage, a wall clock that jumps an hour ${what} changes nothing`, async () => {
    await using of = await world();
    const { providers, consumer } = await mesh(of);
    const toldBefore = consumer.told.length;
    of.clock.jumpWall(ms);
    await of.clock.advance(5 * minute);
    assertEquals(consumer.fewest("Account", toldBefore), Infinity);
    assertEquals(of.faulty.registry.stats().expired, 0);
    assertEquals(providers.map((one) => one.own!.state.state), ["registered", "registered"]);
    assert(ageOf(consumer) < 15_000);
  });
}

Deno.test("outage, a registry that restarts with an empty memory gets services and instances back under their ids", async () => {
  await using of = await world();
  const { providers, consumer } = await mesh(of);
  const before = providers.map((one) => one.own!.state.lease);
  const toldBefore = consumer.told.length;
  await of.faulty.restart();
  await of.clock.advance(minute);
  assertEquals(providers.map((one) => one.own!.state.lease), before);
  assertEquals(of.faulty.registry.stats().instances, 3);
  assertEquals(Math.min(consumer.fewest("Account", toldBefore), 2), 2);
  assertEquals(consumer.endpoints("Account"), both);
});

Deno.test("outage, two sidecars with the same service that start in the same millisecond are two instances of one service", async () => {
  await using of = await world();
  const twins = both.map((address, i) =>
    of.sidecar({ service: "Account", instanceId: `p${i}`, endpoints: [`rest://${address}`] })
  );
  await of.clock.advance(2_000);
  const leases = twins.map((one) => one.own!.state.lease!);
  assertEquals(new Set(leases.map((one) => one.serviceId)).size, 1);
  assertEquals(new Set(leases.map((one) => one.instanceId)).size, 2);
  const consumer = of.sidecar();
  await consumer.cache.lookup("Account");
  assertEquals(consumer.endpoints("Account"), both);
});

for (
  const [what, silentMs] of [
    ["that is away for 3 s", 3_000],
    ["so quick that nobody saw it away", 0],
  ] as const
) {
  Deno.test(`outage, 500 sidecars come back after a restart ${what}, spread over half a heartbeat interval and more`, async () => {
    await using of = await world();
    const fleet = Array.from({ length: 500 }, (_, i) =>
      of.sidecar({
        service: "Fleet",
        instanceId: `i${i}`,
        endpoints: [`rest://10.1.${i >> 8}.${i & 255}:80`],
      }));
    // All began in the same moment, which is the worst that can be.
    await of.clock.advance(2 * minute);
    assertEquals(of.faulty.registry.stats().instances, 500);
    of.faulty.fault = silentMs > 0 ? "refuse" : undefined;
    await of.clock.advance(silentMs);
    of.faulty.fault = undefined;
    await of.faulty.restart();
    of.faulty.writes.length = 0;
    await of.clock.advance(90_000);
    assertEquals(of.faulty.registry.stats().instances, 500);
    const times = of.faulty.writes.filter((one) => one.what.endsWith("/instances"))
      .map((one) => one.atMs).sort((a, b) => a - b);
    const spreadMs = times.at(-1)! - times[0]!;
    assert(spreadMs >= 15_000, `spread over ${spreadMs} ms only`);
    // No second may see more than three times its fair share of half an interval.
    const busiest = Math.max(
      ...times.map((from) => times.filter((one) => one >= from && one < from + 1_000).length),
    );
    assert(busiest <= 100, `${busiest} registrations within a second`);
    assert(fleet.every((one) => one.own!.state.state === "registered"));
  });
}

Deno.test("outage, the lease of a single sidecar that got lost is back within two seconds of being noticed", async () => {
  await using of = await world();
  const { providers } = await mesh(of);
  await of.clock.advance(2 * minute);
  const { serviceId, instanceId } = providers[0]!.own!.state.lease!;
  const path = `${url}/v4/default/registry/microservices/${serviceId}/instances/${instanceId}`;
  assertEquals((await of.faulty.fetch(path, { method: "DELETE" })).status, 200);
  of.faulty.writes.length = 0;
  await of.clock.advance(35_000);
  const beat = of.faulty.writes.find((one) => one.what.endsWith(`${instanceId}/heartbeat`))!;
  const again = of.faulty.writes.find((one) => one.what.endsWith("/instances"))!;
  assert(again.atMs - beat.atMs <= 2_000, `after ${again.atMs - beat.atMs} ms`);
});

for (
  const [what, error] of [
    ["full", new Error("no space left on device")],
    ["read-only", new Deno.errors.PermissionDenied("read-only file system")],
  ] as const
) {
  Deno.test(`outage, a disk that is ${what} is told once and costs nothing but the snapshot`, async () => {
    await using of = await world();
    let failing = true;
    let written = "";
    let attempted = Promise.withResolvers<void>();
    const files: Files = {
      read: () => Promise.resolve(undefined),
      replace: (_path, text) => {
        attempted.resolve();
        if (failing) return Promise.reject(error);
        written = text;
        return Promise.resolve();
      },
      setAside: () => Promise.resolve(),
    };
    const { consumer } = await mesh(of);
    const logger = new RecordingLogger();
    const disk = new DiskSnapshot({
      path: "/state/discovery.json",
      files,
      clock: of.clock,
      logger,
      scope: { registry: url, app: "default", environment: "" },
      read: () => consumer.cache.views(),
    });
    disk.start();
    const write = async () => {
      attempted = Promise.withResolvers();
      disk.changed();
      await of.clock.advance(5_000);
      // The checksum is made outside of the fake time.
      await attempted.promise;
      await settle();
    };
    for (let i = 0; i < 20; i++) await write();
    assertEquals(consumer.endpoints("Account"), both);
    assertEquals(logger.of("warn").length, 1);
    failing = false;
    await write();
    assert(written.includes("10.0.0.1"));
    await disk.stop();
  });
}
