/** Faults of a client: one that vanishes takes its request with it, and many idle ones cost next to nothing. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, rawClient, type RawPeer, RawUpstream } from "../support/raw.ts";

const leaves = ["close", "reset"] as const;

/** Moments at which a client may vanish: what it has sent by then and what the upstream has done. */
const moments: readonly {
  readonly title: string;
  readonly request: string;
  readonly upstream: (peer: RawPeer) => Promise<void>;
  readonly client?: (client: RawPeer) => Promise<unknown>;
}[] = [
  {
    title: "while it waits for its answer",
    request: head("GET / HTTP/1.1", "Host: Svc"),
    upstream: async (peer) => void await peer.head(),
  },
  {
    title: "behind requests that it has sent ahead",
    request: head("GET / HTTP/1.1", "Host: Svc").repeat(3),
    upstream: async (peer) => void await peer.head(),
  },
  {
    title: "before the first byte of its upload",
    request: head("POST / HTTP/1.1", "Host: Svc", "Content-Length: 10"),
    upstream: async (peer) => void await peer.head(),
  },
  {
    title: "in the middle of its upload",
    request: head("POST / HTTP/1.1", "Host: Svc", "Content-Length: 10") + "half",
    upstream: async (peer) => void await peer.until("half"),
  },
  {
    title: "in the middle of its chunked upload",
    request: head("POST / HTTP/1.1", "Host: Svc", "Transfer-Encoding: chunked") + "4\r\nhalf\r\n",
    upstream: async (peer) => void await peer.until("half\r\n"),
  },
  {
    title: "after its upload",
    request: head("POST / HTTP/1.1", "Host: Svc", "Content-Length: 4") + "full",
    upstream: async (peer) => void await peer.until("full"),
  },
  {
    title: "after an interim answer",
    request: head("GET / HTTP/1.1", "Host: Svc"),
    upstream: async (peer) => {
      await peer.head();
      peer.send(head("HTTP/1.1 103 Early"));
    },
    client: (client) => client.head(),
  },
  {
    title: "in the middle of its answer",
    request: head("GET / HTTP/1.1", "Host: Svc"),
    upstream: async (peer) => {
      await peer.head();
      peer.send(head("HTTP/1.1 200 OK", "Content-Length: 10") + "half");
    },
    client: (client) => client.until("half"),
  },
  {
    title: "in the middle of a stream of events",
    request: head("GET / HTTP/1.1", "Host: Svc"),
    upstream: async (peer) => {
      await peer.head();
      peer.send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "1\r\nx\r\n");
    },
    client: (client) => client.until("x\r\n"),
  },
  {
    title: "while its answer waits for it to read",
    request: head("GET / HTTP/1.1", "Host: Svc"),
    upstream: async (peer) => {
      await peer.head();
      peer.send(head("HTTP/1.1 200 OK", "Content-Length: 50000000"));
      peer.send(new Uint8Array(20_000_000));
    },
    client: async (client) => {
      await client.head();
      client.pause();
    },
  },
];

for (const { title, request, upstream: serve, client: wait } of moments) {
  onBothNets(`client, vanishes ${title}: the upstream is cancelled`, async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    for (const leave of leaves) {
      const client = await plane.client();
      client.send(request);
      const peer = await upstream.accept();
      await serve(peer);
      await wait?.(client);
      client[leave]();
      await peer.closed();
      await plane.quiet({ idle: 0 });
    }
    assertEquals(plane.countFailures("Svc", "client_gone"), 2);
    const asking = ask(plane, "Svc");
    const peer = await upstream.accept();
    await peer.head();
    peer.send(answer("on"));
    assertEquals((await asking).body, "on");
    assertEquals(plane.errors, []);
  });
}

onBothNets(
  "client, vanishes while its name is looked up: nothing is sent anywhere",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    // A request whose client has left rests until the time for its name is over.
    const policy = { timeouts: { resolveMs: 200 } };
    await using plane = await startPlane({ net, policy, services: { Svc: [upstream.port] } });
    plane.mute = true;
    for (const leave of leaves) {
      const name = leave === "close" ? "One" : "Two";
      plane.services.set(name, [upstream.port]);
      const client = await plane.client();
      client.send(head("GET / HTTP/1.1", `Host: ${name}`));
      await plane.message((each) => each.kind === "resolve" && each.name === name, "a question");
      client[leave]();
      await plane.quiet();
    }
    assert(!upstream.unexpected, "the upstream was asked for a client that had left");
  },
);

onBothNets(
  "client, vanishes while its endpoint is being dialled: the attempt ends with it",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    // Known to the thread already, so that request and end of the client are all that happens.
    const warm = ask(plane, "Svc");
    const first = await upstream.accept();
    await first.head();
    first.send(answer("ok", "200 OK", "Connection: close"));
    await warm;
    for (let index = 0; index < 20; index++) {
      const client = await plane.client();
      client.send(head("GET / HTTP/1.1", "Host: Svc"));
      client.close();
    }
    await plane.quiet({ idle: 0 });
    for (const peer of upstream.connections) await peer.closed();
  },
);

onBothNets("clients, 2,000 idle ones are held, served and let go", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  const clients: RawPeer[] = [];
  for (let batch = 0; batch < 20; batch++) {
    clients.push(...await Promise.all(Array.from({ length: 100 }, () => rawClient(plane.port()))));
  }
  await plane.until(() => plane.gauge("clientsOpen") === 2000, "2,000 clients");
  // Each of them is alive; the answers come while all the others stay open.
  for (const client of clients.filter((_, index) => index % 50 === 0)) {
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    assertEquals((await client.message()).body, "ok");
  }
  assertEquals(upstream.connections.length, 1);
  for (const client of clients) client.close();
  await plane.quiet({ idle: 1 });
  assertEquals(plane.gauge("clientsAccepted"), 2000);
  assertEquals((await ask(plane, "Svc")).body, "ok");
});

onBothNets("clients, 300 at once are all served, none of them starved", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  const clients = await Promise.all(Array.from({ length: 300 }, () => rawClient(plane.port())));
  await Promise.all(clients.map(async (client) => {
    for (let index = 0; index < 10; index++) {
      client.send(head("GET / HTTP/1.1", "Host: Svc"));
      assertEquals((await client.message()).body, "ok");
    }
    client.close();
  }));
  assertEquals(plane.count("Svc", "requests"), 3000);
  assertEquals(plane.count("Svc", "failure"), 0);
  await plane.quiet();
});

onBothNets(
  "clients, 5,000 connections opened and closed leave no descriptor behind",
  async (net) => {
    if (Deno.build.os !== "linux") {
      return console.log(
        "  skipped: descriptors are counted on Linux",
      );
    }
    await using upstream = await RawUpstream.listen();
    upstream.answer(() => answer("ok"));
    await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
    assertEquals((await ask(plane, "Svc")).body, "ok");
    await plane.quiet({ idle: 1 });
    const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = descriptors();
    for (let batch = 0; batch < 50; batch++) {
      await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const client = await rawClient(plane.port());
        if (index % 4 === 0) {
          client.send(head("GET / HTTP/1.1", "Host: Svc", "Connection: close"));
          assertEquals((await client.message()).body, "ok");
        } else if (index % 4 === 1) client.send("GET / HT");
        if (index % 4 === 2) client.reset();
        else client.close();
      }));
    }
    await plane.quiet();
    // What the pool keeps is open on both sides, and both sides are in this process; a portable socket takes two.
    const each = net === "portable" ? 3 : 2;
    await plane.until(
      () => descriptors() <= before + each * plane.gauge("upstreamsIdle"),
      () => `${descriptors()} descriptors to become ${before}`,
    );
    // One that was reset before it was accepted is never seen.
    await plane.until(
      () => plane.gauge("clientsAccepted") > 3700,
      () => `the clients; ${plane.gauge("clientsAccepted")} were accepted`,
    );
  },
);
