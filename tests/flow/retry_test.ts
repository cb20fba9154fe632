/** Retries: what may be sent again is, what may not is sent once, and a budget bounds it all. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, deadPort, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, type RawPeer, RawUpstream } from "../support/raw.ts";

const large = "b".repeat(300_000);

for (
  const { method, body, title } of [
    { method: "GET", body: undefined, title: "a GET" },
    { method: "POST", body: "order", title: "a POST" },
    { method: "POST", body: large, title: "a POST with a body larger than what is kept" },
    { method: "PATCH", body: "x", title: "a PATCH" },
  ]
) {
  onBothNets(`retry, ${title} goes to another endpoint when one refuses`, async (net) => {
    await using alive = await RawUpstream.listen();
    const seen: string[] = [];
    alive.answer(({ body }) => {
      seen.push(body);
      return answer("ok");
    });
    const dead = deadPort();
    await using plane = await startPlane({ net, services: { Svc: [dead, alive.port] } });
    for (let index = 0; index < 4; index++) {
      const { status } = await ask(plane, "Svc", { method, ...(body ? { body } : {}) });
      assertEquals(status, 200);
    }
    assertEquals(seen, Array(4).fill(body ?? ""));
    // The dead one was tried once; from then on it was passed over.
    assertEquals(plane.count("Svc", "attempts"), 5);
    assertEquals(plane.count("Svc", "retries"), 1);
    assertEquals(plane.gauge("endpointsEjected"), 1);
    await plane.message(
      (each) => each.kind === "suspect" && each.port === dead && each.service === "Svc",
      "a suspicion",
    );
    await plane.quiet();
  });
}

/** An upstream that takes a request and then ends the connection in its own way. */
function breaking(upstream: RawUpstream, how: (peer: RawPeer) => void): () => number {
  let heads = 0;
  upstream.serve(async (peer) => {
    await peer.head();
    heads++;
    how(peer);
  });
  return () => heads;
}

const breaks: readonly { readonly title: string; readonly how: (peer: RawPeer) => void }[] = [
  { title: "resets before its answer", how: (peer) => peer.reset() },
  { title: "closes before its answer", how: (peer) => peer.close() },
  {
    title: "closes in the head of its answer",
    how(peer) {
      peer.send("HTTP/1.1 200 OK\r\nConte");
      peer.endWrite();
    },
  },
];

for (const { title, how } of breaks) {
  onBothNets(`retry, a GET goes to another endpoint when one ${title}`, async (net) => {
    await using broken = await RawUpstream.listen();
    await using alive = await RawUpstream.listen();
    const heads = breaking(broken, how);
    alive.answer(() => answer("ok"));
    await using plane = await startPlane({ net, services: { Svc: [broken.port, alive.port] } });
    const statuses = [];
    for (let index = 0; index < 4; index++) statuses.push((await ask(plane, "Svc")).status);
    assertEquals(statuses, [200, 200, 200, 200]);
    assert(heads() >= 2, `the broken one was asked ${heads()} times`);
    assertEquals(plane.count("Svc", "retries"), heads());
    assertEquals(plane.count("Svc", "attempts"), 4 + heads());
    await plane.quiet({ idle: 1 });
  });

  onBothNets(`retry, a POST is sent once when its endpoint ${title}`, async (net) => {
    await using broken = await RawUpstream.listen();
    await using alive = await RawUpstream.listen();
    const heads = breaking(broken, how);
    alive.answer(() => answer("ok"));
    await using plane = await startPlane({ net, services: { Svc: [broken.port, alive.port] } });
    const statuses = [];
    for (let index = 0; index < 4; index++) {
      const asked = await ask(plane, "Svc", { method: "POST", body: "order" });
      statuses.push(asked.status);
      if (asked.status === 502) {
        assertEquals(problemOf(asked).code, "reset");
        assertMatch(asked.head, /Proxy-Status: mesher; error=connection_terminated/);
      }
    }
    assertEquals(statuses.filter((status) => status === 502).length, 2);
    assertEquals(heads(), 2);
    assertEquals(plane.count("Svc", "retries"), 0);
    assertEquals(plane.countFailures("Svc", "reset"), 2);
    await plane.quiet({ idle: 1 });
  });
}

onBothNets("retry, a PUT whose body outgrew what is kept is sent once", async (net) => {
  await using broken = await RawUpstream.listen();
  let connections = 0;
  broken.serve(async (peer) => {
    connections++;
    await peer.take(200_000);
    peer.reset();
  });
  await using plane = await startPlane({ net, services: { Svc: [broken.port] } });
  const client = await plane.client();
  client.send(head("PUT / HTTP/1.1", "Host: Svc", `Content-Length: ${large.length}`) + large);
  const { head: answered } = await client.message();
  assertMatch(answered, /^HTTP\/1\.1 502 /);
  assertEquals(connections, 1);
  client.close();
  await plane.quiet({ idle: 0 });
});

onBothNets("retry, a chunked PUT that is small is sent again whole", async (net) => {
  await using broken = await RawUpstream.listen();
  await using alive = await RawUpstream.listen();
  const chunks = "3\r\nabc\r\n0\r\nA: b\r\n\r\n";
  const got: string[] = [];
  for (const upstream of [broken, alive]) {
    upstream.serve(async (peer) => {
      await peer.head();
      got.push(await peer.take(chunks.length));
      if (upstream === broken) peer.reset();
      else peer.send(answer("ok"));
    });
  }
  await using plane = await startPlane({ net, services: { Svc: [broken.port, alive.port] } });
  const client = await plane.client();
  for (let index = 0; index < 2; index++) {
    client.send(head("PUT / HTTP/1.1", "Host: Svc", "Transfer-Encoding: chunked"));
    // The body comes in pieces while the upstream reads.
    for (const piece of ["3\r\nab", "c\r\n0\r\nA: b", "\r\n\r\n"]) client.send(piece);
    assertEquals((await client.message()).body, "ok");
    if (got.includes(chunks) && got.length > 1) break;
  }
  assert(got.every((each) => each === chunks));
  client.close();
  await plane.quiet();
});

onBothNets("reuse, a GET on a connection that ends in that moment is sent once more", async (net) => {
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
  assertEquals(plane.count("Svc", "retries"), 0);
  assertEquals(plane.count("Svc", "requests"), 2);
  await plane.quiet({ idle: 1 });
});

onBothNets("reuse, a POST on a connection that ends in that moment is not sent twice", async (net) => {
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
});

onBothNets("reuse, a connection that ended in the pool is not used for a POST", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.serve(async (peer) => {
    await peer.message();
    peer.send(answer("ok"));
    peer.close();
  });
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  for (let index = 0; index < 3; index++) {
    assertEquals((await ask(plane, "Svc", { method: "POST", body: "x" })).status, 200);
    await plane.until(() => plane.gauge("upstreamsIdle") === 0, "an empty pool");
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

onBothNets("retry budget, used up it stops retries and the failure is told", async (net) => {
  const dead = [deadPort(), deadPort(), deadPort()];
  await using plane = await startPlane({
    net,
    services: { Svc: dead },
    policy: { retry: { budgetRatio: 0.2, budgetPerSecond: 0 } },
  });
  for (let index = 0; index < 20; index++) {
    const asked = await ask(plane, "Svc");
    assertEquals([asked.status, problemOf(asked).code], [502, "connect_refused"]);
  }
  const retries = plane.count("Svc", "retries");
  assert(retries >= 3 && retries <= 4, `20 requests earn 4 retries at most, not ${retries}`);
  assertEquals(plane.count("Svc", "attempts"), 20 + retries);
  assert(plane.count("Svc", "retriesDenied") > 0);
  assertEquals(plane.countFailures("Svc", "connect_refused"), 20);
  await plane.quiet({ idle: 0 });
});

onBothNets("retry, never goes beyond the attempts that are allowed", async (net) => {
  const dead = Array.from({ length: 6 }, deadPort);
  await using plane = await startPlane({
    net,
    services: { Svc: dead },
    policy: { retry: { maxAttempts: 4 } },
  });
  assertEquals((await ask(plane, "Svc")).status, 502);
  assertEquals(plane.count("Svc", "attempts"), 4);
  assertEquals((await plane.failure("connect_refused")).attempts, 4);
  await plane.quiet({ idle: 0 });
});

onBothNets("ejection, an endpoint comes back as soon as control has found it well", async (net) => {
  const port = deadPort();
  await using other = await RawUpstream.listen();
  other.answer(() => answer("other"));
  await using plane = await startPlane({ net, services: { Svc: [port, other.port] } });
  for (let index = 0; index < 4; index++) assertEquals((await ask(plane, "Svc")).body, "other");
  assertEquals(plane.gauge("endpointsEjected"), 1);
  await using back = await RawUpstream.listen(port);
  back.answer(() => answer("back"));
  for (let index = 0; index < 4; index++) assertEquals((await ask(plane, "Svc")).body, "other");
  await plane.post({ kind: "verdict", service: "Svc", host: "127.0.0.1", port, healthy: true });
  const bodies = [];
  for (let index = 0; index < 4; index++) bodies.push((await ask(plane, "Svc")).body);
  assertEquals(bodies.sort(), ["back", "back", "other", "other"]);
  await plane.quiet();
});

onBothNets("ejection, the last endpoint is tried although it is ejected", async (net) => {
  const port = deadPort();
  await using plane = await startPlane({ net, services: { Svc: [port] } });
  assertEquals((await ask(plane, "Svc")).status, 502);
  await using back = await RawUpstream.listen(port);
  back.answer(() => answer("back"));
  assertEquals((await ask(plane, "Svc")).body, "back");
  await plane.quiet();
});

onBothNets("no endpoint, control is asked for newer ones within the request", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net, services: { Svc: [] } });
  plane.onRefresh = () => plane.publish("Svc", [upstream.port]);
  assertEquals((await ask(plane, "Svc")).status, 200);
  await plane.quiet();
});

onBothNets("no endpoint, is said in plain words and asked for again next time", async (net) => {
  await using plane = await startPlane({
    net,
    services: { Svc: [] },
    policy: { timeouts: { resolveMs: 100 } },
  });
  // Control loses the question.
  plane.onRefresh = () => {};
  for (let index = 0; index < 2; index++) {
    const asked = await ask(plane, "Svc");
    assertEquals([asked.status, problemOf(asked).code], [503, "no_endpoint"]);
    assertMatch(asked.head, /^Proxy-Status: mesher; error=destination_unavailable; .*\r$/m);
    assertMatch(asked.head, /^Retry-After: 1\r$/m);
  }
  assertEquals(plane.received.filter((each) => each.kind === "refresh").length, 2);
  await plane.quiet();
});
