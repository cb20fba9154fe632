/** What is reported of a failure, for the log: which request it was, without what may be secret in it. */
import { assertEquals } from "@test/assert";
import { ask, deadPort } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

onBothNets(
  "failure report, names method and target before and after the request was composed",
  async (net) => {
    await using plane = await startPlane({ net, services: { Dead: [deadPort()] } });
    await ask(plane, "Nobody", { method: "DELETE", path: "/a/b?token=x" });
    const unknown = await plane.failure("service_unknown");
    assertEquals([unknown.method, unknown.target], ["DELETE", "/a/b"]);
    await ask(plane, "Dead", { method: "PUT", path: "/c?token=x", body: "1" });
    const refused = await plane.failure("connect_refused");
    assertEquals([refused.method, refused.target], ["PUT", "/c"]);
  },
);

onBothNets(
  "failure report, a head that was not understood has no method, nor has the next one that of another",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    upstream.answer(() => answer("ok"));
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    const client = await plane.client();
    client.send(head("GET /first HTTP/1.1", "Host: Svc"));
    assertEquals((await client.message()).body, "ok");
    client.send(head("GET /second HTTP/1.1", "Host: Svc", "bad field"));
    await client.message();
    const malformed = await plane.failure("request_malformed");
    assertEquals([malformed.method, malformed.target], ["", ""]);
  },
);
