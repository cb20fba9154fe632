import { assert, assertEquals } from "@test/assert";
import { RegistryFault } from "../../../../lib/control/embedded/faults.ts";
import { Pairs } from "../../../../lib/control/embedded/pairs.ts";
import { readInstance } from "../../../../lib/control/embedded/read_instance.ts";
import { readService } from "../../../../lib/control/embedded/read_service.ts";
import { Store, type StoreOptions } from "../../../../lib/control/embedded/store.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

function createStore(options: Partial<StoreOptions> = {}): Store {
  return new Store({ clock: new FakeClock(), random: Math.random, ...options });
}

function faultCode(action: () => unknown): string {
  try {
    action();
    return "none";
  } catch (error) {
    assert(error instanceof RegistryFault);
    return error.code;
  }
}

Deno.test("store, quotas: one too many is 400100, and there is room again after one has gone", () => {
  const store = createStore({ maxServices: 1, maxInstances: 1 });
  const add = (serviceName: string) =>
    store.createService(store.partition("d", "p"), readService({ serviceName }));
  const service = add("a");
  const partition = store.partition("d", "p");
  assertEquals(faultCode(() => add("b")), "400100");
  assertEquals(add("a"), service);
  const instance = store.register(partition, service, readInstance({ hostName: "h" }));
  const second = () => store.register(partition, service, readInstance({ hostName: "h" }));
  assertEquals(faultCode(second), "400100");
  store.removeInstance(partition, instance);
  assertEquals(faultCode(second), "none");
  store.deleteService(partition, service.serviceId, { force: true });
  assertEquals([store.serviceCount, store.instanceCount], [0, 0]);
  assertEquals(faultCode(() => add("b")), "none");
});

Deno.test("store, a tenant that is only asked about: nothing is kept for it", () => {
  const store = createStore();
  for (let i = 0; i < 100; i++) store.partition(`tenant-${i}`, "p");
  assertEquals([...store.partitions].length, 0);
});

Deno.test("store, names such as __proto__ for tenants: kept apart", () => {
  const store = createStore();
  const fields = readService({ serviceName: "a" });
  for (const [domain, project] of [["__proto__", "x"], ["a/b", "c"], ["a", "b/c"]] as const) {
    store.createService(store.partition(domain, project), fields);
  }
  assertEquals([...store.partitions].length, 3);
  assertEquals(store.partition("a", "b/c").services.size, 1);
});

Deno.test("store, two services with one alias: the alias follows the one that is left", () => {
  const store = createStore();
  const partition = store.partition("d", "p");
  const key = { environment: "", appId: "default", serviceName: "shop:cart" };
  const first = store.createService(
    partition,
    readService({ serviceName: "a", alias: "shop:cart", version: "1" }),
  );
  const second = store.createService(
    partition,
    readService({ serviceName: "a", alias: "shop:cart", version: "2" }),
  );
  assertEquals(partition.lookUp(key), [first, second]);
  store.deleteService(partition, first.serviceId, { force: false });
  assertEquals(partition.lookUp(key), [second]);
  store.deleteService(partition, second.serviceId, { force: false });
  assertEquals(partition.lookUp(key), []);
});

Deno.test("pairs, a consumer that asks for ever new names: bounded, and forgotten as a whole", () => {
  const pairs = new Pairs();
  for (let i = 0; i < 6_000; i++) pairs.add("web", `/shop/${i}`);
  assertEquals(pairs.namesOf("web").size, 5_000);
  assertEquals(pairs.add("other", "/shop/1"), true);
  pairs.removeConsumer("web");
  assertEquals([...pairs.consumersOf("/shop/1")], ["other"]);
  assertEquals([...pairs.consumersOf("/shop/2")], []);
});
