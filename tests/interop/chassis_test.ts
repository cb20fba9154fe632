/** Real go-chassis and java-chassis programs find, call and are called where registry and sidecars are ours. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import {
  chassisStory,
  startGoConsumer,
  startGoProvider,
  startJava,
  type Told,
} from "../support/chassis.ts";
import { chassisPeers } from "../support/chassis_build.ts";
import { RegistryWire } from "../support/chassis_wire.ts";
import {
  copyContract,
  frameworksOf,
  readContract,
  startPlain,
  startStore,
} from "../support/chassis_world.ts";
import { callOnce } from "../support/process_http.ts";
import { newFolder, startRegistry } from "../support/process_mesher.ts";

const { go, java } = await chassisPeers();

/** Who called, as the called one sees it. */
function callerIn(told: Told | undefined): string | undefined {
  return JSON.parse(told?.context || "{}")["x-cse-src-microservice"];
}

for (const { name, peer, provider } of frameworksOf({ go, java })) {
  chassisStory(
    `chassis, a plain client behind a sidecar calls a ${name} provider that registered itself`,
    [peer],
    async (lab) => {
      const registry = await startRegistry(lab);
      const wire = new RegistryWire(lab, registry.port);
      await provider(lab, { registry: wire, service: "AccountService" });
      const store = await startStore(lab, registry);
      const curl = await lab.run(["curl", "-sS", "http://AccountService/hello/bob?ms=1"], {
        env: { http_proxy: store.proxy },
      });
      assertEquals(curl.code, 0, curl.stderr);
      const got = JSON.parse(curl.stdout) as Told;
      assertEquals([got.by, got.method, got.who], ["AccountService", "GET", "bob"], curl.stdout);
      assertEquals(callerIn(got), "StoreWeb", curl.stdout);

      const posted = await callOnce(store.outbound, "http://AccountService/hello/eve", {
        method: "POST",
        fields: ["Content-Type: application/json"],
        body: '"x=1"',
      });
      assertEquals(posted.status, 200, posted.body);
      assertMatch((JSON.parse(posted.body) as Told).body, /^"?x=1"?$/);
      const missing = await callOnce(store.outbound, "http://AccountService/nothing-here");
      assertEquals(missing.status, 404);
      assert(!/\r\nproxy-status/i.test(missing.head), "the provider's own 404 is handed on");
      assertEquals(unwelcome(wire), []);
    },
  );
}

/** Calls that the registry refused although a program that starts needs them. */
function unwelcome(wire: RegistryWire): readonly string[] {
  return wire.exchanges
    // What does not exist yet is asked for first.
    .filter(({ method, path }) => !(method === "GET" && /\/existence\?|\/schemas\/\w+$/.test(path)))
    .filter(({ status = 0 }) => status >= 400)
    .map(({ method, path, status }) => `${method} ${path}: ${status}`);
}

chassisStory(
  "chassis, a go-chassis consumer finds and calls a plain app behind a sidecar",
  [go],
  async (lab) => {
    const registry = await startRegistry(lab);
    await startPlain(lab, { registry: registry.url, service: "AccountService" });
    const web = await startGoConsumer(lab, { peer: go, registry, service: "GoWeb" });
    const got = await web.call("http://AccountService/hello/bob?to=7");
    assertEquals(got.status, 200, got.text);
    const { by, method, who, query } = got.told!;
    assertEquals([by, method, who, query], ["AccountService", "GET", "bob", "to=7"]);
    assertEquals(callerIn(got.told), "GoWeb", got.text);
    const posted = await web.call("http://AccountService/hello/eve", {
      method: "POST",
      body: "amount=5",
    });
    assertEquals([posted.told?.method, posted.told?.body], ["POST", "amount=5"], posted.text);
  },
);

chassisStory(
  "chassis, a java-chassis consumer calls a plain app behind a sidecar by a contract in the registry",
  [java],
  async (lab) => {
    const registry = await startRegistry(lab);
    await startPlain(lab, { registry: registry.url, service: "AccountService" });
    const web = await startJava(lab, { peer: java, registry, service: "JavaWeb" });
    // It finds operations by contract and by nothing else; an app without one has to be given one by hand.
    await copyContract(registry.url, { from: "JavaWeb", to: "AccountService", schema: "hello" });
    const got = await web.call("cse://AccountService/hello/bob?ms=1");
    assertEquals(got.status, 200, got.text);
    const { by, method, who, query } = got.told!;
    assertEquals([by, method, who, query], ["AccountService", "GET", "bob", "ms=1"]);
    assertEquals(callerIn(got.told), "JavaWeb", got.text);
    const posted = await web.call("cse://AccountService/hello/eve", {
      method: "POST",
      body: "x=1",
    });
    assertEquals([posted.told?.method, posted.told?.body], ["POST", '"x=1"'], posted.text);
  },
);

chassisStory(
  "chassis, a java-chassis consumer calls a plain app whose sidecar has its contract in a folder",
  [java],
  async (lab) => {
    const registry = await startRegistry(lab);
    const web = await startJava(lab, { peer: java, registry, service: "JavaWeb" });
    const schemas = newFolder(lab);
    const contract = await readContract(registry.url, { service: "JavaWeb", schema: "hello" });
    await Deno.writeTextFile(`${schemas}/hello.yaml`, contract);
    await startPlain(lab, { registry: registry.url, service: "AccountService", schemas });
    const got = await web.call("cse://AccountService/hello/bob?ms=1");
    assertEquals(got.status, 200, got.text);
    const { by, method, who, query } = got.told!;
    assertEquals([by, method, who, query], ["AccountService", "GET", "bob", "ms=1"]);
    assertEquals(callerIn(got.told), "JavaWeb", got.text);
  },
);

chassisStory(
  "chassis, a go-chassis consumer calls a java-chassis provider",
  [go, java],
  async (lab) => {
    const registry = await startRegistry(lab);
    await startJava(lab, { peer: java, registry, service: "AccountService" });
    const web = await startGoConsumer(lab, { peer: go, registry, service: "GoWeb" });
    const got = await web.call("http://AccountService/hello/bob");
    assertEquals(
      [got.status, got.told?.by, got.told?.who],
      [200, "AccountService", "bob"],
      got.text,
    );
    assertEquals(callerIn(got.told), "GoWeb", got.text);
  },
);

chassisStory(
  "chassis, a call goes from a go-chassis consumer through sidecars on both sides to a go-chassis provider",
  [go],
  async (lab) => {
    const registry = await startRegistry(lab);
    await startGoProvider(lab, { peer: go, registry, service: "LedgerService" });
    await startPlain(lab, {
      registry: registry.url,
      service: "AccountService",
      next: "http://LedgerService/hello/third",
    });
    await startPlain(lab, {
      registry: registry.url,
      service: "StoreWeb",
      next: "http://AccountService/hello/second",
    });
    const web = await startGoConsumer(lab, { peer: go, registry, service: "GoWeb" });
    const first = (await web.call("http://StoreWeb/hello/first")).told as Hop;
    const hops = [first, first.next?.told, first.next?.told.next?.told];
    assertEquals(hops.map((hop) => [callerIn(hop), hop?.by, hop?.who]), [
      ["GoWeb", "StoreWeb", "first"],
      ["StoreWeb", "AccountService", "second"],
      ["AccountService", "LedgerService", "third"],
    ]);
  },
);

interface Hop extends Told {
  readonly next?: { readonly status: number; readonly told: Hop };
}
