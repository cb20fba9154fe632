/** Requests that the sidecar answers itself without looking for anybody: they are seen like every other one. */
import { assertEquals } from "@test/assert";
import type { ListenerRole } from "../../lib/plane/messages.ts";
import { blocks } from "../../lib/plane/counters.ts";
import { onlyRecord, watch } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { head, RawUpstream } from "../support/raw.ts";

const cases: readonly {
  readonly title: string;
  readonly role: ListenerRole;
  readonly target: string;
  readonly fields: readonly string[];
  readonly authority: string;
  readonly path: string;
}[] = [
  {
    title: "OPTIONS * of the own application",
    role: "outbound",
    target: "*",
    fields: ["Host: Svc"],
    authority: "Svc",
    path: "*",
  },
  {
    title: "an OPTIONS that may go no further, to a path",
    role: "outbound",
    target: "/a/b?secret=1",
    fields: ["Host: Svc:80", "Max-Forwards: 0"],
    authority: "Svc:80",
    path: "/a/b",
  },
  {
    title: "an OPTIONS that may go no further, to a URL",
    role: "outbound",
    target: "http://Shop:8080/a?secret=1",
    fields: ["Host: Svc", "Max-Forwards: 0"],
    authority: "Shop:8080",
    path: "/a",
  },
  {
    title: "an OPTIONS from outside that may go no further",
    role: "inbound",
    target: "*",
    fields: ["Host: own", "Max-Forwards: 0"],
    authority: "own",
    path: "*",
  },
];

for (const { authority, fields, path, role, target, title } of cases) {
  onBothNets(`own answer, ${title} leaves a record and is counted`, async (net) => {
    await using app = await RawUpstream.listen();
    await using plane = await startPlane({
      net,
      roles: [role],
      policy: { service: "own", localPorts: [{ protocol: "rest", port: app.port }] },
    });
    await watch(plane, { logShare: 1, taps: [{ id: 1, perSecond: 1e6 }] });
    const client = await plane.client(role);
    client.send(head(`OPTIONS ${target} HTTP/1.1`, ...fields));
    assertEquals((await client.message()).head.slice(0, 12), "HTTP/1.1 200");
    const record = await onlyRecord(plane);
    assertEquals(
      [record.role, record.method, record.path, record.authority, record.status, record.code],
      [role, "OPTIONS", path, authority, 200, undefined],
    );
    assertEquals([record.attempts, record.logged, record.taps], [[], true, [1]]);
    assertEquals(record.service, role === "inbound" ? "own" : "");
    const block = role === "inbound" ? blocks.inbound : blocks.none;
    assertEquals([plane.count(block, "requests"), plane.count(block, "status")], [1, 1]);
    assertEquals([plane.count(block, "latencyCount"), plane.open, app.unexpected], [1, 0, false]);
  });
}

onBothNets("own answer, one whose trace is recorded has a span", async (net) => {
  await using plane = await startPlane({ net });
  await watch(plane, {
    logShare: 0,
    taps: [],
    tracing: { share: 1, perSecond: 0, write: ["w3c"] },
  });
  const client = await plane.client();
  const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  client.send(head("OPTIONS * HTTP/1.1", "Host: Svc", `traceparent: ${caller}`));
  await client.message();
  const { trace } = await onlyRecord(plane);
  assertEquals(
    [trace?.traceId, trace?.parentId],
    ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"],
  );
});
