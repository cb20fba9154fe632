/** A crowd that sends drop by drop: heads are cut in time, bodies that go on are served, and nobody else waits. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { medianOf, timeOf } from "../support/measured.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, rawClient, type RawPeer, RawUpstream, within } from "../support/raw.ts";

const each = 150;
const dropMs = 50;
const headMs = 600;
/** No pause between two drops comes near this, all of a body's drops take longer. */
const bodyIdleMs = 1300;
const bodyBytes = 30;

/** The same call without a sidecar in between. */
async function askDirectly(port: number): Promise<void> {
  const client = await rawClient(port);
  client.send(head("GET / HTTP/1.1", "Host: Svc"));
  assertEquals((await client.message()).body, "ok");
  client.close();
}

onBothNets(
  "slow crowd, heads that drip are cut, bodies that drip are served, others do not wait",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    upstream.answer(({ body }) => answer(body === "" ? "ok" : body));
    await using plane = await startPlane({
      net,
      services: { Svc: [upstream.port] },
      policy: { timeouts: { headMs, bodyIdleMs, responseMs: 30_000 } },
    });
    assertEquals((await ask(plane, "Svc")).body, "ok");
    const open = () => Promise.all(Array.from({ length: each }, () => rawClient(plane.port())));
    const [heads, bodies] = [await open(), await open()];
    // One that sends nothing more: how soon it is seen to be cut is a matter of this machine.
    const silent = await rawClient(plane.port());
    const length = `Content-Length: ${bodyBytes}`;
    const begun = performance.now();
    for (const client of bodies) client.send(head("POST / HTTP/1.1", "Host: Svc", length));
    for (const client of [...heads, silent]) client.send("GET / HTTP/1.1\r\nHost: Svc\r\nX-Long: ");
    let drops = 0;
    const dripping = setInterval(() => {
      for (const client of heads) if (client.end === undefined) client.send("x");
      if (drops < bodyBytes) { for (const client of bodies) client.send("x"); }
      drops++;
    }, dropMs);

    try {
      const cutAfter = async (client: RawPeer) => {
        const { text } = await client.rest();
        assertEquals(text.slice(0, 12), "HTTP/1.1 408");
        return performance.now() - begun;
      };
      const cut = [silent, ...heads].map(cutAfter);
      const served = bodies.map(async (client: RawPeer) => {
        assertEquals((await client.message()).body, "x".repeat(bodyBytes));
      });
      const tookMs: number[] = [];
      const directMs: number[] = [];
      let over = false;
      const all = Promise.all([...cut, ...served]).finally(() => over = true);
      all.catch(() => {});
      while (!over) {
        tookMs.push(
          await timeOf(async () => assertEquals((await ask(plane, "Svc")).body, "ok")),
        );
        directMs.push(await timeOf(() => askDirectly(upstream.port)));
      }
      const ends = (await within(all, "the crowd's end")).slice(0, each + 1) as number[];
      assert(Math.min(...ends) > headMs * 0.9, `a head was cut after ${Math.min(...ends)} ms`);
      const [silentEnd, longest] = [ends[0]!, Math.max(...ends)];
      assert(
        longest < 3 * silentEnd + 1000,
        `a head lived for ${longest} ms, a silent one ${silentEnd}`,
      );
      // The crowd is in this process too; what it costs a call past the sidecar is not the sidecar's.
      const [median, direct] = [medianOf(tookMs), medianOf(directMs)];
      assert(median < 100 + 5 * direct, `other calls took ${median} ms, past it ${direct} ms`);
    } finally {
      clearInterval(dripping);
    }
    assertEquals(plane.countFailures(0, "request_malformed"), each + 1);
    for (const client of [...heads, silent, ...bodies]) client.close();
    await plane.quiet();
    assertEquals((await ask(plane, "Svc")).body, "ok");
    assertEquals(plane.errors, []);
  },
);
