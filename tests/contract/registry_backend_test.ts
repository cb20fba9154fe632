/** Every registry backend gives the same answers to the same questions. */
import { assert, assertEquals, rejection } from "@test/assert";
import {
  type FindAnswer,
  type Registration,
  RegistryError,
  type RegistryErrorCode,
} from "../../lib/control/registry/registry.ts";
import type { Instance, InstanceStatus } from "../../lib/core/types.ts";
import { within } from "../support/raw.ts";
import {
  embeddedWorld,
  fileWorld,
  type PublishedService,
  type RegistryWorld,
  tinyWorld,
} from "../support/registry_worlds.ts";

interface Candidate {
  readonly name: string;
  readonly open: () => Promise<RegistryWorld>;
  /** Why the registrar's part does not apply. */
  readonly noRegistrar?: string;
  /** Why the watch's part does not apply. */
  readonly noWatch?: string;
  /** Why nothing is ever refused. */
  readonly noRefusal?: string;
}

const noWatch = "this client polls";
const candidates: readonly Candidate[] = [
  { name: "service center at the embedded registry", open: embeddedWorld, noWatch },
  {
    name: "service center at the tiny test registry",
    open: tinyWorld,
    noWatch,
    noRefusal: "it checks nothing",
  },
  { name: "file", open: fileWorld, noRegistrar: "nobody registers in a file" },
];

const scope = { app: "default", environment: "" };
const query = { ...scope, name: "AccountService" };
const never = new AbortController().signal;

const account: PublishedService = {
  service: "AccountService",
  version: "1.0.0",
  instances: [
    { id: "a1", endpoints: ["rest://10.0.0.1:8080", "grpc://10.0.0.1:9090"] },
    { id: "a2", endpoints: ["rest://10.0.0.2:8080"], properties: { stage: "canary" } },
  ],
};

/** What every backend must agree on, in the order of the ids. */
function essence(instances: readonly Instance[]) {
  return instances.map(({ instanceId, version, status, endpoints, properties }) => ({
    id: instanceId,
    version,
    status,
    endpoints: endpoints.map((one) => ({ ...one })),
    properties: { ...properties },
  })).sort((a, b) => a.id < b.id ? -1 : 1);
}

function setOf(answer: FindAnswer): FindAnswer & { readonly kind: "set" } {
  assert(answer.kind === "set", `a set was expected, not ${answer.kind}`);
  return answer;
}

async function failsWith(code: RegistryErrorCode, call: () => Promise<unknown>): Promise<void> {
  const error = await rejection(call());
  assert(error instanceof RegistryError, String(error));
  assertEquals(error.code, code);
}

const rest = (host: string, port: number, secure = false) => ({
  protocol: "rest",
  host,
  port,
  secure,
});

for (const { name, open, noRegistrar, noWatch, noRefusal } of candidates) {
  const on = (what: string, run: (world: RegistryWorld) => Promise<void>) =>
    Deno.test(`registry backend ${name}, ${what}`, async () => {
      await using world = await open();
      await run(world);
    });
  const unless = (reason: string | undefined) =>
    reason === undefined
      ? on
      : (what: string, _run: (world: RegistryWorld) => Promise<void>) =>
        Deno.test({
          name: `registry backend ${name}, ${what} (skipped: ${reason})`,
          ignore: true,
          fn: () => {},
        });
  const onRegistrar = unless(noRegistrar);
  const onWatch = unless(noWatch);

  on("gives the whole set of a known service", async ({ backend, publish }) => {
    await publish([account]);
    const answer = setOf(await backend.discovery.find(query, undefined, never));
    assert(answer.revision !== "");
    assertEquals(essence(answer.instances), [
      {
        id: "a1",
        version: "1.0.0",
        status: "UP",
        endpoints: [rest("10.0.0.1", 8080), { ...rest("10.0.0.1", 9090), protocol: "grpc" }],
        properties: {},
      },
      {
        id: "a2",
        version: "1.0.0",
        status: "UP",
        endpoints: [rest("10.0.0.2", 8080)],
        properties: { stage: "canary" },
      },
    ]);
    const [first] = answer.instances;
    assertEquals([first!.app, first!.serviceName], ["default", "AccountService"]);
  });

  on("says unknown for a name it does not hold, in whatever spelling", async (world) => {
    await world.publish([account]);
    for (const asked of ["Nobody", "accountservice", "ACCOUNTSERVICE", "a b", "..", "x!y", ""]) {
      assertEquals(
        await world.backend.discovery.find({ ...query, name: asked }, undefined, never),
        { kind: "unknown" },
        asked,
      );
    }
  });

  on(
    "says unchanged for the newest revision and gives the new set after a change",
    async (world) => {
      await world.publish([account]);
      const { discovery } = world.backend;
      const { revision } = setOf(await discovery.find(query, undefined, never));
      assertEquals(await discovery.find(query, revision, never), { kind: "unchanged" });
      await world.publish([{ ...account, instances: account.instances.slice(1) }]);
      const next = setOf(await discovery.find(query, revision, never));
      assertEquals(next.instances.map((one) => one.instanceId), ["a2"]);
      assert(next.revision !== revision);
      assertEquals(await discovery.find(query, next.revision, never), { kind: "unchanged" });
    },
  );

  on("gives an empty set, not unknown, for a service without instances", async (world) => {
    await world.publish([{ ...account, instances: [] }]);
    const answer = setOf(await world.backend.discovery.find(query, undefined, never));
    assertEquals(answer.instances, []);
    assertEquals(await world.backend.discovery.names(scope, never), ["AccountService"]);
  });

  on("gives instances of every status", async ({ backend, publish }) => {
    const statuses: readonly InstanceStatus[] = [
      "UP",
      "DOWN",
      "STARTING",
      "TESTING",
      "OUTOFSERVICE",
    ];
    await publish([{
      ...account,
      instances: statuses.map((status, i) => ({
        id: `s${i}`,
        endpoints: [`rest://10.0.0.${i + 1}:80`],
        status,
      })),
    }]);
    const answer = setOf(await backend.discovery.find(query, undefined, never));
    assertEquals(essence(answer.instances).map((one) => one.status), statuses);
  });

  on("gives the instances of every version", async ({ backend, publish }) => {
    await publish([
      account,
      {
        ...account,
        version: "2.0.0",
        instances: [{ id: "b1", endpoints: ["rest://10.0.0.9:80"] }],
      },
    ]);
    const answer = setOf(await backend.discovery.find(query, undefined, never));
    assertEquals(essence(answer.instances).map((one) => [one.id, one.version]), [
      ["a1", "1.0.0"],
      ["a2", "1.0.0"],
      ["b1", "2.0.0"],
    ]);
  });

  for (
    const [what, endpoint, parsed] of [
      ["an IPv6 address", "rest://[fd00::7]:8080", rest("fd00::7", 8080)],
      ["a host name", "rest://vm-1.example.org:80", rest("vm-1.example.org", 80)],
      ["TLS", "rest://10.0.0.1:8443?sslEnabled=true", rest("10.0.0.1", 8443, true)],
      [
        "other queries and a path",
        "rest://10.0.0.1:80/?urlPrefix=%2Fapi&sslEnabled=true",
        rest("10.0.0.1", 80, true),
      ],
    ] as const
  ) {
    on(`reads an endpoint with ${what}`, async ({ backend, publish }) => {
      await publish([{ ...account, instances: [{ id: "a1", endpoints: [endpoint] }] }]);
      const answer = setOf(await backend.discovery.find(query, undefined, never));
      assertEquals(essence(answer.instances)[0]!.endpoints, [parsed]);
    });
  }

  on("keeps applications and environments apart", async ({ backend, publish }) => {
    const at = (id: string) => [{ id, endpoints: ["rest://10.0.0.1:80"] }];
    await publish([
      { ...account, instances: at("own") },
      { ...account, app: "shop", instances: at("other") },
      { ...account, environment: "testing", instances: at("tested") },
      { ...account, service: "OnlyThere", app: "shop", instances: at("there") },
    ]);
    const find = async (more: Partial<typeof query>) => {
      const answer = await backend.discovery.find({ ...query, ...more }, undefined, never);
      return answer.kind === "set" ? answer.instances.map((one) => one.instanceId) : answer.kind;
    };
    assertEquals(await find({}), ["own"]);
    assertEquals(await find({ app: "shop" }), ["other"]);
    assertEquals(await find({ environment: "testing" }), ["tested"]);
    assertEquals(await find({ environment: "production" }), "unknown");
    const { discovery } = backend;
    assertEquals(await discovery.names(scope, never), ["AccountService"]);
    assertEquals(await discovery.names({ ...scope, app: "shop" }, never), [
      "AccountService",
      "OnlyThere",
    ]);
  });

  on("lists each name once, sorted, and none when there is none", async (world) => {
    await world.publish([]);
    assertEquals(await world.backend.discovery.names(scope, never), []);
    await world.publish([
      { ...account, service: "web" },
      account,
      { ...account, version: "2.0.0", instances: [] },
      { ...account, service: "accountservice", instances: [] },
    ]);
    assertEquals(await world.backend.discovery.names(scope, never), [
      "AccountService",
      "accountservice",
      "web",
    ]);
  });

  on("fails with an error, never with an empty set, when the registry is gone", async (world) => {
    await world.vanish();
    const { discovery } = world.backend;
    await failsWith("unreachable", () => discovery.find(query, undefined, never));
    await failsWith("unreachable", () => discovery.names(scope, never));
  });

  onWatch("tells of a change and ends with its signal", async ({ backend, publish }) => {
    await publish([account]);
    const stop = new AbortController();
    const begun = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    let published = false;
    const watching = backend.watch!.watch(() => {
      begun.resolve();
      if (published) told.resolve();
    }, stop.signal);
    await within(begun.promise, "the watch to begin");
    published = true;
    await publish([{ ...account, instances: [] }]);
    await within(told.promise, "the change to be told");
    stop.abort();
    await within(watching, "the end of the watch");
    assertEquals(setOf(await backend.discovery.find(query, undefined, never)).instances, []);
  });

  const registration: Registration = {
    key: { ...scope, name: "AccountService", version: "1.0.0" },
    instanceId: "own-1",
    hostName: "vm1",
    endpoints: ["rest://10.0.0.7:30103"],
    ports: [{ protocol: "rest", port: 8080 }],
    properties: { mesher: "1" },
    status: "UP",
    lease: { intervalMs: 30_000, times: 3 },
  };

  onRegistrar(
    "a registered instance is found, changes its status, and is gone after its end",
    async ({ backend }) => {
      const registrar = backend.registrar!;
      const found = async () => {
        const answer = setOf(await backend.discovery.find(query, undefined, never));
        return essence(answer.instances);
      };
      const lease = await registrar.register(registration, never);
      const own = {
        id: "own-1",
        version: "1.0.0",
        status: "UP",
        endpoints: [rest("10.0.0.7", 30103)],
        properties: { mesher: "1" },
      };
      assertEquals(await found(), [own]);
      await registrar.heartbeat(lease, never);
      await registrar.setStatus(lease, "DOWN", never);
      assertEquals(await found(), [{ ...own, status: "DOWN" }]);
      await registrar.deregister(lease, never);
      await registrar.deregister(lease, never);
      assertEquals(await found(), []);
    },
  );

  onRegistrar(
    "registering again confirms, and brings new data and the new status",
    async ({ backend }) => {
      const registrar = backend.registrar!;
      const first = await registrar.register(registration, never);
      assertEquals(await registrar.register(registration, never), first);
      const moved = {
        ...registration,
        endpoints: ["rest://[fd00::7]:30103"],
        properties: { mesher: "1", zone: "a" },
        status: "DOWN" as const,
      };
      assertEquals(await registrar.register(moved, never), first);
      const answer = setOf(await backend.discovery.find(query, undefined, never));
      assertEquals(essence(answer.instances), [{
        id: "own-1",
        version: "1.0.0",
        status: "DOWN",
        endpoints: [rest("fd00::7", 30103)],
        properties: { mesher: "1", zone: "a" },
      }]);
    },
  );

  onRegistrar(
    "a lease that the registry forgot is lost, and a new registration brings it back",
    async (world) => {
      const registrar = world.backend.registrar!;
      const lease = await registrar.register(registration, never);
      await world.forgetInstances!();
      await failsWith("lease_lost", () => registrar.heartbeat(lease, never));
      await failsWith("lease_lost", () => registrar.setStatus(lease, "UP", never));
      assertEquals(await registrar.register(registration, never), lease);
      await registrar.heartbeat(lease, never);
    },
  );

  unless(noRegistrar ?? noRefusal)(
    "what the registry refuses is named as refused",
    async ({ backend }) => {
      const key = { ...registration.key, version: "not a version" };
      await failsWith(
        "refused",
        () => backend.registrar!.register({ ...registration, key }, never),
      );
    },
  );
}
