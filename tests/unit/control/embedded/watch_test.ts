import { assertEquals } from "@test/assert";
import type { WatchSocket } from "../../../../lib/control/embedded/watch.ts";
import { WatchHub } from "../../../../lib/control/embedded/watch.ts";
import { createRegistry, logInto, type Registry } from "./harness.ts";

/** A web socket that remembers what was done to it. */
class FakeSocket extends EventTarget {
  readonly frames: string[] = [];
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  closedWith: number | undefined;

  send(text: string): void {
    this.frames.push(text);
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event("close"));
  }

  get told(): string[] {
    return this.frames.map((text) => {
      const { action, instance } = JSON.parse(text);
      return `${action} ${instance.hostName} ${instance.status}`;
    });
  }
}

async function watching(one: Registry, logs: string[] = []) {
  const hub = new WatchHub(one.clock, logInto(logs));
  one.registry.store.listen({
    instance: (event) => hub.publish(event),
    serviceGone: (partition, service) => hub.dismissService(partition, service),
  });
  const consumer = await one.service("web");
  const watch = (consumerId = consumer): FakeSocket => {
    const socket = new FakeSocket();
    hub.accept(socket as unknown as WatchSocket, {
      partition: () => one.registry.store.partition("default", "default"),
      consumerId,
    });
    return socket;
  };
  const find = (serviceName: string, appId = "shop") =>
    one.call("GET", `/instances?appId=${appId}&serviceName=${serviceName}`, {
      headers: { "X-ConsumerId": consumer },
    });
  return { hub, consumer, watch, find };
}

Deno.test("watcher, a name that nobody has yet: told of its first instance", async () => {
  const one = createRegistry();
  const { watch, find } = await watching(one);
  const socket = watch();
  assertEquals((await find("cart")).json.errorCode, "400012");
  await one.instance(await one.service("cart"));
  assertEquals(socket.told, ["CREATE host UP"]);
});

Deno.test("watcher, a change just before it connected: told once more; an older one: not", async () => {
  const one = createRegistry();
  const { watch, find } = await watching(one);
  const cart = await one.service("cart");
  await find("cart");
  await one.instance(cart, { hostName: "old" });
  await one.clock.advance(501);
  await one.instance(cart, { hostName: "new" });
  await one.clock.advance(500);
  assertEquals(watch().told, ["CREATE new UP"]);
});

Deno.test("watcher, a provider of another app: told only while it is open to others", async () => {
  const one = createRegistry();
  const { watch, find } = await watching(one);
  const bank = await one.service("bank", { appId: "other" });
  await find("bank", "other");
  const socket = watch();
  await one.instance(bank, { hostName: "closed" });
  await one.call("PUT", `/microservices/${bank}/properties`, {
    body: { properties: { allowCrossApp: "TRUE" } },
  });
  await one.instance(bank, { hostName: "open" });
  assertEquals(socket.told, ["CREATE open UP"]);
});

Deno.test("watcher, a living id registered with the same data: silent; with new data: UPDATE", async () => {
  const one = createRegistry();
  const { watch, find } = await watching(one);
  const cart = await one.service("cart");
  await one.instance(cart, { instanceId: "i" });
  await find("cart");
  await one.clock.advance(1_000);
  const socket = watch();
  await one.instance(cart, { instanceId: "i" });
  assertEquals(socket.told, []);
  await one.instance(cart, { instanceId: "i", hostName: "moved" });
  assertEquals(socket.told, ["UPDATE moved UP"]);
});

Deno.test("watcher, its own service deleted: told so and disconnected", async () => {
  const one = createRegistry();
  const { hub, consumer, watch } = await watching(one);
  const socket = watch();
  assertEquals(hub.size, 1);
  await one.call("DELETE", `/microservices/${consumer}?force=1`);
  assertEquals([socket.frames, socket.closedWith], [["service does not exist"], 1000]);
  assertEquals(hub.size, 0);
});

Deno.test("watcher, does not read: disconnected instead of filling the memory", async () => {
  const one = createRegistry();
  const logs: string[] = [];
  const { hub, watch, find } = await watching(one, logs);
  const cart = await one.service("cart");
  await find("cart");
  const socket = watch();
  socket.bufferedAmount = 5_000_000;
  await one.instance(cart);
  assertEquals([socket.closedWith, hub.size, logs.length], [4000, 0, 1]);
});

Deno.test("watcher, two of the same service: both are told", async () => {
  const one = createRegistry();
  const { watch, find } = await watching(one);
  const cart = await one.service("cart");
  await find("cart");
  const sockets = [watch(), watch()];
  await one.instance(cart);
  assertEquals(sockets.map((socket) => socket.told.length), [1, 1]);
});
