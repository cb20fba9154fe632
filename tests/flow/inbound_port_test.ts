/** Which port of the application a request from the mesh reaches, and that the default port of http is no port at all. */
import { assertEquals } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

const cases = [
  { fields: [], reaches: "first" },
  { fields: ["X-Forwarded-Port: 80"], reaches: "first" },
  { fields: ["X-Forwarded-Port: 81"], reaches: "none" },
  { fields: ["X-Forwarded-Port: 443"], reaches: "none" },
  { fields: ["X-Forwarded-Port: 80, 80"], reaches: "none" },
] as const;

onBothNets(
  "inbound port, port 80 means the first port unless the application has it",
  async (net) => {
    await using first = await RawUpstream.listen();
    first.answer(() => answer("first"));
    await using plane = await startPlane({
      net,
      roles: ["inbound"],
      policy: { localPorts: [{ protocol: "rest", port: first.port }] },
    });
    for (const { fields, reaches } of cases) {
      const asked = await ask(plane, "Svc", { role: "inbound", fields });
      if (reaches === "first") assertEquals([asked.status, asked.body], [200, "first"]);
      else assertEquals([asked.status, problemOf(asked).code], [503, "local_port_missing"]);
    }
  },
);

onBothNets(
  "inbound port, plain HTTP inside CONNECT to port 80 reaches the application's own port",
  async (net) => {
    await using app = await RawUpstream.listen();
    app.answer(() => answer("app"));
    await using provider = await startPlane({
      net,
      roles: ["inbound"],
      policy: { localPorts: [{ protocol: "rest", port: app.port }] },
    });
    await using consumer = await startPlane({
      net,
      services: { Svc: [{ port: provider.port("inbound"), mesher: true }] },
    });
    const client = await consumer.client();
    const connect = head("CONNECT Svc:80 HTTP/1.1", "Host: Svc:80");
    client.send(connect + head("GET / HTTP/1.1", "Host: Svc"));
    await client.head();
    assertEquals((await client.message()).body, "app");
  },
);
