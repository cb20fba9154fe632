/** Faults of an upstream: each ends in a clear failure or a visible cut, leaves nothing behind, and the plane serves on. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { blackHole } from "../support/black_hole.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

/** Shows that nothing is left over and that the plane serves on. */
async function servesOn(plane: Plane, upstream: RawUpstream): Promise<void> {
  await plane.quiet({ idle: 0 });
  const asking = ask(plane, "Svc");
  const peer = await upstream.accept();
  await peer.head();
  peer.send(answer("on"));
  assertEquals((await asking).body, "on");
  await plane.quiet({ idle: 1 });
  assertEquals(plane.errors, []);
}

onBothNets(
  "upstream, accepts and never answers: 504 within the time, its connection is closed",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({ net });
    // Known before: the time for an answer is not to pass while this process says who it is.
    await plane.publish("Svc", [upstream.port]);
    await plane.setPolicy({ timeouts: { responseMs: 200 } });
    for (const method of ["GET", "POST"]) {
      const asking = ask(plane, "Svc", { method, body: "x" });
      const peer = await upstream.accept();
      await peer.message();
      const asked = await asking;
      assertEquals([asked.status, problemOf(asked).code], [504, "response_timeout"]);
      assertMatch(asked.head, /^Proxy-Status: mesher; error=http_response_timeout; /m);
      assertEquals(await peer.closed(), "end");
    }
    assertEquals(plane.countFailures("Svc", "response_timeout"), 2);
    assertEquals(plane.count("Svc", "attempts"), 2);
    await plane.setPolicy({ timeouts: { responseMs: 5000 } });
    await servesOn(plane, upstream);
  },
);

onBothNets(
  "upstream, answers the head and stalls: the client is cut, the failure is counted",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({
      net,
      services: { Svc: [upstream.port] },
      policy: { timeouts: { bodyIdleMs: 200 } },
    });
    const client = await plane.client();
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    const peer = await upstream.accept();
    await peer.head();
    peer.send(head("HTTP/1.1 200 OK", "Content-Length: 10") + "half");
    await client.head();
    assertEquals((await client.rest()).text, "half");
    await peer.closed();
    const failure = await plane.failure("response_timeout");
    assertEquals([failure.service, failure.endpoint], ["Svc", `127.0.0.1:${upstream.port}`]);
    assertEquals(plane.countFailures("Svc", "response_timeout"), 1);
    await servesOn(plane, upstream);
  },
);

for (const how of ["close", "reset"] as const) {
  onBothNets(
    `upstream, a ${how} in the middle of its body is counted and leaves nothing`,
    async (net) => {
      await using upstream = await RawUpstream.listen();
      await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
      const bodies = ["Content-Length: 100000", "Transfer-Encoding: chunked", "X-Close: yes"];
      for (const framing of bodies) {
        // A body without length or chunks that is closed in order is whole.
        if (how === "close" && framing === "X-Close: yes") continue;
        const client = await plane.client();
        client.send(head("GET / HTTP/1.1", "Host: Svc"));
        const peer = await upstream.accept();
        await peer.head();
        peer.send(head("HTTP/1.1 200 OK", framing) + "5\r\nhello\r\n");
        await client.until("hello");
        peer[how]();
        const { text } = await client.rest();
        assert(!text.includes("0\r\n\r\n"), `a clean end after a cut: ${JSON.stringify(text)}`);
      }
      await plane.until(
        () => plane.countFailures("Svc", "reset") === (how === "close" ? 2 : 3),
        "the failures",
      );
      assertEquals(plane.count("Svc", "retry"), 0);
      await servesOn(plane, upstream);
    },
  );
}

onBothNets("upstream, more bytes than its length never reach the next client", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  const client = await plane.client();
  client.send(head("GET /one HTTP/1.1", "Host: Svc"));
  const peer = await upstream.accept();
  await peer.head();
  peer.send(answer("one") + answer("evil"));
  assertEquals((await client.message()).body, "one");
  await peer.closed();
  client.close();
  await servesOn(plane, upstream);
});

onBothNets(
  "upstream, a black-holed endpoint is passed over after one connect timeout",
  async (net) => {
    const hole = blackHole();
    if (hole === undefined) return console.log("  skipped: a full accept queue needs Linux");
    try {
      await using upstream = await RawUpstream.listen();
      upstream.answer(() => answer("alive"));
      await using plane = await startPlane({ net, services: { Hole: [hole.port] } });
      // The connection that is used stands already, so that the short time is that of the black hole alone.
      await plane.publish("Svc", [upstream.port]);
      assertEquals((await ask(plane, "Svc")).body, "alive");
      await plane.publish("Svc", [hole.port, upstream.port]);
      await plane.setPolicy({ timeouts: { connectMs: 200 } });
      for (const method of ["GET", "POST", "GET", "POST"]) {
        assertEquals((await ask(plane, "Svc", { method, body: "x" })).body, "alive");
      }
      assertEquals(plane.count("Svc", "attempts"), 6);
      const suspect = await plane.message((each) => each.kind === "suspect", "a suspicion");
      assertEquals(suspect, {
        kind: "suspect",
        service: "Svc",
        host: "127.0.0.1",
        port: hole.port,
        reason: "connect_timeout",
      });
      const asked = await ask(plane, "Hole");
      assertEquals([asked.status, problemOf(asked).code], [504, "connect_timeout"]);
      await plane.quiet({ idle: 1 });
    } finally {
      hole.close();
    }
  },
);

for (const how of ["close", "reset"] as const) {
  onBothNets(
    `upstream, an early answer and a ${how} in a busy upload: the answer arrives`,
    async (net) => {
      await using upstream = await RawUpstream.listen();
      await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
      for (let round = 0; round < 10; round++) {
        const client = await plane.client();
        client.send(head("POST / HTTP/1.1", "Host: Svc", "Content-Length: 30000000"));
        const peer = await upstream.accept();
        await peer.head();
        // The upload goes on all the while, so that the upstream's end meets it in the middle of a write.
        const sending = setInterval(() => client.send(new Uint8Array(500_000)), 0);
        try {
          peer.send(answer("too large", "413 Content Too Large"));
          peer[how]();
          const { head: answered, body } = await client.message();
          assertEquals([answered.slice(0, 12), body], ["HTTP/1.1 413", "too large"]);
        } finally {
          clearInterval(sending);
        }
        client.close();
      }
      assertEquals(plane.count("Svc", "retry"), 0);
      await servesOn(plane, upstream);
    },
  );
}
