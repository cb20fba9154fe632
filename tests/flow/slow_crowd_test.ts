/** A crowd that sends drop by drop: heads are cut in time, bodies that go on are served, and nobody else waits. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, rawClient, type RawPeer, RawUpstream, within } from "../support/raw.ts";

const each = 150;
const dropMs = 50;
const headMs = 600;
const bodyBytes = 20;

onBothNets(
  "slow crowd, heads that drip are cut, bodies that drip are served, others do not wait",
  async (net) => {
    await using upstream = await RawUpstream.listen();
    upstream.answer(({ body }) => answer(body === "" ? "ok" : body));
    await using plane = await startPlane({
      net,
      services: { Svc: [upstream.port] },
      policy: { timeouts: { headMs, bodyIdleMs: headMs } },
    });
    assertEquals((await ask(plane, "Svc")).body, "ok");
    const open = () => Promise.all(Array.from({ length: each }, () => rawClient(plane.port())));
    const [heads, bodies] = [await open(), await open()];
    const length = `Content-Length: ${bodyBytes}`;
    const begun = performance.now();
    for (const client of bodies) client.send(head("POST / HTTP/1.1", "Host: Svc", length));
    for (const client of heads) client.send("GET / HTTP/1.1\r\nHost: Svc\r\nX-Long: ");
    let drops = 0;
    const dripping = setInterval(() => {
      for (const client of heads) if (client.end === undefined) client.send("x");
      if (drops < bodyBytes) { for (const client of bodies) client.send("x"); }
      drops++;
    }, dropMs);

    try {
      const cut = heads.map(async (client) => {
        const { text } = await client.rest();
        assertEquals(text.slice(0, 12), "HTTP/1.1 408");
        return performance.now() - begun;
      });
      const served = bodies.map(async (client: RawPeer) => {
        assertEquals((await client.message()).body, "x".repeat(bodyBytes));
      });
      const tookMs: number[] = [];
      let over = false;
      const all = Promise.all([...cut, ...served]).finally(() => over = true);
      while (!over) {
        const from = performance.now();
        assertEquals((await ask(plane, "Svc")).body, "ok");
        tookMs.push(performance.now() - from);
      }
      const ends = (await within(all, "the crowd's end")).slice(0, each) as number[];
      assert(Math.min(...ends) > headMs * 0.9, `a head was cut after ${Math.min(...ends)} ms`);
      assert(Math.max(...ends) < headMs + 1500, `a head lived for ${Math.max(...ends)} ms`);
      tookMs.sort((a, b) => a - b);
      const median = tookMs[Math.floor(tookMs.length / 2)]!;
      assert(median < 100, `other calls took ${median} ms beside the crowd`);
    } finally {
      clearInterval(dripping);
    }
    assertEquals(plane.countFailures(0, "request_malformed"), each);
    for (const client of [...heads, ...bodies]) client.close();
    await plane.quiet();
    assertEquals((await ask(plane, "Svc")).body, "ok");
    assertEquals(plane.errors, []);
  },
);
