/** The metrics text, from counters written by hand. */
import { assert, assertEquals } from "@test/assert";
import { BlockTable } from "../../../../lib/control/telemetry/blocks.ts";
import { type Gauge, prometheusText } from "../../../../lib/control/telemetry/prometheus.ts";
import { failureCodes } from "../../../../lib/core/errors.ts";
import {
  blockBase,
  blocks,
  counterBytes,
  firstServiceBlock,
  latencyBounds,
  maxBlocks,
  slot,
  threadSlot,
} from "../../../../lib/plane/counters.ts";

function setUp(gauges: readonly Gauge[] = []) {
  const counters = new Float64Array(counterBytes / 8);
  const table = new BlockTable();
  const text = () =>
    prometheusText({ blocks: table, counter: (at) => counters[at]!, gauges }).split("\n");
  return { counters, table, text };
}

Deno.test("metrics, a service without requests has no series", () => {
  const { table, text } = setUp();
  table.blockOf("Cart");
  assertEquals(text().filter((line) => line.includes("Cart")), []);
});

Deno.test("metrics, requests by class, failures by code, attempts and open requests", () => {
  const { counters, table, text } = setUp();
  const base = blockBase(table.blockOf("Cart"));
  counters[base + slot.requests] = 7;
  counters[base + slot.status + 1] = 5;
  counters[base + slot.status + 4] = 2;
  counters[base + slot.failure + failureCodes.indexOf("connect_refused")] = 2;
  counters[base + slot.attempts] = 9;
  counters[base + slot.open] = 1;
  const lines = text();
  for (
    const expected of [
      'mesher_requests_total{direction="outbound",service="Cart",status="2xx"} 5',
      'mesher_requests_total{direction="outbound",service="Cart",status="5xx"} 2',
      'mesher_failures_total{direction="outbound",service="Cart",code="connect_refused"} 2',
      'mesher_attempts_total{direction="outbound",service="Cart"} 9',
      'mesher_requests_open{direction="outbound",service="Cart"} 1',
    ]
  ) assert(lines.includes(expected), expected);
});

Deno.test("metrics, the histogram is cumulative and ends in the count", () => {
  const { counters, text } = setUp();
  const base = blockBase(blocks.inbound);
  counters[base + slot.requests] = 6;
  counters[base + slot.latency] = 1;
  counters[base + slot.latency + 3] = 2;
  counters[base + slot.latencyCount] = 6;
  counters[base + slot.latencySum] = 0.5;
  const buckets = text().filter((line) => line.includes("_bucket{")).map((line) =>
    Number(line.split(" ").at(-1))
  );
  assertEquals(buckets.length, latencyBounds.length + 1);
  assertEquals([buckets[0], buckets[2], buckets[3], buckets.at(-2), buckets.at(-1)], [
    1,
    1,
    3,
    3,
    6,
  ]);
});

Deno.test("metrics, thread counters and gauges, with labels escaped", () => {
  const { counters, text } = setUp([{
    name: "mesher_endpoints",
    help: "Endpoints.",
    type: "gauge",
    values: [{ labels: { service: 'a"b\\c\nd' }, value: 3 }],
  }]);
  counters[threadSlot.clientsAccepted] = 12;
  const lines = text();
  assert(lines.includes("mesher_client_connections_total 12"));
  assert(lines.includes('mesher_endpoints{service="a\\"b\\\\c\\nd"} 3'));
});

Deno.test("metrics, every family has one HELP and one TYPE line before its samples", () => {
  const { counters, table, text } = setUp();
  counters[blockBase(table.blockOf("Cart")) + slot.requests] = 1;
  const seen = new Set<string>();
  let current = "";
  for (const line of text().filter((each) => each !== "")) {
    if (line.startsWith("# HELP ")) {
      current = line.split(" ")[2]!;
      assert(!seen.has(current), current);
      seen.add(current);
    } else if (!line.startsWith("# TYPE ")) {
      assert(line.startsWith(current), `${line} under ${current}`);
    }
  }
  assert(seen.size > 10);
});

Deno.test("counter blocks, one per service, the same again, and the rest share the first", () => {
  const table = new BlockTable();
  assertEquals(table.blockOf("a"), firstServiceBlock);
  assertEquals(table.blockOf("b"), firstServiceBlock + 1);
  assertEquals(table.blockOf("a"), firstServiceBlock);
  for (let index = 0; index < maxBlocks; index++) table.blockOf(`s${index}`);
  assertEquals(table.blockOf("one too many"), blocks.none);
  assertEquals(table.entries().length, maxBlocks);
});
