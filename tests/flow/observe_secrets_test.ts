/** Records of requests that are turned away at once, and what no record ever holds. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { Instance } from "../support/instance.ts";
import { everything, records, recordsOf, watch } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";

onBothNets("record, what is turned away before it has a destination", async (net) => {
  await using plane = await startPlane({ net });
  await watch(plane);
  const beganMs = performance.now();
  await ask(plane, "Svc", { path: "http://ann:secret@Svc/x?secret=1" });
  await ask(plane, "Svc", { path: "ftp://Svc/y?secret=1" });
  const client = await plane.client();
  client.send("no request at all secret\r\n\r\n");
  await client.closed();
  const all = await records(plane, 3);
  assertEquals(
    all.map(({ status, code, method, authority, path }) => [status, code, method, authority, path]),
    [
      [400, "destination_invalid", "GET", "Svc", "/x"],
      [400, "destination_invalid", "GET", "", "ftp://Svc/y"],
      [400, "request_malformed", "", "", ""],
    ],
  );
  assert(!JSON.stringify([...recordsOf(plane), ...plane.failures]).includes("secret"));
  // None has begun when the thread did: its time is that of the one request.
  const tookMs = performance.now() - beganMs;
  for (const { durationMs } of recordsOf(plane)) assert(durationMs <= tookMs + 2, `${durationMs}`);
});

onBothNets("record, holds no query, no field and no body", async (net) => {
  await using app = await Instance.start("secret-answer");
  app.fields = ["Set-Cookie: sid=secret-cookie", "X-Token: secret-token"];
  await using inbound = await startPlane({
    net,
    roles: ["inbound"],
    policy: { localPorts: [{ protocol: "rest", port: app.port }] },
  });
  await using plane = await startPlane({
    net,
    services: { Svc: [{ port: inbound.port("inbound"), mesher: true }] },
  });
  const all = { ...everything, logShare: 1 };
  await watch(plane, all);
  await watch(inbound, all);
  await ask(plane, "Svc", {
    method: "POST",
    path: "/p?token=secret-query",
    body: "secret-body",
    fields: ["Authorization: Bearer secret-auth", "Cookie: sid=secret-cookie", "X-Key: secret-key"],
  });
  const seen = [...await records(plane, 1), ...await records(inbound, 1)];
  assertEquals(seen.map(({ path, status }) => [path, status]), [["/p", 200], ["/p", 200]]);
  assert(!JSON.stringify(seen).includes("secret"), JSON.stringify(seen));
});
