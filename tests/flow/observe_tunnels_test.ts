/** Records of tunnels and of switched protocols, and what is recorded when nobody watches. */
import { assert, assertEquals } from "@test/assert";
import { ask, deadPort } from "../support/ask.ts";
import { Instance } from "../support/instance.ts";
import { everything, onlyRecord, records, recordsOf, watch } from "../support/observe.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head, RawUpstream } from "../support/raw.ts";
import { openTunnel } from "../support/tunnel.ts";

onBothNets("record, a tunnel to a host outside has what went through it", async (net) => {
  await using server = await RawUpstream.listen();
  await using plane = await startPlane({ net });
  await watch(plane);
  const { authority, client, first, peer } = await openTunnel(plane, server);
  assertEquals(first, "\x16hello");
  peer.send("answer!");
  assertEquals(await client.take(7), "answer!");
  assertEquals(recordsOf(plane), []);
  client.close();
  peer.close();
  const record = await onlyRecord(plane);
  assertEquals(
    [record.method, record.path, record.authority, record.status, record.code],
    ["CONNECT", "", authority, 200, undefined],
  );
  assertEquals([record.requestBytes, record.responseBytes], [6, 7]);
  const [attempt] = record.attempts;
  assertEquals([record.attempts.length, attempt!.endpoint, attempt!.code], [
    1,
    authority,
    undefined,
  ]);
  assert(attempt!.endMs > attempt!.startMs);
  await plane.quiet();
});

onBothNets(
  "record, a tunnel that cannot be had names the endpoint and the failure",
  async (net) => {
    await using plane = await startPlane({ net });
    await watch(plane);
    const authority = `127.0.0.1:${deadPort()}`;
    const client = await plane.client();
    client.send(head(`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`));
    await client.head();
    const record = await onlyRecord(plane);
    assertEquals(
      [record.status, record.code, record.attempts.map(({ endpoint, code }) => [endpoint, code])],
      [502, "connect_refused", [[authority, "connect_refused"]]],
    );
    const { method, target } = await plane.failure("connect_refused");
    assertEquals([method, target], ["CONNECT", authority]);
  },
);

onBothNets(
  "record, a tunnel to a service goes to the endpoint that can be reached",
  async (net) => {
    await using server = await RawUpstream.listen();
    const dead = deadPort();
    await using plane = await startPlane({ net, services: { Svc: [dead, server.port] } });
    await watch(plane);
    const tunnels = [];
    for (let index = 0; index < 2; index++) {
      const client = await plane.client();
      client.send(head("CONNECT Svc:443 HTTP/1.1", "Host: Svc:443") + "\x16hello");
      await client.head();
      const peer = await server.accept();
      await peer.take(6);
      tunnels.push(client, peer);
    }
    for (const end of tunnels) end.close();
    const attempts = (await records(plane, 2)).map((record) =>
      record.attempts.map(({ endpoint, code }) => [endpoint, code])
    );
    const reached = [`127.0.0.1:${server.port}`, undefined];
    assertEquals(attempts.toSorted((a, b) => a.length - b.length), [
      [reached],
      [[`127.0.0.1:${dead}`, "connect_refused"], reached],
    ]);
    await plane.quiet();
  },
);

onBothNets("record, plain HTTP in a tunnel is recorded request by request", async (net) => {
  await using app = await Instance.start("ok");
  await using plane = await startPlane({ net, services: { Svc: [app.port] } });
  await watch(plane);
  const client = await plane.client();
  const get = (path: string) => head(`GET ${path} HTTP/1.1`, "Host: Svc");
  client.send(head("CONNECT Svc:80 HTTP/1.1", "Host: Svc:80") + get("/one"));
  await client.head();
  for (const path of ["/one", "/two"]) {
    if (path === "/two") client.send(get(path));
    assertEquals((await client.message()).body, "ok");
  }
  const all = await records(plane, 3);
  assertEquals(
    all.map(({ method, path, status, service, attempts }) => [
      method,
      path,
      status,
      service,
      attempts.length,
    ]),
    [
      ["CONNECT", "", 200, "Svc", 0],
      ["GET", "/one", 200, "Svc", 1],
      ["GET", "/two", 200, "Svc", 1],
    ],
  );
});

onBothNets("record, a switched protocol is one request with all that went through", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  await watch(plane);
  const client = await plane.client();
  client.send(head("GET /chat HTTP/1.1", "Host: Svc", "Connection: Upgrade", "Upgrade: chat"));
  const peer = await upstream.accept();
  await peer.head();
  peer.send(head("HTTP/1.1 101 Switching", "Connection: Upgrade", "Upgrade: chat") + "welcome");
  await client.head();
  await client.take(7);
  client.send("hi");
  await peer.take(2);
  client.close();
  peer.close();
  const record = await onlyRecord(plane);
  assertEquals(
    [record.status, record.code, record.requestBytes, record.responseBytes],
    [101, undefined, 2, 7],
  );
  assertEquals(record.attempts.map(({ status }) => status), [101]);
  assert(record.firstByteMs! <= record.durationMs);
  await plane.quiet();
});

/** Serves one request to its end, of which records would be sent by now. */
async function askAndWait(plane: Plane, path: string): Promise<void> {
  assertEquals((await ask(plane, "Svc", { path })).status, 200);
  await plane.quiet();
}

onBothNets("record, there is none when nobody watches, or nobody any more", async (net) => {
  await using app = await Instance.start("ok");
  await using plane = await startPlane({ net, services: { Svc: [app.port] } });
  await askAndWait(plane, "/before");
  await watch(plane);
  await askAndWait(plane, "/watched");
  await watch(plane, { logShare: 0, taps: [{ id: 1, perSecond: 1e6, status: 404 }] });
  await askAndWait(plane, "/filtered");
  await watch(plane, { logShare: 0, taps: [] });
  await askAndWait(plane, "/after");
  await watch(plane);
  await askAndWait(plane, "/again");
  const all = await records(plane, 2);
  assertEquals(all.map(({ path }) => path), ["/watched", "/again"]);
});

onBothNets("record, an access log for failures only gets the failures only", async (net) => {
  await using app = await Instance.start("ok");
  await using plane = await startPlane({ net, services: { Svc: [app.port] } });
  await watch(plane, { logShare: Number.MIN_VALUE, taps: [] });
  await askAndWait(plane, "/well");
  assertEquals((await ask(plane, "Nobody")).status, 503);
  await watch(plane, { logShare: 1, taps: [] });
  await askAndWait(plane, "/logged");
  const all = await records(plane, 2);
  assertEquals(all.map(({ path, logged, code }) => [path, logged, code]), [
    ["/", false, "service_unknown"],
    ["/logged", true, undefined],
  ]);
});

onBothNets("record, what a thread has not sent yet is sent when it ends", async (net) => {
  await using app = await Instance.start("ok");
  const plane = await startPlane({ net, services: { Svc: [app.port] } });
  await using _ = plane;
  await watch(plane, everything);
  const client = await plane.client();
  client.send(head("GET /last HTTP/1.1", "Host: Svc"));
  await client.message();
  await plane.supervisor.stop();
  assertEquals(recordsOf(plane).map(({ path }) => path), ["/last"]);
});
