/** Spans that wait for the collector, in batches with bounds. */
import { assert, assertEquals } from "@test/assert";
import { SpanBatches } from "../../../../lib/control/telemetry/span_batches.ts";
import { otlpTraces } from "../../../support/otlp_schema.ts";
import { record } from "../../../support/records.ts";

function setUp(maxWaiting: number, maxBatch: number): SpanBatches {
  const resource = { service: "s", version: "1", instance: "i", namespace: "n" };
  return new SpanBatches({
    format: "otlp",
    resource: { ...resource, environment: "", host: "h", mesherVersion: "0" },
    maxWaiting,
    maxBatch,
  });
}

function spansIn(body: Uint8Array): number {
  const { resourceSpans } = otlpTraces.parse(JSON.parse(new TextDecoder().decode(body)));
  return resourceSpans[0]!.scopeSpans[0]!.spans.length;
}

Deno.test("span batches, the spans of a record stay together, and every batch is whole", () => {
  const batches = setUp(100, 3);
  assertEquals([batches.take(), batches.hasFull], [undefined, false]);
  for (let count = 0; count < 5; count++) assert(batches.add(record(), 2));
  assertEquals([batches.spans, batches.hasFull], [10, true]);
  const taken = [batches.take()!, batches.take()!, batches.take()!];
  assertEquals(taken.map(({ spans, body }) => [spans, spansIn(body)]), [[4, 4], [4, 4], [2, 2]]);
  assertEquals([batches.spans, batches.hasFull, batches.take()], [0, false, undefined]);
});

Deno.test("span batches, a record whose spans do not all fit leaves none behind", () => {
  const batches = setUp(3, 10);
  assertEquals([batches.add(record(), 2), batches.add(record(), 2)], [true, false]);
  assertEquals([batches.spans, spansIn(batches.take()!.body)], [2, 2]);
  assertEquals(batches.add(record(), 2), true);
});

Deno.test("span batches, long paths fill a batch and the whole by their bytes", () => {
  const batches = setUp(1e6, 1e6);
  const long = record({ path: `/${"p".repeat(60_000)}` });
  let taken = 0;
  while (batches.add(long, 2)) taken++;
  assert(taken > 50 && taken < 200, `${taken}`);
  let bytes = 0;
  let spans = 0;
  for (let batch = batches.take(); batch !== undefined; batch = batches.take()) {
    assert(batch.body.length < 1024 * 1024, `${batch.body.length}`);
    bytes += batch.body.length;
    spans += batch.spans;
  }
  assertEquals(spans, taken * 2);
  assert(bytes < 17 * 1024 * 1024, `${bytes}`);
  assert(batches.add(long, 2));
});
