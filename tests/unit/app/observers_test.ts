/** Who watches requests, and what the data threads are told of it. */
import { assertEquals } from "@test/assert";
import { Observers } from "../../../lib/app/observers.ts";
import type { ObservePolicy } from "../../../lib/plane/observe.ts";
import { record } from "../../support/admin_view.ts";

function setUp() {
  const posted: ObservePolicy[] = [];
  const observers = new Observers({ post: (observe) => posted.push(observe) });
  return { observers, posted, last: () => posted[posted.length - 1]! };
}

Deno.test("observers, a tap is posted with its filter and vanishes with its listener", () => {
  const { observers, last } = setUp();
  observers.setBase({ logShare: 0.5 });
  const ended = new AbortController();
  observers.tap({ service: "Cart", method: undefined, perSecond: 10 }, ended.signal);
  assertEquals(last(), { logShare: 0.5, taps: [{ service: "Cart", perSecond: 10, id: 1 }] });
  ended.abort();
  assertEquals(last(), { logShare: 0.5, taps: [] });
});

Deno.test("observers, records go to the taps that asked for them", async () => {
  const { observers } = setUp();
  const ended = new AbortController();
  const one = observers.tap({ perSecond: 10 }, ended.signal)!;
  const two = observers.tap({ perSecond: 10 }, ended.signal)!;
  observers.received({ records: [{ ...record, taps: [2], path: "/two" }], dropped: 0 });
  observers.received({ records: [{ ...record, taps: [1], path: "/one" }], dropped: 4 });
  const path = async (tap: typeof one) => (await tap.next()).value;
  assertEquals(await path(one), { dropped: 4 });
  assertEquals((await path(one) as { path: string }).path, "/one");
  assertEquals(await path(two), { dropped: 4 });
  assertEquals((await path(two) as { path: string }).path, "/two");
  ended.abort();
});

Deno.test("observers, a slow listener loses records and is told how many", async () => {
  const { observers } = setUp();
  const ended = new AbortController();
  const tap = observers.tap({ perSecond: 10 }, ended.signal)!;
  const records = Array.from({ length: 1500 }, () => record);
  observers.received({ records, dropped: 0 });
  assertEquals((await tap.next()).value, { dropped: 500 });
  let count = 0;
  while (count < 1000) {
    assertEquals((await tap.next()).value, record);
    count++;
  }
  ended.abort();
});

Deno.test("observers, a listener that waits is woken by a record and by the end", async () => {
  const { observers } = setUp();
  const ended = new AbortController();
  const tap = observers.tap({ perSecond: 10 }, ended.signal)!;
  const next = tap.next();
  observers.received({ records: [record], dropped: 0 });
  assertEquals((await next).value, record);
  const last = tap.next();
  ended.abort();
  assertEquals((await last).done, true);
});

Deno.test("observers, only so many listen at a time", () => {
  const { observers } = setUp();
  const ended = new AbortController();
  for (let tap = 0; tap < 8; tap++) observers.tap({ perSecond: 1 }, ended.signal);
  assertEquals(observers.tap({ perSecond: 1 }, ended.signal), undefined);
  ended.abort();
  assertEquals(observers.tap({ perSecond: 1 }, ended.signal), undefined);
  const again = new AbortController();
  assertEquals(observers.tap({ perSecond: 1 }, again.signal) === undefined, false);
  observers.close();
});

Deno.test("observers, a thread that was replaced is told again", () => {
  const { observers, posted, last } = setUp();
  const ended = new AbortController();
  observers.tap({ perSecond: 1 }, ended.signal);
  const before = posted.length;
  observers.repeat();
  assertEquals([posted.length - before, last().taps.length], [1, 1]);
  ended.abort();
});
