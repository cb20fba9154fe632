/** Egress: which hosts outside the mesh may be called, over http and through CONNECT. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { EgressPolicy } from "../../lib/core/traffic.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instance } from "../support/instance.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head } from "../support/raw.ts";

const names = ["api.example.org", "deep.api.example.org", "example.org", "shop.example.net"];

function outside(net: Plane["net"], egress: EgressPolicy): Promise<Plane> {
  return startPlane({
    net,
    policy: { traffic: { egress } },
    names: Object.fromEntries(
      [...names, "API.Example.ORG"].map((
        name,
      ) => [name, { kind: "host" as const, addresses: ["127.0.0.1"] }]),
    ),
  });
}

const policies: readonly {
  readonly title: string;
  readonly egress: (port: number) => EgressPolicy;
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}[] = [
  {
    title: "all",
    egress: () => ({ otherwise: "allow", rules: [] }),
    allowed: [...names, "127.0.0.1"],
    denied: [],
  },
  {
    title: "none",
    egress: () => ({ otherwise: "deny", rules: [] }),
    allowed: [],
    denied: [...names, "127.0.0.1"],
  },
  {
    title: "those of a wildcard",
    egress: () => ({
      otherwise: "deny",
      rules: [{ hosts: ["*.example.org"], ports: [], action: "allow" }],
    }),
    allowed: ["api.example.org", "deep.api.example.org", "API.Example.ORG"],
    denied: ["example.org", "shop.example.net", "127.0.0.1"],
  },
  {
    title: "all but some, the first rule that fits decides",
    egress: () => ({
      otherwise: "allow",
      rules: [
        { hosts: ["deep.api.example.org"], ports: [], action: "allow" },
        { hosts: ["*.example.org", "127.0.0.1"], ports: [], action: "deny" },
      ],
    }),
    allowed: ["deep.api.example.org", "example.org", "shop.example.net"],
    denied: ["api.example.org", "127.0.0.1"],
  },
  {
    title: "one port",
    egress: (port) => ({
      otherwise: "deny",
      rules: [{ hosts: ["api.example.org"], ports: [port], action: "allow" }],
    }),
    allowed: ["api.example.org"],
    denied: ["example.org"],
  },
  {
    title: "another port",
    egress: (port) => ({
      otherwise: "deny",
      rules: [{ hosts: ["api.example.org"], ports: [port + 1], action: "allow" }],
    }),
    allowed: [],
    denied: ["api.example.org"],
  },
];

for (const { allowed, denied, egress, title } of policies) {
  onBothNets(`egress, allows ${title}`, async (net) => {
    await using host = await Instance.start("host");
    await using plane = await outside(net, egress(host.port));
    for (const name of allowed) {
      assertEquals((await ask(plane, `${name}:${host.port}`)).body, "host", name);
      assertMatch((await tunnel(plane, `${name}:${host.port}`)).head, /^HTTP\/1\.1 200 /, name);
    }
    // The thread's own count: when this process sees a connection is another matter.
    const dialled = plane.gauge("upstreamsDialled");
    for (const name of denied) {
      const asked = await ask(plane, `${name}:${host.port}`);
      assertEquals([asked.status, problemOf(asked).code], [403, "request_denied"], name);
      assertMatch(
        problemOf(asked).detail,
        new RegExp(`^${name[0]}.* is no service of the mesh: .*egress`, "i"),
      );
      const refused = await tunnel(plane, `${name}:${host.port}`);
      assertMatch(refused.head, /^HTTP\/1\.1 403 /, name);
      assertMatch(refused.head, /^Proxy-Status: mesher; error=http_request_denied; /m);
      assertEquals(JSON.parse(refused.body).code, "request_denied");
    }
    assertEquals(plane.gauge("upstreamsDialled"), dialled, "a refused host was connected to");
    await plane.quiet();
  });
}

/** What a CONNECT is answered with. */
async function tunnel(plane: Plane, authority: string): Promise<{ head: string; body: string }> {
  const client = await plane.client();
  client.send(head(`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`));
  const answered = await client.message();
  client.close();
  return answered;
}

onBothNets(
  "egress, is asked of hosts only: services of the mesh are called whatever it says",
  async (net) => {
    await using instance = await Instance.start("mesh");
    await using plane = await startPlane({
      net,
      services: { Svc: [instance.port] },
      policy: { egress: "deny" },
    });
    assertEquals((await ask(plane, "Svc")).body, "mesh");
    // Inside a tunnel to a service plain http is routed like any other.
    const client = await plane.client();
    client.send(head("CONNECT Svc:80 HTTP/1.1", "Host: Svc:80"));
    assertMatch(await client.head(), /^HTTP\/1\.1 200 /);
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    assertEquals((await client.message()).body, "mesh");
    client.close();
    await plane.quiet();
  },
);

onBothNets(
  "egress, changed while connections are open: the next request meets the new rules",
  async (net) => {
    await using host = await Instance.start("host");
    await using plane = await outside(net, { otherwise: "allow", rules: [] });
    const client = await plane.client();
    const request = head("GET / HTTP/1.1", `Host: api.example.org:${host.port}`);
    client.send(request);
    assertEquals((await client.message()).body, "host");
    await plane.setPolicy({ traffic: { egress: { otherwise: "deny", rules: [] } } });
    client.send(request);
    assertMatch((await client.message()).head, /^HTTP\/1\.1 403 /);
    await plane.setPolicy({ traffic: { egress: { otherwise: "allow", rules: [] } } });
    client.send(request);
    assertEquals((await client.message()).body, "host");
    client.close();
    assert(host.count === 2);
    await plane.quiet();
  },
);

onBothNets("egress, a rule that sends elsewhere does not get past it", async (net) => {
  await using host = await Instance.start("host");
  await using plane = await startPlane({
    net,
    services: { Svc: [host.port] },
    names: { "api.example.org": { kind: "host", addresses: ["127.0.0.1"] } },
    policy: {
      egress: "deny",
      services: {
        Svc: { routes: [{ name: "out", targets: [{ service: "api.example.org", weight: 1 }] }] },
      },
    },
  });
  const asked = await ask(plane, "Svc");
  assertEquals([asked.status, problemOf(asked).code], [403, "request_denied"]);
  await plane.quiet();
});
