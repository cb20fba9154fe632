/** The decision who a name is. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { HostAnswer } from "../../../../lib/control/discovery/hosts.ts";
import type { Lookup } from "../../../../lib/control/discovery/lookup.ts";
import { type Resolved, resolveName } from "../../../../lib/control/discovery/resolve.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const service: Lookup = { kind: "service", service: "Account" };
const ambiguous: Lookup = { kind: "ambiguous", names: ["Cart", "cart"] };
const unknown: Lookup = { kind: "unknown", detail: "no such service" };
const registryDown: Lookup = { kind: "registry_down", detail: "the registry is silent" };
const host: HostAnswer = { kind: "host", addresses: ["192.0.2.1"] };
const noHost: HostAnswer = { kind: "host_unknown", detail: "no such host" };
const never = new Promise<never>(() => {});

interface World {
  readonly lookup: Lookup | Promise<Lookup>;
  readonly host?: HostAnswer;
}

async function resolve(name: string, world: World, waitMs = 2_000) {
  const clock = new FakeClock({ nowMs: 0 });
  const asked: string[] = [];
  let tookMs = -1;
  let resolved: Resolved | undefined;
  const done = resolveName(name, {
    services: {
      lookup: (asking) => {
        asked.push(`service ${asking}`);
        return Promise.resolve(world.lookup);
      },
    },
    hosts: {
      lookup: (asking) => {
        asked.push(`host ${asking}`);
        return Promise.resolve(world.host ?? noHost);
      },
      validMs: (answer) => answer.kind === "host" ? 10_000 : 2_000,
    },
    clock,
  }).then((value) => {
    resolved = value;
    tookMs = clock.now();
  });
  await clock.advance(waitMs);
  await done;
  assertEquals(clock.sleeping, 0);
  assert(resolved);
  return { ...resolved, asked, tookMs };
}

for (
  const [name, world, kind, validMs] of [
    ["Account", { lookup: service }, "service", Infinity],
    ["CART", { lookup: ambiguous }, "ambiguous", 2_000],
    ["Nope", { lookup: unknown, host }, "unknown", 2_000],
    ["Nope", { lookup: registryDown, host }, "registry_down", 1_000],
    ["account.svc", { lookup: service, host }, "service", Infinity],
    ["ca.rt", { lookup: ambiguous, host }, "ambiguous", 2_000],
    ["example.org", { lookup: unknown, host }, "host", 10_000],
    ["example.org", { lookup: registryDown, host }, "host", 2_000],
    ["example.org", { lookup: unknown }, "host_unknown", 2_000],
    ["example.org.", { lookup: unknown, host }, "host", 10_000],
    ["localhost", { lookup: unknown, host }, "host", 10_000],
  ] as const
) {
  Deno.test(`name resolution, ${name} with ${world.lookup.kind}${"host" in world ? " and a host" : ""} is ${kind}`, async () => {
    const { resolution, validMs: valid } = await resolve(name, world);
    assertEquals(resolution.kind, kind);
    assertEquals(valid, validMs);
  });
}

Deno.test("name resolution, a name without a dot is never looked up as a host", async () => {
  assertEquals((await resolve("Nope", { lookup: unknown, host })).asked, ["service Nope"]);
});

Deno.test("name resolution, an address is a host and nobody is asked", async () => {
  for (const name of ["192.0.2.7", "fd00::7"]) {
    const { resolution, asked } = await resolve(name, { lookup: service });
    assertEquals(resolution, { kind: "host", addresses: [name] });
    assertEquals(asked, []);
  }
});

Deno.test("name resolution, a registry that is slow holds up a service name for one second", async () => {
  const { resolution, tookMs } = await resolve("Account", { lookup: never });
  assert(resolution.kind === "registry_down");
  assertMatch(resolution.detail, /within 1000 ms who "Account" is/);
  assertEquals(tookMs, 1_000);
});

Deno.test("name resolution, a registry that is slow holds up a host name for 300 ms, and for a moment only", async () => {
  const { resolution, tookMs, validMs } = await resolve("example.org", { lookup: never, host });
  assertEquals(resolution, host);
  assertEquals(tookMs, 300);
  assertEquals(validMs, 2_000);
});

Deno.test("name resolution, a name that is neither says what was tried", async () => {
  const { resolution } = await resolve("example.org", { lookup: registryDown });
  assert(resolution.kind === "host_unknown");
  assertEquals(resolution.detail, "no such host; the registry is silent");
});
