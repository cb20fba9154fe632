/** Rules that change what is sent and what comes back, and rules that answer by themselves. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { RouteRule } from "../../lib/core/traffic.ts";
import { blockBase, slot } from "../../lib/plane/counters.ts";
import { ask } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head } from "../support/raw.ts";

function rewriting(change: Partial<RouteRule>): { readonly routes: readonly RouteRule[] } {
  return { routes: [{ name: "change", targets: [], ...change }] };
}

const paths: readonly {
  readonly path: NonNullable<RouteRule["path"]>;
  readonly cases: Readonly<Record<string, string>>;
}[] = [
  {
    path: { prefix: { from: "/v1", to: "/" } },
    cases: {
      "/v1/a/b?c=/v1": "/a/b?c=/v1",
      "/v1": "/",
      "/v10/a": "/v10/a",
      "http://Svc/v1/a": "/a",
    },
  },
  {
    path: { regex: { pattern: "^/users/(\\d+)/", to: "/people?id=$1&of=" } },
    cases: { "/users/12/x y": "", "/users/12/x?q=1": "/people?id=12&of=x&q=1", "/a": "/a" },
  },
];

for (const { path, cases } of paths) {
  onBothNets(`rewrite, paths by ${Object.keys(path)}`, async (net) => {
    await using instances = await Instances.start("one");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports },
      policy: { services: { Svc: rewriting({ path }) } },
    });
    const expected = [];
    for (const [from, to] of Object.entries(cases)) {
      const { status } = await ask(plane, "Svc", { path: from });
      assertEquals(status, to === "" ? 400 : 200, from);
      if (to !== "") expected.push(`GET ${to} HTTP/1.1`);
    }
    const lines = instances.all[0]!.arrivals.map((each) => each.head.split("\r\n")[0]);
    assertEquals(lines, expected);
    await plane.quiet();
  });
}

onBothNets("rewrite, header fields both ways: set, added and removed", async (net) => {
  await using instances = await Instances.start("one");
  instances.all[0]!.fields = ["Server: secret/1.0", "X-Kept: 1", "Cache-Control: no-store"];
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: {
      services: {
        Svc: rewriting({
          requestHeaders: {
            set: { "X-Tenant": "blue" },
            add: { "X-Tag": "two" },
            remove: ["X-Debug"],
          },
          responseHeaders: {
            set: { "Cache-Control": "max-age=60" },
            add: { "X-Via": "mesh" },
            remove: ["server"],
          },
        }),
      },
    },
  });
  const asked = await ask(plane, "Svc", {
    fields: ["x-tenant: red", "X-Tag: one", "x-debug: 1", "X-DEBUG: 2", "X-Other: 3"],
  });
  const sent = instances.all[0]!.arrivals[0]!.head;
  const values = (text: string, name: string) =>
    [...text.matchAll(new RegExp(`^${name}: (.*)\\r$`, "gim"))].map(([, value]) => value);
  assertEquals(values(sent, "x-tenant"), ["blue"]);
  assertEquals(values(sent, "x-tag"), ["one", "two"]);
  assertEquals(values(sent, "x-debug"), []);
  assertEquals(values(sent, "x-other"), ["3"]);
  assertEquals(asked.body, "one");
  assertEquals(values(asked.head, "server"), []);
  assertEquals(values(asked.head, "x-kept"), ["1"]);
  assertEquals(values(asked.head, "cache-control"), ["max-age=60"]);
  assertEquals(values(asked.head, "x-via"), ["mesh"]);
  // A request that no rule is for, on the same connection, has nothing of it.
  await plane.setPolicy({ services: { Svc: { routes: [] } } });
  const plain = await ask(plane, "Svc", { fields: ["x-debug: 1"] });
  assertEquals(values(plain.head, "server"), ["secret/1.0"]);
  assertEquals(values(instances.all[0]!.arrivals[1]!.head, "x-debug"), ["1"]);
  await plane.quiet();
});

onBothNets("rewrite, a second attempt has the same path and fields as the first", async (net) => {
  await using instances = await Instances.start("one", "two");
  for (const each of instances.all) each.status = "503 Service Unavailable";
  await using plane = await startPlane({
    net,
    services: { Svc: instances.ports },
    policy: {
      retry: { statuses: [503] },
      services: {
        Svc: rewriting({
          path: { prefix: { from: "/v1", to: "/" } },
          requestHeaders: { set: { "X-Tenant": "blue" } },
        }),
      },
    },
  });
  assertEquals((await ask(plane, "Svc", { path: "/v1/a", method: "PUT", body: "b" })).status, 503);
  const arrivals = instances.all.flatMap((each) => each.arrivals);
  assertEquals(arrivals.length, 2);
  for (const each of arrivals) {
    assertMatch(each.head, /^PUT \/a HTTP\/1\.1\r\n/);
    assertMatch(each.head, /^X-Tenant: blue\r$/m);
    assertEquals(each.body, "b");
  }
  await plane.quiet();
});

function redirecting(plane: Plane): Promise<void> {
  return plane.setPolicy({
    services: {
      Svc: rewriting({
        match: { path: { prefix: "/old" } },
        redirect: { status: 308, location: "https://new.example$path" },
      }),
    },
  });
}

onBothNets("redirect, is answered at once, and the connection serves on", async (net) => {
  await using instances = await Instances.start("one");
  await using plane = await startPlane({ net, services: { Svc: instances.ports } });
  await redirecting(plane);
  const client = await plane.client();
  client.send(
    head("GET /old/a?b=%20c HTTP/1.1", "Host: Svc") + head("GET /new HTTP/1.1", "Host: Svc"),
  );
  const { head: first } = await client.message();
  assertMatch(first, /^HTTP\/1\.1 308 /);
  assertMatch(first, /^Location: https:\/\/new\.example\/old\/a\?b=%20c\r$/m);
  assertEquals((await client.message()).body, "one");
  client.close();
  assertEquals(instances.counts, [1]);
  const redirected = blockBase(plane.block("Svc")) + slot.status + 2;
  assertEquals(plane.supervisor.counter(redirected), 1, "it counts as no answer of 300 to 399");
  await plane.quiet();
});

onBothNets(
  "redirect, before the body has come: the caller is told that the connection ends",
  async (net) => {
    await using instances = await Instances.start("one");
    await using plane = await startPlane({ net, services: { Svc: instances.ports } });
    await redirecting(plane);
    const client = await plane.client();
    client.send(head("POST /old HTTP/1.1", "Host: Svc", "Content-Length: 5") + "or");
    const { head: first } = await client.message();
    assertMatch(first, /^HTTP\/1\.1 308 /);
    assertMatch(first, /^Connection: close\r$/m);
    assertEquals((await client.rest()).text, "");
    assert(instances.total === 0);
    client.close();
    await plane.quiet();
  },
);
