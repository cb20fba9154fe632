/** Portable sockets while nobody calls: the clock rests, and what happens then is in time all the same. */
import { assert, assertEquals } from "@test/assert";
import { PortableNet } from "../../lib/data/net/portable/net.ts";
import type { Socket } from "../../lib/data/net/socket.ts";

async function connected(net: PortableNet): Promise<[Socket, Socket]> {
  const accepted = Promise.withResolvers<Socket>();
  const listener = net.listen({ role: "outbound", address: { host: "127.0.0.1", port: 0 } }, {
    accepted: accepted.resolve,
    full: () => false,
    pausing: () => {},
  });
  const client = await net.dial(listener.address, 5000);
  const server = await accepted.promise;
  listener.close();
  return [client, server];
}

/** Waits by timers that are no business of the net. */
async function rested(net: PortableNet): Promise<void> {
  const latestMs = performance.now() + 10_000;
  while (!net.resting) {
    assert(performance.now() < latestMs, "the clock never rests");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("portable rest, with idle connections the clock rests and still tells the time", async () => {
  const net = new PortableNet();
  try {
    const sockets = await connected(net);
    for (const socket of sockets) socket.expireAfter(60_000);
    await rested(net);
    const [beforeMs, nowMs, sinceMs, afterMs] = [
      performance.now(),
      net.now(),
      net.sinceTurn(),
      performance.now(),
    ];
    assert(nowMs >= beforeMs && nowMs <= afterMs, `${nowMs} is not in ${beforeMs}..${afterMs}`);
    assert(sinceMs <= afterMs - beforeMs, `${sinceMs} ms of a turn that has not begun`);
    assertEquals(net.resting, true, "asking for the time wakes nothing");
  } finally {
    net.stop();
  }
});

Deno.test("portable rest, a deadline set during the rest passes in time, a far one before it", async () => {
  const net = new PortableNet();
  try {
    const [near, far] = await connected(net);
    const farMs = performance.now() + 700;
    far.expireAfter(700);
    await rested(net);
    const startMs = performance.now();
    near.expireAfter(60);
    assertEquals(net.resting, false);
    await near.readable();
    const tookMs = performance.now() - startMs;
    assertEquals(near.timedOut, true);
    assert(tookMs >= 60 && tookMs < 5000, `${tookMs} ms`);
    await rested(net);
    await far.readable();
    assertEquals(far.timedOut, true);
    const lateMs = performance.now() - farMs;
    assert(lateMs >= -20 && lateMs < 5000, `${lateMs} ms late`);
  } finally {
    net.stop();
  }
});

Deno.test("portable rest, bytes, hang-ups and new connections end it", async () => {
  const net = new PortableNet();
  try {
    const [client, server] = await connected(net);
    await rested(net);
    client.tryWrite(new Uint8Array(5), 0, 5);
    await server.readable();
    assertEquals(net.resting, false, "bytes");
    assertEquals(server.tryRead(new Uint8Array(9), 0, 9), 5);
    await rested(net);
    await connected(net);
    assertEquals(net.resting, false, "a new connection");
    await rested(net);
    client.close();
    await server.readable();
    assertEquals([server.hungUp, net.resting], [true, false], "a hang-up");
  } finally {
    net.stop();
  }
});
