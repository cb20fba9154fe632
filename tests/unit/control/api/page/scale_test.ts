/** Places in the charts of the live page. */
import { assert, assertEquals } from "@test/assert";
import {
  areaPath,
  byMinute,
  linePath,
  moments,
  niceScale,
  spanOf,
} from "../../../../../lib/control/api/page/scale.js";

for (
  const [largest, smallest, ticks] of [
    [0, 0, [0, 0.5, 1]],
    [82, 1, [0, 50, 100]],
    [53, 0, [0, 20, 40, 60]],
    [0.3, 1, [0, 0.5, 1]],
    [0.106, 0.01, [0, 0.05, 0.1, 0.15]],
    [24_000, 1, [0, 10_000, 20_000, 30_000]],
    [100, 0, [0, 50, 100]],
  ] as const
) {
  Deno.test(`page scale, up to ${largest} it has the ticks ${ticks.join(" ")}`, () => {
    const scale = niceScale(largest, smallest);
    assertEquals(scale.ticks, [...ticks]);
    assertEquals(scale.top, ticks[ticks.length - 1]);
    assert(scale.top! >= largest);
  });
}

Deno.test("page scale, a line breaks where nothing is known and where time is missing", () => {
  const points = [
    { x: 0, y: 1 },
    { x: 1, y: 2 },
    { x: 2, y: null },
    { x: 3, y: 4 },
    { x: 40, y: 5 },
    { x: 41, y: 6 },
  ];
  assertEquals(linePath(points, 5), "M0 1L1 2M3 4h1.5M40 5L41 6");
  assertEquals(areaPath(points, 9, 5), "M0 9L0 1L1 2L1 9ZM3 9L3 4L3 9ZM40 9L40 5L41 6L41 9Z");
  assertEquals([linePath([], 5), areaPath([], 9, 5)], ["", ""]);
});

Deno.test("page scale, shows no more time than there is to tell of", () => {
  const now = 10_000_000;
  const from = (ms: number) => ({ at: [now - ms] });
  assertEquals(spanOf({ at: [] }, now), 2);
  assertEquals([60_000, 200_000, 600_000, 2_000_000].map((ms) => spanOf(from(ms), now)), [
    2,
    5,
    15,
    15,
  ]);
  assertEquals(moments(15, false), [15, 10, 5, 0]);
  assertEquals(moments(5, true), [5, 0]);
});

Deno.test("page scale, buckets become minutes, newest first", () => {
  const minute = 60_000;
  const rows = byMinute({
    at: [minute, minute + 5000, 2 * minute],
    requests: [5, 7, null],
    failed: [0, 1, null],
    p50Ms: [1, 2, null],
    p95Ms: [1, 9, null],
    p99Ms: [1, null, null],
  });
  assertEquals(rows, [
    { at: 2 * minute, requests: 7, failed: 1, p50Ms: 2, p95Ms: 9, p99Ms: null },
    { at: minute, requests: 5, failed: 0, p50Ms: 1, p95Ms: 1, p99Ms: 1 },
  ]);
});
