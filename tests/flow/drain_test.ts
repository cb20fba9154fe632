/** Draining: answers say so, connections end after their request, listeners close, open requests finish. */
import { assertEquals, assertMatch } from "@test/assert";
import { ask } from "../support/ask.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { answer, head, rawClient, RawUpstream } from "../support/raw.ts";

function provider(net: "native" | "portable", port: number): Promise<Plane> {
  return startPlane({
    net,
    roles: ["inbound", "outbound"],
    policy: { localPorts: [{ protocol: "rest", port }] },
  });
}

/** Whether somebody takes connections there. */
async function accepts(port: number): Promise<boolean> {
  try {
    (await rawClient(port)).close();
    return true;
  } catch {
    return false;
  }
}

/** Waits until nobody takes connections there any more; portable listeners close a moment after they are told to. */
async function refuses(port: number): Promise<void> {
  for (let tries = 0; await accepts(port); tries++) {
    if (tries > 1000) throw new Error(`port ${port} still takes connections`);
  }
}

onBothNets("drain announced, inbound answers say so and end their connections", async (net) => {
  await using app = await RawUpstream.listen();
  app.answer(() => answer("ok"));
  await using plane = await provider(net, app.port);
  const before = await plane.client("inbound");
  before.send(head("GET / HTTP/1.1", "Host: x"));
  assertEquals((await before.message()).head, head("HTTP/1.1 200 OK", "Content-Length: 2"));
  await plane.post({ kind: "drain", phase: "announce" });
  for (const client of [before, await plane.client("inbound")]) {
    client.send(head("GET / HTTP/1.1", "Host: x"));
    assertEquals(
      await client.head(),
      head(
        "HTTP/1.1 200 OK",
        "Content-Length: 2",
        "Connection: close",
        "x-mesher-draining: 1",
      ),
    );
    assertEquals(await client.rest(), { text: "ok", end: "end" });
    client.close();
  }
  await plane.quiet();
});

onBothNets("drain announced, failures say so too, and outbound goes on as before", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await provider(net, 1);
  plane.services.set("Svc", [upstream.port]);
  await plane.post({ kind: "drain", phase: "announce" });
  const client = await plane.client("inbound");
  client.send(head("GET / HTTP/1.1", "Host: x"));
  const { head: failed } = await client.message();
  assertMatch(failed, /^HTTP\/1\.1 502 /);
  assertMatch(failed, /\r\nx-mesher-unsent: 1\r\n/);
  assertMatch(failed, /\r\nx-mesher-draining: 1\r\n/);
  assertMatch(failed, /\r\nConnection: close\r\n/);
  assertEquals((await client.rest()).end, "end");
  client.close();
  const outbound = await plane.client();
  for (let index = 0; index < 2; index++) {
    outbound.send(head("GET / HTTP/1.1", "Host: Svc"));
    assertEquals((await outbound.message()).head, head("HTTP/1.1 200 OK", "Content-Length: 2"));
  }
  outbound.close();
  await plane.quiet();
});

onBothNets(
  "drain, closing inbound ends idle connections and lets the open request finish",
  async (net) => {
    await using app = await RawUpstream.listen();
    await using plane = await provider(net, app.port);
    const idle = await plane.client("inbound");
    const busy = await plane.client("inbound");
    busy.send(head("GET / HTTP/1.1", "Host: x"));
    const peer = await app.accept();
    await peer.head();
    await plane.until(() => plane.gauge("inboundOpen") === 2, "two callers");
    await plane.post({ kind: "drain", phase: "announce" });
    await plane.post({ kind: "drain", phase: "close_inbound" });
    assertEquals(await idle.closed(), "end");
    peer.send(answer("finished"));
    assertEquals((await busy.message()).body, "finished");
    assertEquals((await busy.rest()).end, "end");
    busy.close();
    await plane.until(() => plane.gauge("inboundOpen") === 0, "no caller");
    assertEquals(await accepts(plane.port("outbound")), true);
    await plane.quiet();
  },
);

onBothNets("drain, a closed listener refuses new connections", async (net) => {
  await using plane = await provider(net, 1);
  const inbound = plane.port("inbound"), outbound = plane.port("outbound");
  await plane.post({ kind: "drain", phase: "close_inbound" });
  await refuses(inbound);
  assertEquals(await accepts(outbound), true);
  await plane.post({ kind: "drain", phase: "close_outbound" });
  await refuses(outbound);
  assertEquals(await accepts(inbound), false);
});

onBothNets(
  "drain, closing outbound lets the open request finish and tells its client",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await provider(net, 1);
    plane.services.set("Svc", [upstream.port]);
    const idle = await plane.client();
    const busy = await plane.client();
    busy.send(head("GET / HTTP/1.1", "Host: Svc"));
    const peer = await upstream.accept();
    await peer.head();
    await plane.until(() => plane.gauge("clientsOpen") === 2, "two clients");
    await plane.post({ kind: "drain", phase: "close_outbound" });
    assertEquals(await idle.closed(), "end");
    peer.send(answer("finished"));
    const { head: answered, body } = await busy.message();
    assertEquals(body, "finished");
    assertMatch(answered, /\r\nConnection: close\r\n/);
    assertEquals((await busy.rest()).end, "end");
    busy.close();
    await plane.quiet();
  },
);

onBothNets("stop, ends every connection and leaves no upstream open", async (net) => {
  await using upstream = await RawUpstream.listen();
  const plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  const waiting = await plane.client();
  waiting.send(head("GET / HTTP/1.1", "Host: Svc"));
  const peer = await upstream.accept();
  await peer.head();
  const asking = ask(plane, "Svc");
  const other = await upstream.accept();
  await other.head();
  other.send(answer("ok"));
  await asking;
  await plane[Symbol.asyncDispose]();
  await Promise.all([waiting.closed(), peer.closed(), other.closed()]);
  assertEquals(plane.errors, []);
});
