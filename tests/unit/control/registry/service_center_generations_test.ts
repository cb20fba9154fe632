/** Registries of several generations: the same life of a sidecar at each, and never a call that one of them refuses. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { RegistryError } from "../../../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../../../lib/control/registry/service_center.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { registrationOf } from "../../../support/registration.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";
import { TinyServiceCenter } from "../../../support/registry_server.ts";

const open = new AbortController().signal;
const query = (name: string) => ({ app: "shop", name, environment: "" });

/** What a generation does with a call before the tiny registry gets it, and with the answer after. */
interface Generation {
  readonly what: string;
  /** Whether an existence check may carry a rule such as `latest`; a new registry refuses it. */
  readonly rulesInExistence: boolean;
  /** Whether a find must carry a version rule, by which the registry then filters. */
  readonly filtersByVersion: boolean;
  /** Whether many names can be asked for in one call. */
  readonly batch: boolean;
  /** Whether finds have a revision. */
  readonly revisions: boolean;
  /** Whether records carry the version of their service and their lease. */
  readonly fullRecords: boolean;
}

const generations: readonly Generation[] = [
  {
    what: "1.x at its barest, without batch calls, revisions and full records",
    rulesInExistence: true,
    filtersByVersion: true,
    batch: false,
    revisions: false,
    fullRecords: false,
  },
  {
    what: "2.0, which wants a version rule and filters by it",
    rulesInExistence: true,
    filtersByVersion: true,
    batch: true,
    revisions: true,
    fullRecords: true,
  },
  {
    what: "2.1, which refuses rules in an existence check and ignores them in a find",
    rulesInExistence: false,
    filtersByVersion: false,
    batch: true,
    revisions: true,
    fullRecords: true,
  },
];

const exact = /^\d+(\.\d+){0,3}$/;
const rule = /^(latest|\d+(\.\d+){0,3}(\+|-\d+(\.\d+){0,3})?)$/;
const error = (errorCode: string) =>
  Response.json({ errorCode, errorMessage: "no" }, { status: 400 });

/** A registry of a generation. `refused` are the calls that it took for malformed. */
function registryOf(generation: Generation) {
  const tiny = new TinyServiceCenter();
  const refused: string[] = [];
  let batches = 0;
  const refuse = (call: string) => {
    refused.push(call);
    return error("400001");
  };

  async function find(url: URL, headers: Headers): Promise<Response> {
    const version = url.searchParams.get("version") ?? "";
    if (generation.filtersByVersion && !rule.test(version)) return refuse(String(url));
    const response = await tiny.handle(new Request(url, { headers }));
    if (response.status !== 200) return response;
    const body = await response.json() as { readonly instances?: Record<string, unknown>[] };
    const kept = (body.instances ?? []).filter((one) =>
      !generation.filtersByVersion || version === "0+" || one.version === version
    ).map(({ version, healthCheck, ...rest }) =>
      generation.fullRecords ? { ...rest, version, healthCheck } : rest
    );
    return Response.json(kept.length === 0 ? {} : { instances: kept }, {
      headers: generation.revisions ? response.headers : {},
    });
  }

  async function batch(url: URL, request: Request): Promise<Response> {
    batches++;
    if (!generation.batch) return new Response("404 page not found", { status: 404 });
    const { services } = await request.json() as {
      readonly services: readonly {
        readonly service: Record<string, string>;
        readonly rev?: string;
      }[];
    };
    const updated: object[] = [];
    const notModified: number[] = [];
    for (const [index, { service, rev }] of services.entries()) {
      const single = new URL("/v4/default/registry/instances", url);
      for (const [name, value] of Object.entries({ ...service, rev: rev ?? "" })) {
        single.searchParams.set(name, value);
      }
      const answer = await find(single, request.headers);
      if (answer.status === 400) return answer;
      if (answer.status === 304) notModified.push(index);
      else {
        const revision = answer.headers.get("X-Resource-Revision");
        updated.push({ index, rev: revision, ...await answer.json() });
      }
    }
    return Response.json({ services: { updated, notModified } });
  }

  return {
    tiny,
    refused,
    batches: () => batches,
    handle: async (request: Request): Promise<Response> => {
      const url = new URL(request.url);
      if (url.pathname.endsWith("/existence")) {
        const version = url.searchParams.get("version") ?? "";
        const fits = generation.rulesInExistence ? rule : exact;
        if (!fits.test(version)) return refuse(String(url));
        assertMatch(version, exact, "an older registry would answer with another version's id");
      }
      if (url.pathname.endsWith("/instances/action")) return await batch(url, request);
      if (url.pathname.endsWith("/registry/instances")) return await find(url, request.headers);
      return await tiny.handle(request);
    },
  };
}

for (const generation of generations) {
  Deno.test(`registry generations, a sidecar's life at a registry of ${generation.what}`, async () => {
    const registry = registryOf(generation);
    const clock = new FakeClock();
    const { registrar, discovery } = createServiceCenterBackend({
      addresses: ["http://registry:30100"],
      fetch: (url, init) => registry.handle(new Request(url, init)),
      clock,
      random: () => 0,
      logger: new RecordingLogger(),
      version: "0.1.0",
    });
    const key = (name: string, version: string) => ({ ...query(name), version });
    const register = (name: string, version: string, instanceId: string) =>
      registrar!.register(registrationOf({ key: key(name, version), instanceId }), open);
    const lease = await register("cart", "1.0.0", "one");
    await register("cart", "2.0.0", "two");
    await register("stock", "1.0.0", "three");
    await clock.advance(1_000);

    const ids = async (name: string, revision?: string) => {
      const answer = await discovery.find(query(name), revision, open);
      return answer.kind === "set" ? answer.instances.map((one) => one.instanceId) : answer.kind;
    };
    // All versions are wanted from every registry; which of them is called is decided here.
    assertEquals(await ids("cart"), ["one", "two"]);
    assertEquals(await Promise.all([ids("cart"), ids("stock")]), [["one", "two"], ["three"]]);
    assertEquals(await Promise.all([ids("cart"), ids("stock")]), [["one", "two"], ["three"]]);
    assertEquals(await discovery.names({ app: "shop", environment: "" }, open), ["cart", "stock"]);

    const first = await discovery.find(query("cart"), undefined, open);
    assert(first.kind === "set");
    assertEquals(first.instances.map((one) => [one.version, one.status]), [
      [generation.fullRecords ? "1.0.0" : "", "UP"],
      [generation.fullRecords ? "2.0.0" : "", "UP"],
    ]);
    assertEquals(first.revision === "", !generation.revisions);
    const again = await ids("cart", first.revision);
    assertEquals(again, generation.revisions ? "unchanged" : ["one", "two"]);

    await registrar!.heartbeat(lease, open);
    await registrar!.setStatus(lease, "DOWN", open);
    await registrar!.deregister(lease, open);
    assertEquals(await ids("cart", first.revision), ["two"]);
    assertEquals(registry.refused, []);
    // A batch call that is not there is asked for once, and not with every pull.
    assertEquals(registry.batches(), generation.batch ? 2 : 1);
    const asked = registry.tiny.calls.filter((call) => call.startsWith("GET /instances?"));
    assert(asked.every((call) => call.includes("version=0%2B")), asked.join("\n"));
  });
}

/** Codes that only older registries know. */
const oldCodes = [
  ["400014", "Undefined schema id"],
  ["400015", "Not allowed to modify schema"],
] as const;
for (const [code, words] of oldCodes) {
  Deno.test(`registry generations, an old registry that refuses a schema with ${code} gets the instance all the same`, async () => {
    const tiny = new TinyServiceCenter();
    const logger = new RecordingLogger();
    const { registrar } = createServiceCenterBackend({
      addresses: ["http://registry:30100"],
      fetch: (url, init) =>
        url.includes("/schemas/")
          ? Promise.resolve(
            Response.json({ errorCode: code, errorMessage: words }, { status: 400 }),
          )
          : tiny.fetch(url, init),
      clock: new FakeClock(),
      random: () => 0,
      logger,
      version: "0.1.0",
    });
    const schemas = [{ id: "api", text: "x: 1\n", summary: "a".repeat(64) }];
    await registrar!.register(registrationOf({ schemas }), open);
    assertEquals(tiny.instancesOf("cart").length, 1);
    assertEquals(logger.of("warn"), [
      `warn the registry did not take the schema api: ${code} ${words}`,
    ]);
  });
}

Deno.test("registry generations, an old registry that gives the endpoint to another service is a refusal in its own words", async () => {
  const tiny = new TinyServiceCenter();
  const words = "Endpoint is already belong to other service";
  const { registrar } = createServiceCenterBackend({
    addresses: ["http://registry:30100"],
    fetch: (url, init) =>
      init?.method === "POST" && url.endsWith("/instances")
        ? Promise.resolve(
          Response.json({ errorCode: "400025", errorMessage: words }, { status: 400 }),
        )
        : tiny.fetch(url, init),
    clock: new FakeClock(),
    random: () => 0,
    logger: new RecordingLogger(),
    version: "0.1.0",
  });
  const refusal = await rejection(registrar!.register(registrationOf(), open));
  assert(refusal instanceof RegistryError);
  assertEquals(refusal.code, "refused");
  assertMatch(refusal.message, /register the instance: 400025 Endpoint is already belong/);
});
