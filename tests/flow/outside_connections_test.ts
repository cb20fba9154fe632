/** Hosts outside the mesh: connections to any of their addresses are used again, and their gauges are shown. */
import { assertEquals } from "@test/assert";
import { breakerStates } from "../../lib/data/resilience/breaker.ts";
import { blocks } from "../../lib/plane/counters.ts";
import { ask } from "../support/ask.ts";
import { onlyRecord, watch } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";

function host(...addresses: string[]) {
  return { "shop.example": { kind: "host", addresses } } as const;
}

/** Two addresses of one host on the same port. */
async function twoAddresses() {
  const first = await RawUpstream.listen(0, "127.0.0.1");
  const second = await RawUpstream.listen(first.port, "127.0.0.2");
  first.answer(() => answer("first"));
  second.answer(() => answer("second"));
  return { first, second };
}

onBothNets(
  "outside host, an idle connection to a later address serves before a new one to the first",
  async (net) => {
    const { first, second } = await twoAddresses();
    await using _first = first;
    await using _second = second;
    const name = `shop.example:${first.port}`;
    // At first only the second address is known, so the idle connection is to that one.
    await using plane = await startPlane({ net, names: host("127.0.0.2") });
    plane.validMs = 1;
    assertEquals((await ask(plane, name)).body, "second");
    await plane.quiet({ idle: 1 });
    plane.names.set("shop.example", { kind: "host", addresses: ["127.0.0.1", "127.0.0.2"] });
    const asked = plane.asked.length;
    await watch(plane);
    // The answer on the name holds for 50 ms at least.
    const bodies = new Set<string>();
    while (plane.asked.length === asked) bodies.add((await ask(plane, name)).body);
    assertEquals([bodies, first.connections.length], [new Set(["second"]), 0]);
    await plane.quiet({ idle: 1 });
    assertEquals(plane.gauge("upstreamsDialled"), 1);
    const record = await onlyRecord(plane);
    assertEquals(record.attempts.map(({ endpoint }) => endpoint), [`127.0.0.2:${first.port}`]);
  },
);

onBothNets(
  "outside host, a request that ends at a later address is that address's own",
  async (net) => {
    const { first, second } = await twoAddresses();
    await using _second = second;
    const { port } = first;
    await first.close();
    await using plane = await startPlane({ net, names: host("127.0.0.1", "127.0.0.2") });
    await watch(plane);
    assertEquals((await ask(plane, `shop.example:${port}`)).body, "second");
    const { attempts, status } = await onlyRecord(plane);
    assertEquals(
      [status, attempts.map(({ endpoint, status }) => [endpoint, status])],
      [200, [[`127.0.0.2:${port}`, 200]]],
    );
    await plane.quiet({ idle: 1 });
  },
);

onBothNets("outside hosts, their gauges are shown as those of one", async (net) => {
  await using well = await RawUpstream.listen();
  well.answer(() => answer("ok"));
  await using ill = await RawUpstream.listen();
  ill.answer(() => answer("no", "500 Internal Server Error"));
  await using plane = await startPlane({
    net,
    policy: {
      calls: {
        breaker: { enabled: true, minRequests: 3, errorShare: 0.5, openMs: 60_000 },
        concurrency: { limit: 40 },
        retry: { budgetPerSecond: 10, budgetRatio: 0 },
      },
    },
  });
  for (let index = 0; index < 3; index++) {
    assertEquals((await ask(plane, `127.0.0.1:${ill.port}`)).status, 500);
    assertEquals((await ask(plane, `127.0.0.1:${well.port}`)).status, 200);
  }
  assertEquals((await ask(plane, `127.0.0.1:${ill.port}`)).status, 503);
  const open = breakerStates.indexOf("open");
  await plane.until(() => plane.count(blocks.outside, "breaker") === open, "the open circuit");
  assertEquals(plane.count(blocks.outside, "limit"), 80);
  assertEquals([plane.count(blocks.outside, "budget") > 0, plane.count(blocks.outside, "panic")], [
    true,
    0,
  ]);
  assertEquals((await ask(plane, `127.0.0.1:${well.port}`)).status, 200);
});
