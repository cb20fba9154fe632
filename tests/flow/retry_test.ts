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
    assertEquals(plane.count("Svc", "retry"), 1);
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
    assertEquals(plane.count("Svc", "retry"), heads());
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
    assertEquals(plane.count("Svc", "retry"), 0);
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
      for (;;) {
        await peer.head();
        got.push(await peer.take(chunks.length));
        if (upstream === broken) return peer.reset();
        peer.send(answer("ok"));
      }
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
  const retries = plane.count("Svc", "retry");
  assert(retries >= 3 && retries <= 4, `20 requests earn 4 retries at most, not ${retries}`);
  assertEquals(plane.count("Svc", "attempts"), 20 + retries);
  assert(plane.count("Svc", "denial") > 0);
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
