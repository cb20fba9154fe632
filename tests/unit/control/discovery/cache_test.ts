/** The discovery cache: lazy look-up, freshness, outages, plausibility, eviction. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { DiscoveryCache } from "../../../../lib/control/discovery/cache.ts";
import type { CachePolicy } from "../../../../lib/control/discovery/cache_options.ts";
import type { ServiceSet } from "../../../../lib/control/discovery/service_set.ts";
import {
  RegistryError,
  type RegistrySign,
  type Watch,
} from "../../../../lib/control/registry/registry.ts";
import type { Instance } from "../../../../lib/core/types.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import {
  fakeBackend,
  FakeDiscovery,
  instance,
  RecordingLogger,
} from "../../../support/registry_fakes.ts";

const down = new RegistryError("unreachable", "connection refused");
const one = instance("rest://10.0.0.1:80");
const two = instance("rest://10.0.0.2:80");
const three = instance("rest://10.0.0.3:80");

/** A cache on a fake clock; `alive` holds the hosts that answer probes. */
class Fixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly discovery = new FakeDiscovery();
  readonly logger = new RecordingLogger();
  readonly alive = new Set<string>();
  readonly probed: string[] = [];
  readonly sets: ServiceSet[] = [];
  readonly gone: string[] = [];
  /** What the backend has seen of trouble. */
  sign: RegistrySign | undefined;
  readonly cache: DiscoveryCache;

  constructor(policy: Partial<CachePolicy> = {}, watch?: Watch, otherApps: readonly string[] = []) {
    this.cache = new DiscoveryCache({
      backend: { ...fakeBackend(this.discovery, watch), lastSign: () => this.sign },
      app: "default",
      environment: "",
      otherApps,
      clock: this.clock,
      random: () => 0.5,
      logger: this.logger,
      probe: (host) => {
        this.probed.push(host);
        return Promise.resolve(this.alive.has(host));
      },
      policy,
      onSet: (set) => this.sets.push(set),
      onGone: (service) => this.gone.push(service),
    });
  }

  serve(name: string, ...instances: readonly Instance[]): void {
    this.discovery.services.set(name, instances);
  }

  /** Ids of the newest set that was handed out. */
  get newest(): readonly string[] | undefined {
    return this.sets.at(-1)?.instances.map((each) => each.instanceId);
  }

  /** Ids of the newest set of one service. */
  newestOf(service: string): readonly string[] | undefined {
    return this.sets.findLast((set) => set.service === service)?.instances
      .map((each) => each.instanceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache.stop();
    assertEquals(this.clock.sleeping, 0, "a stopped cache leaves no timer");
  }
}

Deno.test("discovery cache, the first look-up hands out the set before it answers, the next asks nobody", async () => {
  await using at = new Fixture();
  at.serve("Account", two, one);
  assertEquals(await at.cache.lookup("Account"), { kind: "service", service: "Account" });
  assertEquals(at.sets, [{ service: "Account", instances: [one, two] }]);
  await at.cache.lookup("Account");
  assertEquals(at.discovery.asked, ["Account"]);
});

Deno.test("discovery cache, look-ups of one name at the same time are one question", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  const answers = await Promise.all([1, 2, 3].map(() => at.cache.lookup("Account")));
  assertEquals(answers.map((each) => each.kind), ["service", "service", "service"]);
  assertEquals(at.discovery.asked, ["Account"]);
  assertEquals(at.sets.length, 1);
});

Deno.test("discovery cache, an unknown name is remembered for a short while", async () => {
  await using at = new Fixture();
  const answer = await at.cache.lookup("Nope");
  assert(answer.kind === "unknown");
  assertMatch(answer.detail, /no service "Nope" in application "default".*fake nowhere/);
  await at.cache.lookup("Nope");
  assertEquals(at.discovery.asked, ["Nope"]);
  at.serve("Nope", one);
  await at.clock.advance(2_000);
  assertEquals((await at.cache.lookup("Nope")).kind, "service");
});

Deno.test("discovery cache, a name that no registry accepts is not asked for", async () => {
  await using at = new Fixture();
  assertEquals((await at.cache.lookup("bad!name")).kind, "unknown");
  assertEquals(at.discovery.asked, []);
  assertEquals(at.discovery.namesAsked, 0);
});

Deno.test("discovery cache, a lower-case name finds the one service that differs by case and says so", async () => {
  await using at = new Fixture();
  at.serve("AccountService", one);
  assertEquals(await at.cache.lookup("accountservice"), {
    kind: "service",
    service: "AccountService",
  });
  assertEquals(at.sets.map((set) => set.service), ["AccountService"]);
  assertMatch(at.logger.of("info").at(-1)!, /AccountService is used for the name accountservice/);
});

Deno.test("discovery cache, a lower-case name finds a followed service that the list of names lacks yet", async () => {
  await using at = new Fixture();
  assertEquals((await at.cache.lookup("nope")).kind, "unknown");
  at.serve("AccountService", one);
  await at.cache.lookup("AccountService");
  const { namesAsked } = at.discovery;
  assertEquals(await at.cache.lookup("accountservice"), {
    kind: "service",
    service: "AccountService",
  });
  assertEquals(at.discovery.namesAsked, namesAsked);
});

Deno.test("discovery cache, two services that differ only by case are named both, the exact name is served", async () => {
  await using at = new Fixture();
  at.serve("Cart", one);
  at.serve("cart", two);
  assertEquals(await at.cache.lookup("CART"), { kind: "ambiguous", names: ["Cart", "cart"] });
  assertEquals(await at.cache.lookup("cart"), { kind: "service", service: "cart" });
});

Deno.test("discovery cache, polls with jitter, sends the revision and hands out changes only", async () => {
  await using at = new Fixture();
  at.serve("Account", one, two, three);
  await at.cache.lookup("Account");
  await at.clock.advance(30_000);
  assertEquals(at.discovery.asked.length, 4);
  assertEquals(at.discovery.revisions.slice(1).every((each) => each !== undefined), true);
  assertEquals(at.sets.length, 1);
  at.serve("Account", one, { ...two, status: "DOWN" }, three);
  await at.clock.advance(10_000);
  assertEquals(at.sets.length, 2);
  assertEquals(at.sets[1]!.instances[1]!.status, "DOWN");
  assertEquals(at.probed, []);
});

Deno.test("discovery cache, the same content in another order is no change", async () => {
  await using at = new Fixture();
  at.serve("Account", { ...one, properties: { a: "1", b: "2" } }, two);
  await at.cache.lookup("Account");
  at.serve("Account", two, { ...one, properties: { b: "2", a: "1" } });
  await at.clock.advance(10_000);
  assertEquals(at.discovery.asked.length, 2);
  assertEquals(at.sets.length, 1);
});

Deno.test("discovery cache, changed endpoints of the same id replace the old ones", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  const moved = { ...instance("rest://10.0.0.9:90"), instanceId: one.instanceId };
  at.serve("Account", moved);
  await at.clock.advance(10_000);
  assertEquals(at.sets.at(-1)!.instances, [moved]);
});

Deno.test("discovery cache, a rolling deployment that replaces all instances is believed at once", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.serve("Account", two);
  await at.clock.advance(10_000);
  assertEquals(at.newest, ["10.0.0.2:80"]);
  assertEquals(at.probed, []);
});

Deno.test("discovery cache, a failing registry removes nothing and the age grows", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  at.cache.start();
  await at.cache.lookup("Account");
  at.discovery.failure = down;
  await at.clock.advance(60_000);
  assertEquals(at.sets.length, 1);
  assertEquals(await at.cache.lookup("Account"), { kind: "service", service: "Account" });
  const [view] = at.cache.views();
  assertEquals(view!.ageMs, 60_000);
  assertEquals(at.cache.contact.reachable, false);
  assertEquals(at.logger.of("warn").length, 1);
  at.discovery.failure = undefined;
  await at.clock.advance(12_000);
  assertEquals(at.cache.contact.reachable, true);
  assert(at.cache.views()[0]!.ageMs < 10_000);
});

Deno.test("discovery cache, after an outage the whole set is asked for, whatever the revision was", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.discovery.failure = down;
  await at.clock.advance(10_000);
  at.discovery.failure = undefined;
  at.cache.start();
  await at.clock.advance(12_000);
  assertEquals(at.discovery.revisions.at(-1), undefined);
});

Deno.test("discovery cache, without the registry a name is unknown for now, and it is asked again soon", async () => {
  await using at = new Fixture();
  at.discovery.failure = down;
  const answer = await at.cache.lookup("Account");
  assert(answer.kind === "registry_down");
  assertMatch(answer.detail, /nothing is known about "Account".*connection refused/);
  at.discovery.failure = undefined;
  at.serve("Account", one);
  await at.clock.advance(1_000);
  assertEquals((await at.cache.lookup("Account")).kind, "service");
});

Deno.test("discovery cache, many names do not drum on a registry that is down", async () => {
  await using at = new Fixture();
  at.discovery.failure = down;
  at.cache.start();
  for (let i = 0; i < 1_000; i++) {
    assertEquals((await at.cache.lookup(`Service${i}`)).kind, "registry_down");
    await at.clock.advance(20);
  }
  const asked = at.discovery.asked.length + at.discovery.namesAsked;
  assert(asked < 25, `${asked} calls in 20 s`);
  assertEquals(at.logger.of("warn").length, 1);
});

Deno.test("discovery cache, a registry that comes and goes fills neither the log nor the timers", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  at.cache.start();
  await at.cache.lookup("Account");
  await at.clock.advance(1_000);
  const sleeping = at.clock.sleeping;
  for (let i = 0; i < 30; i++) {
    at.discovery.failure = down;
    await at.cache.refresh("Account");
    await at.clock.advance(1_000);
    at.discovery.failure = undefined;
    await at.clock.advance(1_000);
  }
  assertEquals(at.logger.of("warn").length, 1);
  assert(at.logger.of("info").length <= 2);
  assertEquals(at.clock.sleeping, sleeping);
  assertEquals(at.sets.length, 1);
});

Deno.test("discovery cache, the contact is made without any look-up and made again when it was lost", async () => {
  await using at = new Fixture();
  at.discovery.failure = down;
  at.cache.start();
  await at.clock.advance(3_000);
  assertEquals(at.cache.contact.reachable, false);
  at.discovery.failure = undefined;
  await at.clock.advance(4_000);
  assertEquals(at.cache.contact.reachable, true);
});

Deno.test("discovery cache, an answer that makes no sense keeps the set and does not hold up other names", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.discovery.failure = new RegistryError("garbled", "instances is not a list");
  await at.clock.advance(10_000);
  assertEquals(at.sets.length, 1);
  assertEquals(at.cache.views()[0]!.lastError, "instances is not a list");
  assertEquals(at.cache.contact.reachable, true);
  at.discovery.failure = undefined;
  at.serve("Cart", two);
  assertEquals((await at.cache.lookup("Cart")).kind, "service");
});

Deno.test("discovery cache, an empty answer is believed only after every vanished endpoint failed a probe", async () => {
  await using at = new Fixture();
  at.serve("Account", one, two, three);
  await at.cache.lookup("Account");
  at.alive.add("10.0.0.1").add("10.0.0.2");
  at.serve("Account");
  await at.clock.advance(10_000);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80"]);
  assertEquals(at.cache.views()[0]!.keptIds, ["10.0.0.1:80", "10.0.0.2:80"]);
  // Nothing else is left, so what answers stays however long it takes.
  await at.clock.advance(600_000);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80"]);
  at.alive.clear();
  await at.clock.advance(3_000);
  assertEquals(at.newest, []);
});

Deno.test("discovery cache, a shrunken answer keeps what answers for a bounded time only", async () => {
  await using at = new Fixture({ keepVanishedMs: 60_000 });
  at.serve("Account", one, two, three);
  await at.cache.lookup("Account");
  at.alive.add("10.0.0.2").add("10.0.0.3");
  at.serve("Account", one);
  const all = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
  await at.clock.advance(10_000);
  assertEquals(at.newest, all);
  await at.clock.advance(50_000);
  assertEquals(at.newest, all);
  await at.clock.advance(15_000);
  assertEquals(at.newest, ["10.0.0.1:80"]);
});

Deno.test("discovery cache, one of two that leaves a registry which is well is believed gone at once", async () => {
  await using at = new Fixture();
  at.serve("Account", one, two);
  await at.cache.lookup("Account");
  at.alive.add("10.0.0.1").add("10.0.0.2");
  at.serve("Account", two);
  await at.clock.advance(10_000);
  assertEquals(at.newest, ["10.0.0.2:80"]);
  assertEquals(at.probed, []);
  assertEquals(at.cache.doubt, undefined);
});

Deno.test("discovery cache, three that leave one by one within half a minute left together", async () => {
  await using at = new Fixture({ pollMs: 5_000 });
  const four = instance("rest://10.0.0.4:80");
  at.serve("Account", one, two, three, four);
  await at.cache.lookup("Account");
  for (const host of [1, 2, 3, 4]) at.alive.add(`10.0.0.${host}`);
  at.serve("Account", two, three, four);
  await at.clock.advance(5_000);
  at.serve("Account", three, four);
  await at.clock.advance(5_000);
  at.serve("Account", four);
  await at.clock.advance(5_000);
  assertEquals(at.newest, ["10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"]);
});

for (
  const [what, trouble] of [
    ["gave no answer", (at: Fixture) => at.discovery.failure = down],
    [
      "answered nonsense",
      (at: Fixture) => at.discovery.failure = new RegistryError("garbled", "no list"),
    ],
    [
      "lost the own lease",
      (at: Fixture) => at.sign = { atMs: at.clock.now(), why: "it lost the own instance" },
    ],
    ["forgot another service", (at: Fixture) => at.discovery.services.delete("Cart")],
  ] as const
) {
  Deno.test(`discovery cache, for two minutes after a registry ${what} one that leaves is probed first`, async () => {
    await using at = new Fixture({ keepVanishedMs: 20_000, pollMs: 5_000 });
    at.cache.start();
    at.serve("Account", one, two);
    at.serve("Cart", three);
    await at.cache.lookup("Account");
    await at.cache.lookup("Cart");
    at.alive.add("10.0.0.1").add("10.0.0.2");
    await at.clock.advance(1_000);
    trouble(at);
    await at.clock.advance(7_000);
    at.discovery.failure = undefined;
    await at.clock.advance(15_000);
    at.serve("Account", two);
    await at.clock.advance(6_000);
    assertEquals(at.newestOf("Account"), ["10.0.0.1:80", "10.0.0.2:80"]);
    await at.clock.advance(30_000);
    assertEquals(at.newestOf("Account"), ["10.0.0.2:80"]);
    at.serve("Account", one, two);
    await at.clock.advance(90_000);
    assertEquals(at.cache.doubt, undefined);
    at.probed.length = 0;
    at.serve("Account", one);
    await at.clock.advance(6_000);
    assertEquals(at.newestOf("Account"), ["10.0.0.1:80"]);
    assertEquals(at.probed, []);
  });
}

Deno.test("discovery cache, says whether the registry's watch is connected", async () => {
  const state = { connected: true, connects: 3, sinceMs: 5 };
  await using at = new Fixture({}, { watch: () => Promise.resolve(), state });
  assertEquals(at.cache.contact, { reachable: undefined, watch: state });
});

Deno.test("discovery cache, a vanished endpoint that comes back is an ordinary one again", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.alive.add("10.0.0.1");
  at.serve("Account");
  await at.clock.advance(10_000);
  at.serve("Account", one);
  await at.clock.advance(3_000);
  assertEquals(at.cache.views()[0]!.keptIds, []);
  assertEquals(at.sets.length, 1);
});

Deno.test("discovery cache, new instances do not wait for the probes of the vanished", async () => {
  const gate = Promise.withResolvers<boolean>();
  await using at = new Fixture();
  const cache = new DiscoveryCache({
    backend: fakeBackend(at.discovery),
    app: "default",
    environment: "",
    clock: at.clock,
    random: () => 0.5,
    logger: at.logger,
    probe: () => gate.promise,
    onSet: (set) => at.sets.push(set),
    onGone: () => {},
  });
  at.serve("Account", one, two, { ...one, instanceId: "x", endpoints: three.endpoints });
  await cache.lookup("Account");
  const fresh = instance("rest://10.0.0.9:80");
  at.serve("Account", fresh);
  await at.clock.advance(10_000);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80", "x"]);
  gate.resolve(false);
  await settle();
  assertEquals(at.newest, ["10.0.0.9:80"]);
  await cache.stop();
});

Deno.test("discovery cache, a kept endpoint that somebody fails to reach is dropped at once, a listed one is not", async () => {
  await using at = new Fixture();
  at.serve("Account", one, two, three);
  await at.cache.lookup("Account");
  at.alive.add("10.0.0.2").add("10.0.0.3");
  at.serve("Account", one);
  await at.clock.advance(10_000);
  at.cache.distrust("Account", { host: "10.0.0.1", port: 80 });
  at.cache.distrust("Account", { host: "10.0.0.2", port: 80 });
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.3:80"]);
});

Deno.test("discovery cache, a service that the registry forgot and that answers no more is gone", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.alive.add("10.0.0.1");
  at.discovery.services.delete("Account");
  await at.clock.advance(60_000);
  assertEquals(at.gone, []);
  at.alive.clear();
  await at.clock.advance(3_000);
  assertEquals(at.gone, ["Account"]);
  assertEquals((await at.cache.lookup("Account")).kind, "unknown");
});

Deno.test("discovery cache, a service that nobody calls is forgotten, one in use is not", async () => {
  await using at = new Fixture({ evictMs: 60_000 });
  at.serve("Account", one);
  at.serve("Cart", two);
  at.cache.start();
  await at.cache.lookup("Account");
  await at.cache.lookup("Cart");
  await at.clock.advance(50_000);
  at.cache.touch("Cart");
  await at.clock.advance(30_000);
  assertEquals(at.gone, ["Account"]);
  assertEquals(at.cache.views().map((each) => each.service), ["Cart"]);
  const asked = at.discovery.asked.filter((name) => name === "Account").length;
  await at.clock.advance(20_000);
  assertEquals(at.discovery.asked.filter((name) => name === "Account").length, asked);
});

Deno.test("discovery cache, sets of an earlier life are served at once and refreshed without their revision", async () => {
  await using at = new Fixture();
  at.discovery.failure = down;
  at.cache.restore([{ service: "AccountService", instances: [one], ageMs: 3_600_000 }]);
  at.cache.start();
  assertEquals(at.newest, ["10.0.0.1:80"]);
  assertEquals((await at.cache.lookup("AccountService")).kind, "service");
  await settle();
  assertEquals(await at.cache.lookup("accountservice"), {
    kind: "service",
    service: "AccountService",
  });
  assertEquals(at.cache.views()[0]!.source, "disk");
  assertEquals(at.cache.views()[0]!.ageMs, 3_600_000);
  at.discovery.failure = undefined;
  at.serve("AccountService", one, two);
  await at.clock.advance(10_000);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80"]);
  assertEquals(at.cache.views()[0]!.source, "registry");
  assertEquals(at.discovery.revisions[0], undefined);
});

Deno.test("discovery cache, a watch event asks for the whole set soon and lets unknown names try again", async () => {
  let tell: (name: string | undefined) => void = () => {};
  await using at = new Fixture({}, {
    watch: (changed, signal) => {
      tell = changed;
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  at.serve("Account", one);
  at.cache.start();
  await at.cache.lookup("Account");
  await at.cache.lookup("Cart");
  at.serve("Account", one, two);
  at.serve("Cart", three);
  tell("Account");
  await at.clock.advance(100);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80"]);
  assertEquals((await at.cache.lookup("Cart")).kind, "service");
});

Deno.test("discovery cache, a watch that breaks is begun again with pauses", async () => {
  let begun = 0;
  await using at = new Fixture({}, {
    watch: () => {
      begun++;
      return Promise.reject(new Error("closed"));
    },
  });
  at.cache.start();
  await at.clock.advance(20_000);
  assert(begun >= 3 && begun <= 8, `${begun} times`);
});

Deno.test("discovery cache, a wish for a newer set is fulfilled at most once a second", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.serve("Account", one, two);
  await at.cache.refresh("Account");
  assertEquals(at.discovery.asked.length, 1);
  await at.clock.advance(1_000);
  await Promise.all([at.cache.refresh("Account"), at.cache.refresh("Account")]);
  assertEquals(at.discovery.asked.length, 2);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80"]);
  await at.cache.refresh("NeverHeardOf");
});

Deno.test("discovery cache, a registry that hangs is not asked again while it is being asked", async () => {
  await using at = new Fixture();
  at.serve("Account", one);
  await at.cache.lookup("Account");
  at.discovery.gate = new Promise(() => {});
  await at.clock.advance(120_000);
  assertEquals(at.discovery.asked.length, 2);
  assertEquals((await at.cache.lookup("Account")).kind, "service");
});

Deno.test("discovery cache, a listener that fails is reported and does not stop the polling", async () => {
  const clock = new FakeClock();
  const discovery = new FakeDiscovery();
  const logger = new RecordingLogger();
  discovery.services.set("Account", [one]);
  const cache = new DiscoveryCache({
    backend: fakeBackend(discovery),
    app: "default",
    environment: "",
    clock,
    random: () => 0.5,
    logger,
    probe: () => Promise.resolve(false),
    onSet: () => {
      throw new Error("broken listener");
    },
    onGone: () => {},
  });
  assertEquals((await cache.lookup("Account")).kind, "service");
  discovery.services.set("Account", [one, two]);
  await clock.advance(30_000);
  assertEquals(discovery.asked.length, 4);
  assertEquals(logger.of("error").length, 2);
  await cache.stop();
});

Deno.test("discovery cache, latest hands out the highest version only", async () => {
  await using at = new Fixture({ defaultVersion: "latest" });
  at.serve("Account", one, { ...two, version: "1.10.0" }, { ...three, version: "1.9.0" });
  await at.cache.lookup("Account");
  assertEquals(at.newest, ["10.0.0.2:80"]);
  assertEquals(at.cache.views()[0]!.instances.length, 3);
});

Deno.test("discovery cache, the polls of services that were found at different times converge to one round", async () => {
  await using at = new Fixture({ pollMs: 10_000 });
  at.cache.start();
  for (const name of ["A", "B", "C"]) {
    at.serve(name, one);
    await at.cache.lookup(name);
    await at.clock.advance(1_500);
  }
  await at.clock.advance(20_000);
  at.discovery.asked.length = 0;
  const rounds: string[] = [];
  for (let ms = 0; ms < 30_000; ms += 100) {
    await at.clock.advance(100);
    if (at.discovery.asked.length > 0) rounds.push(at.discovery.asked.splice(0).sort().join(""));
  }
  assertEquals(rounds, ["ABC", "ABC", "ABC"]);
});

Deno.test("discovery cache, a service that is due much later does not come along", async () => {
  await using at = new Fixture({ pollMs: 10_000 });
  at.serve("A", one);
  at.serve("B", one);
  await at.cache.lookup("A");
  await at.clock.advance(5_000);
  await at.cache.lookup("B");
  at.discovery.asked.length = 0;
  await at.clock.advance(5_100);
  assertEquals(at.discovery.asked, ["A"]);
});

Deno.test("discovery cache, a service of a listed application is found as service.application, in any case", async () => {
  await using at = new Fixture({}, undefined, ["shop", "default"]);
  at.serve("shop/Cart", { ...one, app: "shop" });
  for (const name of ["Cart.shop", "cart.shop", "CART.SHOP"]) {
    assertEquals(await at.cache.lookup(name), { kind: "service", service: "Cart.shop" });
  }
  assertEquals(at.discovery.foreign, ["shop/Cart"]);
  assertEquals(at.sets, [{ service: "Cart.shop", instances: [{ ...one, app: "shop" }] }]);
  at.serve("shop/Cart", { ...two, app: "shop" });
  await at.clock.advance(10_000);
  assertEquals(at.newest, ["10.0.0.2:80"]);
  assertEquals(new Set(at.discovery.foreign), new Set(["shop/Cart"]));
});

Deno.test("discovery cache, without a listed application a name with a dot is asked for as it is and no further", async () => {
  await using at = new Fixture({}, undefined, ["billing"]);
  at.serve("shop/Cart", { ...one, app: "shop" });
  assertEquals((await at.cache.lookup("Cart.shop")).kind, "unknown");
  assertEquals((await at.cache.lookup("shop")).kind, "unknown");
  assertEquals((await at.cache.lookup(".shop")).kind, "unknown");
  assertEquals(at.discovery.foreign, []);
});

Deno.test("discovery cache, a service of the own application whose name looks so comes first", async () => {
  await using at = new Fixture({}, undefined, ["shop"]);
  at.serve("Cart.shop", one);
  assertEquals((await at.cache.lookup("Cart.shop")).kind, "service");
  assertEquals(at.discovery.foreign, []);
});

Deno.test("discovery cache, two services of another application that differ only by case are named both", async () => {
  await using at = new Fixture({}, undefined, ["shop"]);
  at.discovery.find = ({ app }) =>
    Promise.resolve(
      app === "shop" ? { kind: "set", revision: "1", instances: [one] } : { kind: "unknown" },
    );
  at.discovery.names = ({ app }) => Promise.resolve(app === "shop" ? ["Cart", "cart"] : []);
  assertEquals(await at.cache.lookup("CART.shop"), {
    kind: "ambiguous",
    names: ["Cart.shop", "cart.shop"],
  });
  assertEquals(await at.cache.lookup("cart.shop"), { kind: "service", service: "cart.shop" });
});

Deno.test("discovery cache, an event about a service of another application asks for it again", async () => {
  let tell: (name: string | undefined) => void = () => {};
  await using at = new Fixture({ pollMs: 60_000 }, {
    watch: (changed, signal) => {
      tell = changed;
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  }, ["shop"]);
  at.cache.start();
  at.serve("shop/Cart", one);
  await at.cache.lookup("Cart.shop");
  at.serve("shop/Cart", one, two);
  tell("Cart");
  await at.clock.advance(100);
  assertEquals(at.newest, ["10.0.0.1:80", "10.0.0.2:80"]);
});

for (
  const [what, apps, kinds] of [
    ["is served and refreshed there", ["shop"], ["service", "shop/Cart"]],
    ["whose application is listed no more is not", [], ["unknown", undefined]],
  ] as const
) {
  Deno.test(`discovery cache, an earlier set of another application ${what}`, async () => {
    await using at = new Fixture({}, undefined, apps);
    const instances = [{ ...one, app: "shop" }];
    at.cache.restore([{ service: "Cart.shop", instances, ageMs: 5_000 }]);
    if (apps.length > 0) at.serve("shop/Cart", ...instances);
    assertEquals((await at.cache.lookup("Cart.shop")).kind, kinds[0]);
    await at.clock.advance(2_000);
    assertEquals(at.discovery.foreign[0], kinds[1]);
  });
}
