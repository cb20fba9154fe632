/** The sidecar's own share of a request's time: measured where there is one, and nothing else is taken for it. */
import { assert, assertEquals } from "@test/assert";
import { blocks } from "../../lib/plane/counters.ts";
import { onlyRecord, watch } from "../support/observe.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head, RawUpstream } from "../support/raw.ts";
import { openTunnel } from "../support/tunnel.ts";

/** How long things that are not the sidecar's take here. Units: milliseconds. */
const longMs = 300;
/** Sums are in seconds. */
const most = longMs / 1000 / 2;

function long(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, longMs));
}

function own(plane: Plane, of: string | number): readonly [count: number, seconds: number] {
  return [plane.count(of, "ownCount"), plane.count(of, "ownSum")];
}

onBothNets("own time, of a tunnel there is none", async (net) => {
  await using server = await RawUpstream.listen();
  await using plane = await startPlane({ net });
  await watch(plane);
  const { client, peer } = await openTunnel(plane, server);
  client.close();
  peer.close();
  assertEquals((await onlyRecord(plane)).ownMs, 0);
  assertEquals(own(plane, blocks.outside), [0, 0]);
});

onBothNets("own time, of a switched protocol there is none", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  await watch(plane);
  const client = await plane.client();
  client.send(head("GET /chat HTTP/1.1", "Host: Svc", "Connection: Upgrade", "Upgrade: chat"));
  const peer = await upstream.accept();
  await peer.head();
  peer.send(head("HTTP/1.1 101 Switching", "Connection: Upgrade", "Upgrade: chat"));
  await client.head();
  client.close();
  peer.close();
  await onlyRecord(plane);
  assertEquals(own(plane, "Svc"), [0, 0]);
});

onBothNets(
  "own time, of a stream ends with its head and has nothing of the waiting",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    await watch(plane);
    const client = await plane.client();
    client.send(head("POST /events HTTP/1.1", "Host: Svc", "Content-Length: 4") + "ab");
    const peer = await upstream.accept();
    await peer.head();
    await long();
    client.send("cd");
    await peer.take(4);
    await long();
    peer.send(head("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Connection: close"));
    await client.head();
    peer.send("data: 1\n\n");
    await client.until("data: 1\n\n");
    await long();
    peer.send("data: 2\n\n");
    peer.close();
    const record = await onlyRecord(plane);
    assert(record.durationMs >= 3 * longMs - 20, `${record.durationMs}`);
    const [count, seconds] = own(plane, "Svc");
    assertEquals(count, 1);
    assert(seconds > 0 && seconds < most, `${seconds} s`);
    assert(record.ownMs < most * 1000, `${record.ownMs} ms`);
  },
);

onBothNets("own time, of a request in line has nothing of its wait", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({
    net,
    services: { Svc: [upstream.port] },
    policy: { calls: { concurrency: { limit: 1, queue: 5, queueMs: 10_000 } } },
  });
  const one = await plane.client(), other = await plane.client();
  one.send(head("GET /one HTTP/1.1", "Host: Svc"));
  const peer = await upstream.accept();
  await peer.head();
  await watch(plane);
  other.send(head("GET /other HTTP/1.1", "Host: Svc"));
  await long();
  peer.send(head("HTTP/1.1 200 OK", "Content-Length: 0"));
  await one.message();
  await peer.head();
  peer.send(head("HTTP/1.1 200 OK", "Content-Length: 0"));
  await other.message();
  const record = await onlyRecord(plane);
  assert(record.ownMs < most * 1000, `${record.ownMs} ms`);
  assert(own(plane, "Svc")[1] < most, `${own(plane, "Svc")} s`);
});
