/** Names of hosts outside the mesh. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { HostCache, type HostsOptions } from "../../../../lib/control/discovery/hosts.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";

function setUp(more: Partial<HostsOptions> = {}) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const known = new Map([["example.org", ["::1", "192.0.2.1"]]]);
  const hosts = new HostCache({
    clock,
    resolve: (name) => {
      asked.push(name);
      const addresses = known.get(name);
      return addresses ? Promise.resolve(addresses) : Promise.reject(new Error("ENOTFOUND"));
    },
    ...more,
  });
  return { clock, asked, known, hosts };
}

Deno.test("outside hosts, all addresses in the resolver's order, remembered for ten seconds", async () => {
  const { clock, asked, hosts } = setUp();
  const answer = { kind: "host", addresses: ["::1", "192.0.2.1"] } as const;
  assertEquals(await hosts.lookup("example.org"), answer);
  await clock.advance(9_999);
  assertEquals(await hosts.lookup("EXAMPLE.org"), answer);
  assertEquals(asked.length, 1);
  await clock.advance(1);
  await hosts.lookup("example.org");
  assertEquals(asked.length, 2);
  assertEquals(hosts.validMs(answer), 10_000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("outside hosts, a failure is remembered for two seconds only", async () => {
  const { clock, asked, known, hosts } = setUp();
  const answer = await hosts.lookup("later.org");
  assert(answer.kind === "host_unknown");
  assertMatch(answer.detail, /"later\.org" was not found: ENOTFOUND/);
  assertEquals(hosts.validMs(answer), 2_000);
  known.set("later.org", ["192.0.2.2"]);
  await clock.advance(1_999);
  assertEquals((await hosts.lookup("later.org")).kind, "host_unknown");
  await clock.advance(1);
  assertEquals((await hosts.lookup("later.org")).kind, "host");
  assertEquals(asked.length, 2);
});

Deno.test("outside hosts, questions for one name at the same time are one question", async () => {
  const { asked, hosts } = setUp();
  await Promise.all([hosts.lookup("example.org"), hosts.lookup("example.org")]);
  assertEquals(asked.length, 1);
});

Deno.test("outside hosts, addresses and impossible names are not asked for", async () => {
  const { asked, hosts } = setUp();
  assertEquals(await hosts.lookup("192.0.2.7"), { kind: "host", addresses: ["192.0.2.7"] });
  assertEquals(await hosts.lookup("fd00::7"), { kind: "host", addresses: ["fd00::7"] });
  for (const name of ["", "a b.org", "a\u0000.org", "a/b.org", "x".repeat(254)]) {
    assertEquals((await hosts.lookup(name)).kind, "host_unknown");
  }
  assertEquals(asked, []);
});

Deno.test("outside hosts, a name without an address is unknown", async () => {
  const { hosts } = setUp({ resolve: () => Promise.resolve([]) });
  assertEquals((await hosts.lookup("empty.org")).kind, "host_unknown");
});

Deno.test("outside hosts, a resolver that hangs is given up after five seconds", async () => {
  const { clock, hosts } = setUp({ resolve: () => new Promise(() => {}) });
  const answer = hosts.lookup("slow.org");
  await clock.advance(5_000);
  const given = await answer;
  assert(given.kind === "host_unknown");
  assertMatch(given.detail, /no answer within 5000 ms/);
});

Deno.test("outside hosts, the oldest answers make room and open questions do not", async () => {
  const gate = Promise.withResolvers<string[]>();
  const asked: string[] = [];
  const { hosts } = setUp({
    maxNames: 2,
    resolve: (name) => {
      asked.push(name);
      return name === "slow.org" ? gate.promise : Promise.resolve(["192.0.2.1"]);
    },
  });
  const slow = hosts.lookup("slow.org");
  await hosts.lookup("a.org");
  await hosts.lookup("b.org");
  await hosts.lookup("a.org");
  assertEquals(asked, ["slow.org", "a.org", "b.org", "a.org"]);
  gate.resolve(["192.0.2.9"]);
  assertEquals(await slow, { kind: "host", addresses: ["192.0.2.9"] });
});

Deno.test("outside hosts, when every place is taken by an open question the next is refused", async () => {
  const { clock, hosts } = setUp({ maxNames: 1, resolve: () => new Promise(() => {}) });
  const first = hosts.lookup("slow.org");
  const second = await hosts.lookup("other.org");
  assert(second.kind === "host_unknown");
  assertMatch(second.detail, /being looked up already/);
  hosts.stop();
  assertEquals((await first).kind, "host_unknown");
  await settle();
  assertEquals(clock.sleeping, 0);
});
