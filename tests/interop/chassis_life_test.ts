/** Real go-chassis and java-chassis programs come, go and live through a restart of our registry without losing calls. */
import { assertEquals } from "@test/assert";
import {
  chassisStory,
  type Consumer,
  type Provider,
  startGoConsumer,
  startGoProvider,
  startJava,
  type Told,
} from "../support/chassis.ts";
import { chassisPeers, type Peer } from "../support/chassis_build.ts";
import { RegistryWire } from "../support/chassis_wire.ts";
import {
  CallLoop,
  copyContract,
  frameworksOf,
  startPlain,
  startStore,
} from "../support/chassis_world.ts";
import { type Lab, until } from "../support/process.ts";
import { callOnce, ProxyClient } from "../support/process_http.ts";
import { newFolder, type SidecarProcess, startRegistry } from "../support/process_mesher.ts";
import { say } from "../support/process_story.ts";
import { ServiceCenterCaller } from "../support/service_center_calls.ts";

const { go, java } = await chassisPeers();
const frameworks = frameworksOf({ go, java });

/** Calls a service through a sidecar without a pause. */
function loopThrough(store: SidecarProcess, url: string, clients: number): CallLoop {
  return new CallLoop(clients, () => {
    const client = new ProxyClient(store.outbound);
    return { call: () => client.call("GET", url), close: () => client.close() };
  });
}

/** Makes a consumer, if there is one, call a service through its framework without a pause. */
function loopBy(web: Consumer | undefined, url: string): CallLoop {
  return new CallLoop(web === undefined ? 0 : 2, () => ({
    call: async () => {
      const { status, text } = await web!.call(url);
      return { status, body: text };
    },
    close: () => {},
  }));
}

for (const { name, peer, provider } of frameworks) {
  chassisStory(
    `chassis, a ${name} provider that is told to end leaves the registry and no call fails`,
    [peer],
    async (lab) => {
      const registry = await startRegistry(lab);
      const wire = new RegistryWire(lab, registry.port);
      const service = "AccountService";
      const [leaving] = await Promise.all([
        provider(lab, { registry: wire, service, name: "leaving" }),
        provider(lab, { registry, service, name: "staying" }),
      ]);
      const store = await startStore(lab, registry);
      await using calls = loopThrough(store, "http://AccountService/hello/bob?ms=3", 4);
      await calls.answersBy("leaving", 40);
      await calls.answersBy("staying", 40);
      const toldMs = performance.now();
      leaving!.process.signal("SIGTERM");
      await leaving!.process.exited();
      const tookMs = Math.round(performance.now() - toldMs);
      await calls.answersBy("staying", 200);
      assertEquals(calls.failures, []);
      assertEquals(wire.seen("DELETE", /\/instances\/\w+$/).map(({ status }) => status), [200]);
      const left = await new ServiceCenterCaller(registry.url).find(service);
      assertEquals(left.length, 1);
      say(`${calls.count} calls, 0 failed; it ended ${tookMs} ms after it was told`);
    },
  );
}

for (const { name, peer, scheme } of frameworks) {
  for (const follows of ["watch", "poll"] as const) {
    chassisStory(
      `chassis, a ${name} consumer that follows by ${follows} loses no call when sidecars come and go`,
      [peer],
      async (lab) => {
        const registry = await startRegistry(lab);
        // java-chassis drops the events of the application named default.
        const plain = { registry: registry.url, app: "shop", service: "AccountService" };
        const first = await startPlain(lab, { ...plain, name: "first" });
        const web = await (peer === go ? startGoConsumer : startJava)(lab, {
          peer,
          registry,
          app: "shop",
          service: "Web",
          ...(follows === "watch" ? { follows } : {}),
        });
        if (peer === java) {
          await copyContract(registry.url, { from: "Web", to: plain.service, schema: "hello" });
        }
        await using calls = loopBy(web, `${scheme}://${plain.service}/hello/eve`);
        await calls.answersBy("first", 50);
        await startPlain(lab, { ...plain, name: "second" });
        const upMs = performance.now();
        await calls.answersBy("second", 1);
        const seenMs = Math.round(performance.now() - upMs);
        await calls.answersBy("second", 50);
        first.process.signal("SIGTERM");
        await first.process.exited();
        await calls.answersBy("second", 100);
        assertEquals(calls.failures, []);
        say(`${calls.count} calls, 0 failed; the new one was called after ${seenMs} ms`);
      },
    );
  }
}

chassisStory(
  "chassis, heartbeats of go-chassis are taken, and one that offers a web socket goes on without",
  [go],
  async (lab) => {
    const registry = await startRegistry(lab);
    const variants = [
      { service: "PlainBeat", heartbeat: "non-keep-alive", refused: [] },
      { service: "SocketBeat", heartbeat: "ping-pong", refused: [404] },
    ] as const;
    await Promise.all(variants.map(async ({ refused, ...variant }) => {
      const wire = new RegistryWire(lab, registry.port);
      await startGoProvider(lab, { peer: go, registry: wire, ...variant });
      await untilBeats(wire, 1);
      const upgrades = wire.seen("GET", /\/heartbeat$/).map(({ status }) => status);
      assertEquals(upgrades, [...refused]);
    }));
  },
);

chassisStory(
  "chassis, heartbeats of java-chassis keep an instance listed for longer than its lease",
  [java],
  async (lab) => {
    const registry = await startRegistry(lab);
    const wire = new RegistryWire(lab, registry.port);
    await startJava(lab, { peer: java, registry: wire, service: "AccountService" });
    // One each five seconds, and a lease of twenty.
    await untilBeats(wire, 6);
    const listed = await new ServiceCenterCaller(registry.url).find("AccountService");
    assertEquals(listed.map(({ status }) => status), ["UP"]);
  },
);

/** Waits for so many heartbeats, all of which have to be taken. */
async function untilBeats(wire: RegistryWire, count: number): Promise<void> {
  const beats = await until(
    () => {
      const seen = wire.seen("PUT", /\/heartbeat$/);
      return seen.length >= count ? seen : undefined;
    },
    `${count} heartbeats`,
    60_000,
  );
  assertEquals(new Set(beats.map(({ status }) => status)), new Set([200]));
}

for (const { name, peer, scheme, provider } of frameworks) {
  for (const keeps of [true, false]) {
    chassisStory(
      `chassis, a registry that restarts ${keeps ? "with its services" : "empty"} gets its ` +
        `${name} programs back and no call fails`,
      [peer],
      async (lab) => {
        const stateDir = newFolder(lab);
        const registry = await startRegistry(lab, { stateDir });
        const wire = new RegistryWire(lab, registry.port);
        const account = await provider(lab, { registry: wire, service: "AccountService" });
        await startPlain(lab, { registry: wire.url, service: "LedgerService" });
        const store = await startStore(lab, wire);
        await using outward = loopThrough(store, "http://AccountService/hello/bob", 2);
        // A contract put there by hand is lost with the registry, and java-chassis asks for it again.
        const web = peer === java && !keeps ? undefined : await consumerOf(lab, {
          peer,
          account,
          wire,
        });
        await using inward = loopBy(web, `${scheme}://LedgerService/hello/eve`);
        const moreCalls = () =>
          Promise.all([
            outward.answersBy("AccountService", 100),
            web && inward.answersBy("LedgerService", 100),
          ]);
        await moreCalls();
        registry.process.signal("SIGTERM");
        assertEquals(await registry.process.exited(), 0);
        await moreCalls();

        const again = await startRegistry(lab, keeps ? { stateDir } : {});
        wire.registryPort = again.port;
        const upMs = performance.now();
        const caller = new ServiceCenterCaller(again.url);
        await until(
          async () => {
            const endpoints = (await caller.find("AccountService")).flatMap((one) => one.endpoints);
            return endpoints.length > 0 ? true : undefined;
          },
          "the provider to register again",
          60_000,
        );
        const tookMs = Math.round(performance.now() - upMs);
        // One that has nothing cached finds both.
        const late = await startStore(lab, again);
        for (const service of ["AccountService", "LedgerService"]) {
          const answer = await until(
            async () => {
              const got = await callOnce(late.outbound, `http://${service}/hello/late`);
              return got.status === 200 ? got : undefined;
            },
            `${service} to be found again`,
            60_000,
          );
          assertEquals((JSON.parse(answer.body) as Told).by, service);
        }
        await moreCalls();
        assertEquals([...outward.failures, ...inward.failures], []);
        const listed = (await caller.find("AccountService")).flatMap((one) => one.endpoints);
        say(
          `${outward.count + inward.count} calls, 0 failed; back in the registry ${tookMs} ms ` +
            `after its restart as ${listed}`,
        );
      },
    );
  }
}

/** A consumer of the same framework as a provider; a java-chassis program is both. */
async function consumerOf(
  lab: Lab,
  { peer, account, wire }: {
    readonly peer: Peer;
    readonly account: Provider | (Provider & Consumer);
    readonly wire: RegistryWire;
  },
): Promise<Consumer> {
  if (!("call" in account)) {
    return await startGoConsumer(lab, { peer, registry: wire, service: "GoWeb" });
  }
  await copyContract(wire.url, { from: "AccountService", to: "LedgerService", schema: "hello" });
  return account;
}
