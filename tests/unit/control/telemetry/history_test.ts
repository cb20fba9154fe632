/** The history over counters written by hand and a clock moved by hand. */
import { assert, assertEquals } from "@test/assert";
import { BlockTable } from "../../../../lib/control/telemetry/blocks.ts";
import { History } from "../../../../lib/control/telemetry/history.ts";
import { percentileMs } from "../../../../lib/control/telemetry/series.ts";
import { failureCodes } from "../../../../lib/core/errors.ts";
import {
  blockBase,
  blocks,
  counterBytes,
  latencyBounds,
  slot,
} from "../../../../lib/plane/counters.ts";

const bucketMs = 5000;

function setUp({ maxServices }: { maxServices?: number } = {}) {
  const counters = new Float64Array(counterBytes / 8);
  const table = new BlockTable();
  let nowMs = 1_000_000;
  const history = new History({
    entries: () => table.entries(),
    ...(maxServices === undefined ? {} : { maxServices }),
  }, nowMs);
  return {
    history,
    /** So many requests of the service that took so long. */
    calls(service: string, count: number, options: { ms?: number; status?: number } = {}) {
      const { ms = 3, status = 200 } = options;
      const base = blockBase(service === "" ? blocks.inbound : table.blockOf(service));
      counters[base + slot.requests]! += count;
      counters[base + slot.status + Math.floor(status / 100) - 1]! += count;
      counters[base + slot.latencyCount]! += count;
      const bucket = latencyBounds.findIndex((bound) => ms / 1000 <= bound);
      if (bucket >= 0) counters[base + slot.latency + bucket]! += count;
    },
    count(service: string, offset: number, amount: number) {
      counters[blockBase(table.blockOf(service)) + offset]! += amount;
    },
    /** Lets seconds pass, with a sample at the end of each. */
    pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        nowMs += 1000;
        history.sample((at) => counters[at]!, nowMs);
      }
    },
    sleep(ms: number) {
      nowMs += ms;
    },
  };
}

Deno.test("history, a call counts for its service and for all, in the bucket of its time", () => {
  const { history, calls, pass } = setUp();
  calls("Cart", 7);
  pass(5);
  calls("Cart", 2);
  calls("Bill", 1);
  pass(5);
  const columns = (scope: Parameters<History["series"]>[0]) => history.series(scope)!.columns();
  assertEquals(columns("all").requests, [7, 3]);
  assertEquals(columns({ service: "Cart" }).requests, [7, 2]);
  assertEquals(columns({ service: "Bill" }).requests, [1]);
  assertEquals(columns("all").endMs, [1_005_000, 1_010_000]);
  assertEquals(columns("inbound").requests, [0, 0]);
});

Deno.test("history, calls from others count apart from calls to others", () => {
  const { history, calls, pass } = setUp();
  calls("", 4);
  pass(5);
  assertEquals(history.series("inbound")!.columns().requests, [4]);
  assertEquals(history.series("all")!.columns().requests, [0]);
});

Deno.test("history, keeps 15 minutes and forgets what is older", () => {
  const { history, calls, pass } = setUp();
  calls("Cart", 1);
  pass(5 * 180);
  assertEquals(history.series("all")!.columns().requests[0], 1);
  assertEquals(history.series("all")!.columns().requests.length, 180);
  pass(5);
  const { requests } = history.series("all")!.columns();
  assertEquals([requests.length, requests.some((one) => one > 0)], [180, false]);
});

Deno.test("history, a request for what came after a moment gets only that", () => {
  const { history, calls, pass } = setUp();
  calls("Cart", 1);
  pass(10);
  calls("Cart", 2);
  pass(5);
  const { endMs, requests } = history.series("all")!.columns(1_005_000);
  assertEquals([endMs, requests], [[1_010_000, 1_015_000], [0, 2]]);
});

Deno.test("history, time that was slept through is unknown and not zero", () => {
  const { history, calls, pass, sleep } = setUp();
  calls("Cart", 1);
  pass(5);
  sleep(4 * bucketMs);
  pass(1);
  const { requests } = history.series("all")!.columns();
  assertEquals(requests, [1, 0, NaN, NaN, NaN]);
});

Deno.test("history, an answer with 5xx and a failure of the sidecar are one failure, a cut answer too", () => {
  const { history, calls, count, pass } = setUp();
  const failure = (code: typeof failureCodes[number]) => slot.failure + failureCodes.indexOf(code);
  // Answered with 503 by the sidecar: both counters move.
  calls("Cart", 3, { status: 503 });
  count("Cart", failure("no_endpoint"), 3);
  pass(1);
  // Cut after the head had gone out with 200.
  calls("Cart", 1);
  count("Cart", failure("reset"), 1);
  pass(1);
  // The application's own.
  calls("Cart", 2, { status: 500 });
  pass(1);
  // Refused with 429; and a client that left, which is nobody's failure.
  calls("Cart", 1, { status: 429 });
  count("Cart", failure("rate_limited"), 1);
  count("Cart", failure("client_gone"), 5);
  pass(2);
  assertEquals(history.series({ service: "Cart" })!.columns().failed, [3 + 1 + 2 + 1]);
});

Deno.test("history, retries of every reason are summed", () => {
  const { history, count, pass } = setUp();
  count("Cart", slot.retry, 2);
  count("Cart", slot.retry + 3, 1);
  pass(5);
  assertEquals(history.series("all")!.columns().retries, [3]);
});

Deno.test("history, percentiles are those of the bucket's own calls", () => {
  const { history, calls, pass } = setUp();
  calls("Cart", 90, { ms: 1 });
  calls("Cart", 10, { ms: 100 });
  pass(5);
  calls("Cart", 10, { ms: 2000 });
  pass(10);
  const { p50Ms, p99Ms } = history.series({ service: "Cart" })!.columns();
  assert(p50Ms[0]! <= 1, `${p50Ms}`);
  assert(p99Ms[0]! > 50 && p99Ms[0]! <= 100, `${p99Ms}`);
  assert(p50Ms[1]! > 1000 && p50Ms[1]! <= 2500, `${p50Ms}`);
  assertEquals([p50Ms[2], p99Ms[2]], [NaN, NaN]);
});

Deno.test("history, the present rate follows within seconds and ends at zero", () => {
  const { history, calls, pass } = setUp();
  const recent = () => history.recent({ service: "Cart" })!;
  for (let second = 0; second < 60; second++) {
    calls("Cart", 20);
    if (second >= 50) calls("Cart", 20, { status: 500 });
    pass(1);
  }
  const busy = recent();
  assert(Math.abs(busy.perSecond - 40) < 1, `${busy.perSecond}`);
  assert(Math.abs(busy.failedPerSecond - 20) < 1, `${busy.failedPerSecond}`);
  assert(Math.abs(busy.failedShare - 200 / 1400) < 0.01, `${busy.failedShare}`);
  pass(15);
  assertEquals(recent().perSecond, 0);
  assert(recent().p50Ms !== undefined);
  pass(60);
  assertEquals([recent().p50Ms, recent().failedShare], [undefined, 0]);
});

Deno.test("history, services beyond the bound are summed up as the rest", () => {
  const { history, calls, pass } = setUp({ maxServices: 2 });
  for (const service of ["A", "B", "C", "D"]) calls(service, 5);
  pass(5);
  assertEquals(history.series({ service: "B" })!.columns().requests, [5]);
  assertEquals(history.series({ service: "C" }), undefined);
  assertEquals(history.series("rest")!.columns().requests, [10]);
  assertEquals(history.series("all")!.columns().requests, [20]);
});

Deno.test("history, a service without calls for 15 minutes makes room for another", () => {
  const { history, calls, pass } = setUp({ maxServices: 1 });
  calls("A", 5);
  pass(5 * 182);
  calls("B", 3);
  pass(5);
  assertEquals(history.series({ service: "B" })!.columns().requests, [3]);
  assertEquals(history.series({ service: "A" }), undefined);
  // Back again: what was counted long ago is not counted anew.
  pass(5 * 182);
  calls("A", 2);
  pass(5);
  assertEquals(history.series({ service: "A" })!.columns().requests, [2]);
});

for (
  const [counts, share, expected] of [
    [{}, 0.5, undefined],
    [{ 0: 10 }, 0.5, 0.05],
    [{ 0: 10 }, 1, 0.1],
    [{ 3: 4 }, 0.5, 0.75],
    [{ 3: 2, 5: 2 }, 0.75, 3.75],
    [{ 18: 1 }, 0.5, 60_000],
  ] as const
) {
  Deno.test(`history, the ${share} percentile of ${JSON.stringify(counts)} is ${expected}`, () => {
    const histogram = new Float64Array(latencyBounds.length + 1);
    for (const [index, count] of Object.entries(counts)) histogram[Number(index)] = count;
    const found = percentileMs(histogram, share);
    assertEquals(found === undefined ? undefined : Math.round(found * 1000) / 1000, expected);
  });
}
