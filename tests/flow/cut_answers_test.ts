/** Answers that break off: what is recorded of them, and that they count against their endpoint and their service. */
import { assert, assertEquals } from "@test/assert";
import { breakerStates } from "../../lib/data/resilience/breaker.ts";
import { Instance } from "../support/instance.ts";
import { onlyRecord, watch } from "../support/observe.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { head, RawUpstream } from "../support/raw.ts";

const begun = head("HTTP/1.1 200 OK", "Content-Length: 100") + "only the beginning";

/** An upstream that begins every answer well, and then breaks it off or says no more. */
async function upstreamThat(then: "cuts" | "waits"): Promise<RawUpstream> {
  const upstream = await RawUpstream.listen();
  upstream.serve(async (peer) => {
    await peer.head();
    peer.send(begun);
    if (then === "waits") await peer.closed();
    peer.close();
  });
  return upstream;
}

/** One call on a connection of its own. Shape: what came of it, up to the end of the connection. */
async function call(plane: Plane): Promise<string> {
  const client = await plane.client();
  client.send(head("GET / HTTP/1.1", "Host: Svc", "Connection: close"));
  const { text } = await client.rest();
  client.close();
  return text;
}

/** A call whose client has the head of its answer and whose body is on its way. */
async function answerBegun(plane: Plane, upstream: RawUpstream) {
  const client = await plane.client();
  client.send(head("GET /long HTTP/1.1", "Host: Svc"));
  const peer = await upstream.accept();
  await peer.head();
  peer.send(begun);
  await client.head();
  return { client, peer };
}

for (const coding of ["a length", "chunks"] as const) {
  onBothNets(
    `cut answer with ${coding}, has the status that was sent, and the failure`,
    async (net) => {
      await using upstream = await RawUpstream.listen();
      await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
      await watch(plane);
      const client = await plane.client();
      client.send(head("GET /long HTTP/1.1", "Host: Svc"));
      const peer = await upstream.accept();
      await peer.head();
      const framing = coding === "chunks" ? "Transfer-Encoding: chunked" : "Content-Length: 9";
      peer.send(head("HTTP/1.1 206 Partial", framing) + "4\r\nabcd\r\n".slice(0, 7));
      await client.head();
      peer.close();
      await client.closed();
      const record = await onlyRecord(plane);
      assertEquals(
        [record.status, record.code, record.attempts.map(({ code, status }) => [status, code])],
        [206, "reset", [[206, "reset"]]],
      );
      const failure = await plane.failure("reset");
      assertEquals([failure.status, plane.countFailures("Svc", "reset")], [206, 1]);
      await plane.quiet();
    },
  );
}

onBothNets("cut answer, a reset is recorded with the status that was sent", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  await watch(plane);
  const { client, peer } = await answerBegun(plane, upstream);
  peer.reset();
  await client.closed();
  const record = await onlyRecord(plane);
  assertEquals([record.status, record.code], [200, "reset"]);
});

onBothNets("cut answer, a client that leaves in the middle had its status too", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  await watch(plane);
  const { client } = await answerBegun(plane, upstream);
  client.reset();
  const record = await onlyRecord(plane);
  assertEquals([record.status, record.code], [200, "client_gone"]);
  await plane.quiet();
});

const outlier = { enabled: true, consecutiveFailures: 5, baseEjectMs: 30_000, minRequests: 1000 };

onBothNets(
  "cut answers, an endpoint that breaks off all of its answers is ejected",
  async (net) => {
    await using bad = await upstreamThat("cuts");
    await using good = await Instance.start("good");
    await using plane = await startPlane({
      net,
      services: { Svc: [bad.port, good.port] },
      policy: { calls: { outlier } },
    });
    let cut = 0;
    for (let index = 0; index < 30; index++) {
      if (!(await call(plane)).includes("good")) cut++;
    }
    assertEquals([cut, plane.count("Svc", "ejections")], [5, 1]);
    assertEquals(plane.countFailures("Svc", "reset"), 5);
    await plane.quiet();
  },
);

onBothNets("cut answers, clients that leave in the middle eject nobody", async (net) => {
  await using upstream = await upstreamThat("waits");
  await using other = await upstreamThat("waits");
  await using plane = await startPlane({
    net,
    services: { Svc: [upstream.port, other.port] },
    policy: {
      calls: {
        outlier: { ...outlier, consecutiveFailures: 2 },
        breaker: { enabled: true, minRequests: 2, errorShare: 0.1 },
      },
    },
  });
  for (let index = 0; index < 12; index++) {
    const client = await plane.client();
    client.send(head("GET / HTTP/1.1", "Host: Svc"));
    await client.head();
    client.reset();
    await plane.until(
      () => plane.countFailures("Svc", "client_gone") === index + 1,
      "the end of the request",
    );
  }
  assertEquals([plane.count("Svc", "ejections"), plane.count("Svc", "breaker")], [0, 0]);
  await plane.quiet();
});

onBothNets("cut answers, open the circuit of their service, each counted once", async (net) => {
  await using bad = await upstreamThat("cuts");
  await using plane = await startPlane({
    net,
    services: { Svc: [bad.port] },
    policy: {
      calls: { breaker: { enabled: true, minRequests: 6, errorShare: 1, openMs: 60_000 } },
    },
  });
  for (let index = 0; index < 6; index++) {
    const text = await call(plane);
    assert(text.startsWith("HTTP/1.1 200"), text);
  }
  assert((await call(plane)).includes("circuit_open"));
  await plane.until(
    () => plane.count("Svc", "breaker") === breakerStates.indexOf("open"),
    "the gauge",
  );
  assertEquals(plane.countFailures("Svc", "reset"), 6);
});
