/** Hosts outside the mesh with several addresses: tried in the resolver's order, the next one beside a slow one. */
import { assert, assertEquals } from "@test/assert";
import { ask, deadPort } from "../support/ask.ts";
import { blackHole } from "../support/black_hole.ts";
import { blocks } from "../../lib/plane/counters.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";

/** A silent address that is waited for is waited for long. Units: milliseconds. */
const patient = { connectMs: 10_000, responseMs: 15_000 } as const;

function host(...addresses: string[]) {
  return { "shop.example": { kind: "host", addresses } } as const;
}

onBothNets("outside host, its first address is used as long as it answers", async (net) => {
  await using first = await RawUpstream.listen(0, "127.0.0.1");
  await using second = await RawUpstream.listen(first.port, "127.0.0.2");
  first.answer(() => answer("first"));
  second.answer(() => answer("second"));
  await using plane = await startPlane({ net, names: host("127.0.0.1", "127.0.0.2") });
  for (let call = 0; call < 5; call++) {
    assertEquals((await ask(plane, `shop.example:${first.port}`)).body, "first");
  }
});

onBothNets("outside host, an address that refuses costs no call", async (net) => {
  await using second = await RawUpstream.listen(0, "127.0.0.1");
  second.answer(() => answer("second"));
  await using plane = await startPlane({ net, names: host("127.0.0.2", "127.0.0.1") });
  for (const method of ["POST", "GET"]) {
    const asked = await ask(plane, `shop.example:${second.port}`, { method, body: "x" });
    assertEquals(asked.body, "second");
  }
});

onBothNets("outside host, the next address is tried beside one that is silent", async (net) => {
  await using second = await RawUpstream.listen(0, "127.0.0.1");
  second.answer(() => answer("second"));
  const hole = blackHole("127.0.0.2", second.port);
  if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
  try {
    await using plane = await startPlane({
      net,
      names: host("127.0.0.2", "127.0.0.1"),
      policy: { timeouts: patient },
    });
    const beganMs = performance.now();
    assertEquals((await ask(plane, `shop.example:${second.port}`)).body, "second");
    const tookMs = performance.now() - beganMs;
    assert(tookMs < patient.connectMs / 2, `${tookMs} ms: the silent address was waited for`);
  } finally {
    hole.close();
  }
});

onBothNets(
  "outside host, the third address serves when ::1 refuses and the next is silent",
  async (net) => {
    await using third = await RawUpstream.listen(0, "127.0.0.1");
    third.answer(() => answer("third"));
    const hole = blackHole("127.0.0.2", third.port);
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      await using plane = await startPlane({
        net,
        names: host("::1", "127.0.0.2", "127.0.0.1"),
        policy: { timeouts: patient },
      });
      const name = `shop.example:${third.port}`;
      for (const method of ["POST", "GET", "GET"]) {
        const beganMs = performance.now();
        assertEquals((await ask(plane, name, { method, body: "x" })).body, "third");
        const tookMs = performance.now() - beganMs;
        assert(tookMs < patient.connectMs / 2, `${tookMs} ms: the silent address was waited for`);
      }
      assertEquals(plane.countFailures(blocks.outside, "connect_refused"), 0);
      // Addresses that were passed over leave nothing half-open behind.
      await plane.quiet();
    } finally {
      hole.close();
    }
  },
);

onBothNets(
  "outside host, all of whose addresses refuse, is told at once and tried again",
  async (net) => {
    await using plane = await startPlane({ net, names: host("::1", "127.0.0.2", "127.0.0.1") });
    const port = deadPort();
    assertEquals((await ask(plane, `shop.example:${port}`)).status, 502);
    await using late = await RawUpstream.listen(port, "127.0.0.1");
    late.answer(() => answer("late"));
    assertEquals((await ask(plane, `shop.example:${port}`)).body, "late");
  },
);

onBothNets("outside host, CONNECT takes the address that answers too", async (net) => {
  await using second = await RawUpstream.listen(0, "127.0.0.1");
  await using plane = await startPlane({ net, names: host("127.0.0.2", "127.0.0.1") });
  const client = await plane.client();
  client.send(
    `CONNECT shop.example:${second.port} HTTP/1.1\r\nHost: shop.example:${second.port}\r\n\r\n`,
  );
  const peer = await second.accept();
  assertEquals((await client.head()).slice(0, 12), "HTTP/1.1 200");
  client.send("ping");
  assertEquals(await peer.take(4), "ping");
  client.close();
});
