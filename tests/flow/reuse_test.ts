/** Reused connections: one that ends at the moment of use costs no request and doubles none. */
import { assertEquals } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

onBothNets(
  "reuse, a GET on a connection that ends in that moment is sent once more",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    let requests = 0;
    // Every connection answers one request and resets when the second one comes.
    upstream.serve(async (peer) => {
      await peer.head();
      requests++;
      peer.send(answer("ok"));
      await peer.head();
      requests++;
      peer.reset();
    });
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    assertEquals((await ask(plane, "Svc")).status, 200);
    assertEquals((await ask(plane, "Svc")).status, 200);
    assertEquals(requests, 3);
    assertEquals(plane.count("Svc", "resends"), 1);
    assertEquals(plane.count("Svc", "retry"), 0);
    assertEquals(plane.count("Svc", "requests"), 2);
    await plane.quiet({ idle: 1 });
  },
);

onBothNets(
  "reuse, a POST on a connection that ends in that moment is not sent twice",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    let posts = 0;
    upstream.serve(async (peer) => {
      await peer.head();
      peer.send(answer("ok"));
      await peer.message();
      posts++;
      peer.reset();
    });
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    assertEquals((await ask(plane, "Svc")).status, 200);
    const asked = await ask(plane, "Svc", { method: "POST", body: "order" });
    assertEquals([asked.status, problemOf(asked).code], [502, "reset"]);
    assertEquals(posts, 1);
    assertEquals(plane.count("Svc", "resends"), 0);
    await plane.quiet({ idle: 0 });
  },
);

onBothNets("reuse, a connection that ended in the pool is not used for a POST", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.serve(async (peer) => {
    await peer.message();
    peer.send(answer("ok"));
    peer.endWrite();
  });
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  for (let index = 0; index < 3; index++) {
    assertEquals((await ask(plane, "Svc", { method: "POST", body: "x" })).status, 200);
    // Its other end is closed once the thread has seen this one; gauges are shown later.
    await upstream.connections[index]!.closed();
  }
  assertEquals(upstream.connections.length, 3);
  await plane.quiet({ idle: 0 });
});

onBothNets("reuse, bytes that come unasked make a pooled connection unusable", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  const client = await plane.client();
  client.send(head("GET /a HTTP/1.1", "Host: Svc"));
  const first = await upstream.accept();
  await first.head();
  first.send(answer("one"));
  assertEquals((await client.message()).body, "one");
  // An answer to a request that nobody has sent yet.
  first.send(answer("poison"));
  // Another connection's whole exchange lies between, so that the bytes above have arrived.
  assertEquals((await ask(plane, "Nobody")).status, 503);
  client.send(head("GET /b HTTP/1.1", "Host: Svc"));
  const second = await upstream.accept();
  await second.head();
  second.send(answer("two"));
  assertEquals((await client.message()).body, "two");
  await first.closed();
  client.close();
  await plane.quiet({ idle: 1 });
});
