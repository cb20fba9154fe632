/** Plain HTTP inside a CONNECT to a service: every request is picked, retried and counted like any other. */
import { assertEquals } from "@test/assert";
import { checkProblem, problem } from "../support/conformance.ts";
import { deadPort } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, type RawPeer, RawUpstream } from "../support/raw.ts";

/** Opens a tunnel. What comes first in it goes out right behind the head, for it is waited for a short time only. */
async function tunnelled(client: RawPeer, name: string, first: string): Promise<void> {
  client.send(head(`CONNECT ${name}:80 HTTP/1.1`, `Host: ${name}:80`) + first);
  assertEquals(await client.head(), head("HTTP/1.1 200 Connection established"));
}

onBothNets(
  "CONNECT, requests inside it are balanced over the instances one by one",
  async (net) => {
    await using one = await RawUpstream.listen();
    await using two = await RawUpstream.listen();
    one.answer(() => answer("one"));
    two.answer(() => answer("two"));
    await using plane = await startPlane({ net, services: { Svc: [one.port, two.port] } });
    const client = await plane.client();
    const get = head("GET / HTTP/1.1", "Host: Svc");
    await tunnelled(client, "Svc", get);
    const bodies = [];
    for (let index = 0; index < 6; index++) {
      if (index > 0) client.send(get);
      bodies.push((await client.message()).body);
    }
    assertEquals(bodies.sort(), ["one", "one", "one", "two", "two", "two"]);
    // The CONNECT is a request of its own.
    assertEquals(plane.count("Svc", "requests"), 7);
    assertEquals(plane.count("Svc", "attempts"), 6);
    assertEquals(plane.gauge("tunnelsOpen"), 0);
    client.close();
    await plane.quiet({ idle: 2 });
  },
);

onBothNets("CONNECT, requests inside it are retried, and failures leave it open", async (net) => {
  await using alive = await RawUpstream.listen();
  alive.answer(() => answer("ok"));
  await using plane = await startPlane({
    net,
    services: { Svc: [deadPort(), alive.port], Dead: [deadPort()] },
  });
  const client = await plane.client();
  const post = head("POST / HTTP/1.1", "Host: Svc", "Content-Length: 1") + "x";
  await tunnelled(client, "Svc", post);
  for (let index = 0; index < 3; index++) {
    if (index > 0) client.send(post);
    assertEquals((await client.message()).body, "ok");
  }
  assertEquals(plane.count("Svc", "retry"), 1);
  client.close();

  const other = await plane.client();
  const get = head("GET / HTTP/1.1", "Host: Dead");
  await tunnelled(other, "Dead", get);
  for (let index = 0; index < 2; index++) {
    if (index > 0) other.send(get);
    await checkProblem(other, problem(502, "connect_refused", /refused/));
  }
  other.close();
  await plane.quiet();
});

onBothNets(
  "CONNECT, a tunnel goes to another instance when one refuses, and control is told",
  async (net) => {
    await using alive = await RawUpstream.listen();
    const dead = deadPort();
    await using plane = await startPlane({ net, services: { Svc: [dead, alive.port] } });
    for (let index = 0; index < 3; index++) {
      const client = await plane.client();
      await tunnelled(client, "Svc", "\x16\x03\x01hello");
      const peer = await alive.accept();
      assertEquals(await peer.take(8), "\x16\x03\x01hello");
      await plane.until(() => plane.gauge("tunnelsOpen") === 1, "an open tunnel");
      client.close();
      await peer.closed();
      peer.close();
      await plane.quiet();
    }
    assertEquals(plane.gauge("endpointsEjected"), 1);
    await plane.message((each) => each.kind === "suspect" && each.port === dead, "a suspicion");
  },
);

onBothNets(
  "CONNECT, a tunnel to a service whose instances are all down is a cut, not silence",
  async (net) => {
    await using plane = await startPlane({ net, services: { Svc: [deadPort(), deadPort()] } });
    const client = await plane.client();
    await tunnelled(client, "Svc", "\x16\x03\x01hello");
    await client.closed();
    assertEquals((await plane.failure("connect_refused")).service, "Svc");
    await plane.quiet({ idle: 0 });
  },
);
