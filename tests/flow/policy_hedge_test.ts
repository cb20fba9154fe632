/** Hedging: a request that takes unusually long is sent a second time, within the budget, and the first answer counts. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";
import { blockBase, retryReasons, slot } from "../../lib/plane/counters.ts";

/** Enough answers for a percentile to be known. */
const enough = 140;

function hedges(plane: Plane): number {
  const at = blockBase(plane.block("Svc")) + slot.retry + retryReasons.indexOf("hedge");
  return plane.supervisor.counter(at);
}

/** An upstream that answers at once until it is told to be silent. */
function upstreamOf(raw: RawUpstream, name: string) {
  const state = { silent: false, heads: 0 };
  raw.serve(async (peer) => {
    for (;;) {
      await peer.head();
      state.heads++;
      if (state.silent) return;
      peer.send(answer(name));
    }
  });
  return state;
}

async function warm(plane: Plane): Promise<void> {
  for (let index = 0; index < enough; index++) {
    assertEquals((await ask(plane, "Svc", {})).status, 200);
  }
}

onBothNets("hedge, a GET whose endpoint falls silent is answered by the other one", async (net) => {
  await using one = await RawUpstream.listen();
  await using other = await RawUpstream.listen();
  const first = upstreamOf(one, "one"), second = upstreamOf(other, "other");
  await using plane = await startPlane({
    net,
    services: { Svc: [one.port, other.port] },
    policy: { retry: { hedge: true }, timeouts: { responseMs: 4000 } },
  });
  await warm(plane);
  first.silent = true;
  const begun = performance.now();
  for (let index = 0; index < 6; index++) {
    const { status, body } = await ask(plane, "Svc", {});
    assertEquals([status, body], [200, "other"]);
  }
  assert(performance.now() - begun < 3000, "one of six waited for the silent endpoint");
  assert(hedges(plane) >= 1, "nothing was hedged");
  assertEquals(plane.countFailures("Svc", "response_timeout"), 0);
  assert(second.heads > 0);
  await plane.quiet();
});

onBothNets("hedge, a POST is never sent twice", async (net) => {
  await using one = await RawUpstream.listen();
  await using other = await RawUpstream.listen();
  const first = upstreamOf(one, "one"), second = upstreamOf(other, "other");
  await using plane = await startPlane({
    net,
    services: { Svc: [one.port, other.port] },
    policy: { retry: { hedge: true }, timeouts: { responseMs: 400 } },
  });
  await warm(plane);
  first.silent = second.silent = true;
  const before = first.heads + second.heads;
  assertEquals((await ask(plane, "Svc", { method: "POST" })).status, 504);
  assertEquals(first.heads + second.heads - before, 1);
  assertEquals(hedges(plane), 0);
  await plane.quiet();
});

onBothNets("hedge, the retry budget bounds it", async (net) => {
  await using one = await RawUpstream.listen();
  await using other = await RawUpstream.listen();
  const first = upstreamOf(one, "one"), second = upstreamOf(other, "other");
  await using plane = await startPlane({
    net,
    services: { Svc: [one.port, other.port] },
    policy: {
      retry: { hedge: true, maxAttempts: 1, budgetRatio: 0, budgetPerSecond: 0 },
      timeouts: { responseMs: 400 },
    },
  });
  await warm(plane);
  first.silent = second.silent = true;
  assertEquals((await ask(plane, "Svc", {})).status, 504);
  assertEquals(hedges(plane), 0);
  await plane.quiet();
});
