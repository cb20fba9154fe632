/** Destinations that are refused: outside hosts where egress is denied, circles, ports that are not the application's. */
import { assertEquals, assertMatch } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

onBothNets("egress, deny refuses whatever is no service, and services go on", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({
    net,
    services: { Svc: [upstream.port] },
    names: { "api.example": { kind: "host", addresses: ["127.0.0.1"] } },
    policy: { egress: "deny" },
  });
  for (const host of ["api.example", `127.0.0.1:${upstream.port}`, "localhost", "[::1]:80"]) {
    const asked = await ask(plane, host);
    assertEquals([asked.status, problemOf(asked).code], [403, "request_denied"]);
    assertMatch(asked.head, /Proxy-Status: mesher; error=http_request_denied;/);
  }
  assertEquals((await ask(plane, "Svc")).status, 200);
  // The rule may change while the plane runs.
  await plane.setPolicy({ egress: "allow" });
  assertEquals((await ask(plane, `127.0.0.1:${upstream.port}`)).status, 200);
});

onBothNets("loops, the sidecar's own addresses are answered with 508", async (net) => {
  await using plane = await startPlane({
    net,
    roles: ["outbound", "inbound"],
    names: { "me.example": { kind: "host", addresses: ["127.0.0.1"] } },
  });
  const ports = [plane.port("outbound"), plane.port("inbound")];
  const hosts = ports.flatMap((port) => [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    `me.example:${port}`,
  ]);
  for (const host of hosts) {
    const asked = await ask(plane, host);
    assertEquals([asked.status, problemOf(asked).code], [508, "loop_detected"], host);
    assertMatch(asked.head, /Proxy-Status: mesher; error=proxy_loop_detected;/);
  }
  await plane.quiet();
});

onBothNets(
  "loops, an application port that is the sidecar's own is answered with 508",
  async (net) => {
    await using plane = await startPlane({ net, roles: ["inbound"] });
    await plane.setPolicy({ localPorts: [{ protocol: "rest", port: plane.port("inbound") }] });
    const asked = await ask(plane, "any", { role: "inbound" });
    assertEquals([asked.status, problemOf(asked).code], [508, "loop_detected"]);
    await plane.quiet();
  },
);

onBothNets("loops, two sidecars that send to each other stop after eight hops", async (net) => {
  await using plane = await startPlane({ net });
  // The service's only endpoint is an outbound listener again, under an address that is not known as the own one.
  await plane.setPolicy({ ownAddresses: [{ host: "127.0.0.9", port: 9 }] });
  plane.services.set("Round", [plane.port()]);
  const asked = await ask(plane, "Round");
  assertEquals([asked.status, problemOf(asked).code], [508, "loop_detected"]);
  assertEquals(plane.count("Round", "attempts"), 8);
  // The plane is its own client eight times over, and keeps those connections.
  await plane.quiet({ clients: 8, idle: 8 });
});

onBothNets("inbound, reaches the configured ports of 127.0.0.1 and no other", async (net) => {
  await using app = await RawUpstream.listen();
  await using admin = await RawUpstream.listen();
  await using secret = await RawUpstream.listen();
  app.answer(() => answer("app"));
  admin.answer(() => answer("admin"));
  secret.answer(() => answer("secret"));
  await using plane = await startPlane({
    net,
    roles: ["inbound"],
    policy: {
      localPorts: [
        { protocol: "grpc", port: 1 },
        { protocol: "rest", port: app.port },
        { protocol: "rest-admin", port: admin.port },
      ],
    },
  });
  const role = "inbound";
  assertEquals((await ask(plane, "any", { role })).body, "app");
  const ports = [[app.port, "app"], [admin.port, "admin"]] as const;
  for (const [port, body] of ports) {
    const fields = [`X-Forwarded-Port: ${port}`];
    assertEquals((await ask(plane, "any", { role, fields })).body, body);
  }
  const attempts = [
    { host: "any", fields: [`X-Forwarded-Port: ${secret.port}`] },
    { host: "any", fields: ["X-Forwarded-Port: 1e3"] },
    { host: "any", fields: ["X-Forwarded-Port:"] },
  ];
  for (const { host, fields } of attempts) {
    const asked = await ask(plane, host, { role, fields });
    assertEquals([asked.status, problemOf(asked).code], [503, "local_port_missing"]);
  }
  const client = await plane.client("inbound");
  client.send(head(`GET http://127.0.0.1:${secret.port}/ HTTP/1.1`, "Host: x"));
  assertEquals((await client.message()).body, "app");
  client.close();
  assertEquals(secret.connections.length, 0);
  await plane.quiet();
});
