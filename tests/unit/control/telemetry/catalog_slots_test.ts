/** The catalog shows every counter that the data threads keep, and each of them once. */
import { assert, assertEquals } from "@test/assert";
import { BlockTable } from "../../../../lib/control/telemetry/blocks.ts";
import { catalog } from "../../../../lib/control/telemetry/catalog.ts";
import { render } from "../../../../lib/control/telemetry/prometheus.ts";
import {
  blockBase,
  counterBytes,
  firstServiceBlock,
  slot,
  slotWidths,
  threadSlot,
} from "../../../../lib/plane/counters.ts";

/** Not shown as such: `requests` is the sum of its classes and failures, and tells which services are shown at all. */
const unshownOfBlock: readonly (keyof typeof slot)[] = ["requests"];
/** A moment, of which the age is shown. */
const unshownOfThread: readonly (keyof typeof threadSlot)[] = ["loopAtMs"];

/** Each slot that a metric reads, with the metric's name. */
function readSlots(from: "block" | "thread"): readonly (readonly [number, string])[] {
  return catalog.flatMap(({ name, source }) => {
    if (from === "thread") return source.from === "thread" ? [[source.slot, name] as const] : [];
    if (source.from === "block") {
      const width = source.row?.values.length ?? 1;
      return Array.from({ length: width }, (_, index) => [source.slot + index, name] as const);
    }
    if (source.from !== "block_histogram") return [];
    const { bounds, buckets, count, sum } = source.slots;
    return [sum, count, ...bounds.map((_, index) => buckets + index)].map((at) =>
      [at, name] as const
    );
  });
}

Deno.test("metric catalog, every slot of a service is shown by exactly one metric", () => {
  const shown = new Map<number, string>();
  for (const [at, name] of readSlots("block")) {
    assertEquals(shown.get(at), undefined, `slot ${at} is read by ${name} too`);
    shown.set(at, name);
  }
  const missing = (Object.keys(slot) as (keyof typeof slot)[]).filter((name) =>
    Array.from({ length: slotWidths[name] }).some((_, index) => !shown.has(slot[name] + index))
  );
  assertEquals(missing, unshownOfBlock);
});

Deno.test("metric catalog, every slot of a thread is shown by exactly one metric", () => {
  const shown = readSlots("thread").map(([at]) => at);
  assertEquals(new Set(shown).size, shown.length);
  const missing = Object.entries(threadSlot).filter(([, at]) => !shown.includes(at));
  assertEquals(missing.map(([name]) => name), unshownOfThread);
});

/** One slot of a service, and the line that shows it. */
const lines: readonly (readonly [name: keyof typeof slot, line: string])[] = [
  ["ejections", "mesher_outlier_ejections_total"],
  ["queued", "mesher_requests_queued"],
  ["limit", "mesher_concurrency_limit"],
  ["breaker", "mesher_breaker_state"],
  ["panic", "mesher_panic"],
  ["budget", "mesher_retry_budget"],
  ["mirrored", "mesher_mirrored_requests_total"],
  ["delayed", "mesher_delayed_requests_total"],
  ["open", "mesher_requests_open"],
  ["resends", "mesher_resends_total"],
];

for (const [name, metric] of lines) {
  Deno.test(`metric catalog, ${name} of a service is ${metric}`, () => {
    const counters = new Float64Array(counterBytes / 8);
    const blocks = new BlockTable();
    assertEquals(blocks.blockOf("Shop"), firstServiceBlock);
    const base = blockBase(firstServiceBlock);
    counters[base + slot.requests] = 1;
    counters[base + slot[name]] = 7;
    const { text } = render({
      blocks,
      counter: (at) => counters[at]!,
      reader: { threads: 1, read: (_, at) => counters[at] },
      clusters: [],
      gauges: {},
    }, "");
    const line = `${metric}{direction="outbound",service="Shop"} 7`;
    assert(text.split("\n").includes(line), `${line} in\n${text}`);
  });
}
