/** Sidecars of several projects and tenants at one registry, over real HTTP: each sees its own and nothing else. */
import { assert, assertEquals, rejection } from "@test/assert";
import { type RegistryBackend, RegistryError } from "../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../lib/control/registry/service_center.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { createRegistryNet } from "../../lib/platform/registry_net.ts";
import { FaultyServer } from "../support/faulty_registry.ts";
import { registrationOf } from "../support/registration.ts";
import { RecordingLogger } from "../support/registry_fakes.ts";

const never = new AbortController().signal;
const query = { app: "shop", name: "cart", environment: "" };

interface Place {
  readonly project?: string;
  readonly domain?: string;
}

/** Backends of one test, each at its place, and what they ask the registry for. */
class Clients implements AsyncDisposable {
  readonly #server: FaultyServer;
  readonly #net = createRegistryNet();
  readonly #backends: RegistryBackend[] = [];

  constructor(server: FaultyServer) {
    this.#server = server;
  }

  at(place: Place): RegistryBackend {
    const backend = createServiceCenterBackend({
      addresses: [this.#server.url],
      fetch: this.#net.fetch,
      dial: this.#net.dial,
      clock: realClock,
      random: Math.random,
      logger: new RecordingLogger(),
      version: "0.0.1",
      ...place,
    });
    this.#backends.push(backend);
    return backend;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of this.#backends) await backend.close();
    this.#net.close();
  }
}

const places: readonly (readonly [what: string, place: Place])[] = [
  ["another project", { project: "other" }],
  ["another tenant", { domain: "elsewhere" }],
  ["another project of another tenant", { project: "other", domain: "elsewhere" }],
  ["a project whose name needs encoding", { project: "p 1/é" }],
];

async function hostsAt(backend: RegistryBackend): Promise<readonly string[] | "unknown"> {
  const answer = await backend.discovery.find(query, undefined, never);
  if (answer.kind === "unknown") return "unknown";
  assert(answer.kind === "set");
  return answer.instances.flatMap((one) => one.endpoints.map(({ host }) => host));
}

for (const [what, place] of places) {
  Deno.test(`registry tenants, a sidecar of ${what} lives its whole life beside one of the default`, async () => {
    await using server = await FaultyServer.start();
    await using clients = new Clients(server);
    const home = clients.at({});
    const far = clients.at(place);
    const lease = await home.registrar!.register(registrationOf(), never);
    assertEquals(await hostsAt(far), "unknown");
    assertEquals(await far.discovery.names(query, never), []);
    const error = await rejection(far.registrar!.heartbeat(lease, never));
    assert(error instanceof RegistryError);
    assertEquals(error.code, "lease_lost");

    // The same service and the same instance id: two records that know nothing of each other.
    const farLease = await far.registrar!.register(
      registrationOf({ endpoints: ["rest://10.9.9.9:80"] }),
      never,
    );
    assertEquals(farLease.instanceId, lease.instanceId);
    assert(farLease.serviceId !== lease.serviceId);
    assertEquals([await hostsAt(home), await hostsAt(far)], [["10.0.0.7"], ["10.9.9.9"]]);
    assertEquals(await far.discovery.names(query, never), ["cart"]);
    await far.registrar!.setStatus(farLease, "DOWN", never);
    const answer = await home.discovery.find(query, undefined, never);
    assert(answer.kind === "set");
    assertEquals(answer.instances.map((one) => one.status), ["UP"]);
    await far.registrar!.deregister(farLease, never);
    assertEquals([await hostsAt(home), await hostsAt(far)], [["10.0.0.7"], []]);
    await home.registrar!.heartbeat(lease, never);
  });
}

Deno.test("registry tenants, many names at once are found in the own project only", async () => {
  await using server = await FaultyServer.start();
  await using clients = new Clients(server);
  const home = clients.at({});
  const far = clients.at({ project: "other", domain: "elsewhere" });
  const key = (name: string) => ({ app: "shop", name, version: "1.0.0", environment: "" });
  await home.registrar!.register(registrationOf({ key: key("cart") }), never);
  await far.registrar!.register(registrationOf({ key: key("stock") }), never);
  const kinds = async (backend: RegistryBackend) => {
    const answers = await Promise.all(
      ["cart", "stock"].map((name) => backend.discovery.find({ ...query, name }, undefined, never)),
    );
    return answers.map((one) => one.kind);
  };
  assertEquals(await kinds(home), ["set", "unknown"]);
  assertEquals(await kinds(far), ["unknown", "set"]);
});

Deno.test("registry tenants, a watch hears of its own project and not of the same service in another", async () => {
  await using server = await FaultyServer.start();
  await using clients = new Clients(server);
  const place = { project: "other", domain: "elsewhere" };
  const home = clients.at({});
  const far = clients.at(place);
  const web = registrationOf({
    key: { app: "shop", name: "web", version: "1.0.0", environment: "" },
    endpoints: [],
  });
  await far.registrar!.register(web, never);
  const stop = new AbortController();
  const told: (string | undefined)[] = [];
  let heard: () => void = () => {};
  const watching = far.watch!.watch((name) => {
    told.push(name);
    heard();
  }, stop.signal);
  const until = async (what: string, met: () => boolean) => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`${what} did not come`)), 10_000);
    try {
      while (!met()) {
        const next = Promise.withResolvers<void>();
        heard = next.resolve;
        await Promise.race([next.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  };
  await until("the pull after the connection", () => told.length === 1);
  assertEquals(server.faulty.registry.stats().watchers, 1);
  const key = (name: string) => ({ app: "shop", name, version: "1.0.0", environment: "" });
  for (const name of ["cart", "stock"]) {
    const answer = await far.discovery.find({ ...query, name }, undefined, never);
    assertEquals(answer.kind, "unknown");
  }
  // First the one that must not be heard of, then the one that must: frames keep their order.
  await home.registrar!.register(registrationOf({ key: key("cart") }), never);
  await far.registrar!.register(registrationOf({ key: key("stock") }), never);
  await until("the event", () => told.length > 1);
  assertEquals(told, [undefined, "stock"]);
  stop.abort();
  await watching;
});

Deno.test("registry tenants, calls and the watch name the project in the path and the tenant in a header", async () => {
  const asked: string[] = [];
  const seen = (request: Request) => {
    const tenant = request.headers.get("x-domain-name");
    asked.push(`${request.method} ${new URL(request.url).pathname} ${tenant}`);
  };
  await using server = await FaultyServer.start();
  await using front = {
    server: Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      seen(request);
      return server.faulty.handle(request);
    }),
    async [Symbol.asyncDispose]() {
      await server.faulty.registry.stop();
      await this.server.shutdown();
    },
  };
  const net = createRegistryNet();
  const backend = createServiceCenterBackend({
    addresses: [`http://127.0.0.1:${front.server.addr.port}`],
    fetch: net.fetch,
    dial: net.dial,
    clock: realClock,
    random: Math.random,
    logger: new RecordingLogger(),
    version: "0.0.1",
    project: "other",
    domain: "elsewhere",
  });
  await backend.registrar!.register(registrationOf(), never);
  const stop = new AbortController();
  const connected = Promise.withResolvers<void>();
  const watching = backend.watch!.watch(() => connected.resolve(), stop.signal);
  await connected.promise;
  await backend.discovery.find(query, undefined, never);
  stop.abort();
  await watching;
  await backend.close();
  net.close();
  assert(asked.some((line) => line.includes("/watcher ")), asked.join("\n"));
  for (const line of asked) {
    assert(/^[A-Z]+ \/v4\/other\/registry\/.* elsewhere$/.test(line), line);
  }
});
