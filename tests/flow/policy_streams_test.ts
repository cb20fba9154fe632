/** Streams: what flows is not cut by the time for an answer, by a limit per try, or by a change of policy. */
import { assertEquals, assertMatch } from "@test/assert";
import {
  allEnded,
  onBothNets,
  onBothNetsAtOnce,
  type Plane,
  startPlane,
} from "../support/plane.ts";
import { pause } from "../support/process.ts";
import { head, type RawPeer, RawUpstream } from "../support/raw.ts";
import { longMs } from "../support/time_bounds.ts";

/** Times that every stream here outlives; until a stream flows they leave room for a machine that stalls. */
const short = {
  calls: { responseMs: 1000 },
  retry: { perTryMs: 900, statuses: [502, 503] },
  timeouts: { bodyIdleMs: 300, headMs: 1000 },
} as const;

/** Longer than each of them. */
const outlivesMs = 1200;

async function streaming(
  net: Plane["net"],
  fields: readonly string[] = ["Host: Svc"],
): Promise<{ upstream: RawUpstream; plane: Plane; client: RawPeer; peer: RawPeer }> {
  const upstream = await RawUpstream.listen();
  const plane = await startPlane({ net, policy: short });
  await plane.publish("Svc", [upstream.port]);
  const client = await plane.client();
  client.send(head("GET /stream HTTP/1.1", ...fields));
  const peer = await upstream.accept();
  await peer.head();
  return { upstream, plane, client, peer };
}

const framings: readonly {
  fields: readonly string[];
  frame: (text: string) => string;
}[] = [
  {
    fields: ["Transfer-Encoding: chunked"],
    frame: (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
  },
  // Until the end of the connection.
  { fields: [], frame: (text) => text },
];

onBothNetsAtOnce(
  "streams, server-sent events go on through long silences, however framed",
  (net) => allEnded(framings.map((each) => events(net, each))),
);

async function events(
  net: Plane["net"],
  { fields, frame }: typeof framings[number],
): Promise<void> {
  const { client, peer, plane, upstream } = await streaming(net);
  await using _plane = plane;
  await using _upstream = upstream;
  peer.send(head("HTTP/1.1 200 OK", "Content-Type: text/event-stream", ...fields));
  assertMatch(await client.head(), /^HTTP\/1\.1 200 /);
  for (const silenceMs of [0, outlivesMs]) {
    await pause(silenceMs);
    peer.send(frame(`data: after ${silenceMs}\n\n`));
    // Each at once, not when a buffer is full: nothing else is sent before it has come.
    await client.until(`data: after ${silenceMs}\n\n`);
  }
  assertEquals(client.end, undefined);
  assertEquals(plane.open, 1);
  client.close();
  // The caller's end is the stream's end.
  await peer.closed();
  await plane.quiet({ idle: 0 });
}

onBothNetsAtOnce(
  "streams, an upgraded connection lives beyond the response time, in both directions",
  async (net) => {
    const { client, peer, plane, upstream } = await streaming(net, [
      "Host: Svc",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Key: x",
    ]);
    await using _plane = plane;
    await using _upstream = upstream;
    peer.send(
      head("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"),
    );
    assertMatch(await client.head(), /^HTTP\/1\.1 101 /);
    await pause(outlivesMs);
    for (const text of ["one", "two"]) {
      client.send(`from the client ${text}`);
      await peer.until(`from the client ${text}`);
      await pause(outlivesMs / 4);
      peer.send(`from the server ${text}`);
      await client.until(`from the server ${text}`);
    }
    await plane.setPolicy({ calls: { responseMs: 100, balance: { kind: "peak_ewma" } } });
    client.send("still here");
    await peer.until("still here");
    client.close();
    await peer.closed();
    peer.close();
    await plane.quiet({ idle: 0 });
  },
);

onBothNetsAtOnce(
  "streams, a long upload has the time it takes, and its answer the response time",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({
      net,
      policy: { ...short, timeouts: { bodyIdleMs: longMs } },
    });
    await plane.publish("Svc", [upstream.port]);
    const client = await plane.client();
    client.send(head("PUT / HTTP/1.1", "Host: Svc", "Content-Length: 50"));
    const peer = await upstream.accept();
    for (let part = 0; part < 5; part++) {
      await pause(outlivesMs / 5);
      client.send("0123456789");
    }
    const { body } = await peer.message();
    assertEquals(body.length, 50);
    await pause(100);
    peer.send(head("HTTP/1.1 200 OK", "Content-Length: 0"));
    assertMatch((await client.message()).head, /^HTTP\/1\.1 200 /);
    client.close();
    await plane.quiet();
  },
);

onBothNets(
  "streams, an instance that leaves the registry keeps the streams it has",
  async (net) => {
    const { client, peer, plane, upstream } = await streaming(net);
    await using _plane = plane;
    await using _upstream = upstream;
    await using other = await RawUpstream.listen();
    peer.send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "3\r\none\r\n");
    await client.until("one");
    await plane.publish("Svc", [other.port]);
    await plane.setPolicy({ services: { Svc: { concurrency: { limit: 1, queue: 0 } } } });
    peer.send("3\r\ntwo\r\n0\r\n\r\n");
    await client.until("two\r\n0\r\n\r\n");
    // Its connection is not kept for a service it is no part of any more.
    await peer.closed();
    client.close();
    await plane.quiet({ idle: 0 });
  },
);

onBothNetsAtOnce(
  "streams, a silent stream with a length is cut by the time for bodies, as a failure",
  async (net) => {
    const { client, peer, plane, upstream } = await streaming(net);
    await using _plane = plane;
    await using _upstream = upstream;
    peer.send(head("HTTP/1.1 200 OK", "Content-Length: 10") + "half");
    await client.until("half");
    const { text } = await client.rest();
    assertEquals(text, "");
    await peer.closed();
    assertEquals((await plane.failure("response_timeout")).service, "Svc");
    await plane.quiet({ idle: 0 });
  },
);
