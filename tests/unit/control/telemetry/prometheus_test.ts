/** The metrics text, from counters written by hand. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { BlockTable } from "../../../../lib/control/telemetry/blocks.ts";
import { catalog } from "../../../../lib/control/telemetry/catalog.ts";
import { chooseFormat, render } from "../../../../lib/control/telemetry/prometheus.ts";
import { floatText, type GaugeValues } from "../../../../lib/control/telemetry/samples.ts";
import { failureCodes } from "../../../../lib/core/errors.ts";
import {
  blockBase,
  blocks,
  counterBytes,
  endpointBase,
  endpointSlot,
  endpointStates,
  firstServiceBlock,
  latencyBounds,
  maxBlocks,
  ownBounds,
  slot,
  threadSlot,
} from "../../../../lib/plane/counters.ts";
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";

const openMetrics = "application/openmetrics-text; version=1.0.0";

interface Given {
  readonly gauges?: GaugeValues;
  readonly clusters?: readonly ClusterSnapshot[];
  readonly threads?: number;
}

/** The counters of two threads, where a test does not say otherwise. */
function setUp({ gauges = {}, clusters = [], threads = 2 }: Given = {}) {
  const all = Array.from({ length: threads }, () => new Float64Array(counterBytes / 8));
  const table = new BlockTable();
  const input = {
    blocks: table,
    counter: (at: number) => all.reduce((sum, counters) => sum + counters[at]!, 0),
    reader: { threads, read: (thread: number, at: number) => all[thread]?.[at] },
    clusters,
    gauges,
  };
  const lines = (accept = "", maxSeries?: number) =>
    render(input, accept, maxSeries === undefined ? {} : { maxSeries }).text.split("\n");
  return { counters: all[0]!, other: all[1]!, table, lines, input };
}

function cluster(service: string, slots: readonly (number | undefined)[]): ClusterSnapshot {
  return {
    service,
    block: 0,
    unusable: [],
    endpoints: slots.map((slot, index) => ({
      host: "10.0.0.1",
      port: 8000 + index,
      instanceId: `i${index}`,
      version: "1.0.0",
      mesher: false,
      ...(slot === undefined ? {} : { slot }),
    })),
  };
}

function assertLines(lines: readonly string[], expected: readonly string[]): void {
  for (const line of expected) {
    assert(lines.includes(line), `${line}\nis not in\n${lines.join("\n")}`);
  }
}

Deno.test("metrics, a service without requests has no series", () => {
  const { table, lines } = setUp();
  table.blockOf("Cart");
  assertEquals(lines().filter((line) => line.includes("Cart")), []);
});

Deno.test("metrics, requests by class, failures by code, attempts and open requests", () => {
  const { counters, other, table, lines } = setUp();
  const base = blockBase(table.blockOf("Cart"));
  counters[base + slot.requests] = 7;
  counters[base + slot.status + 1] = 4;
  other[base + slot.status + 1] = 1;
  counters[base + slot.status + 4] = 2;
  counters[base + slot.failure + failureCodes.indexOf("connect_refused")] = 2;
  counters[base + slot.attempts] = 9;
  counters[base + slot.open] = 1;
  counters[base + slot.budget] = 2.5;
  counters[base + slot.breaker] = 1;
  other[base + slot.breaker] = 1;
  const text = lines();
  assertLines(text, [
    'mesher_requests_total{direction="outbound",service="Cart",status="2xx"} 5',
    'mesher_requests_total{direction="outbound",service="Cart",status="4xx"} 0',
    'mesher_requests_total{direction="outbound",service="Cart",status="5xx"} 2',
    'mesher_failures_total{direction="outbound",service="Cart",code="connect_refused"} 2',
    'mesher_attempts_total{direction="outbound",service="Cart"} 9',
    'mesher_requests_open{direction="outbound",service="Cart"} 1',
    'mesher_retry_budget{direction="outbound",service="Cart"} 2.5',
    'mesher_breaker_state{direction="outbound",service="Cart"} 1',
  ]);
  assertEquals(text.filter((line) => line.includes('code="')).length, 1);
});

Deno.test("metrics, a failure that opened no account is shown all the same", () => {
  const { counters, lines } = setUp();
  counters[blockBase(blocks.none) + slot.failure + failureCodes.indexOf("request_malformed")] = 1;
  assertLines(lines(), [
    'mesher_failures_total{direction="outbound",service="",code="request_malformed"} 1',
  ]);
});

const histograms = [
  ["mesher_request_duration_seconds", latencyBounds, slot.latency],
  ["mesher_first_byte_seconds", latencyBounds, slot.firstByte],
  ["mesher_added_seconds", ownBounds, slot.own],
] as const;

for (const [name, bounds, first] of histograms) {
  Deno.test(`metrics, the histogram ${name} is cumulative and ends in the count`, () => {
    const { counters, lines } = setUp();
    const base = blockBase(blocks.inbound);
    counters[base + slot.requests] = 6;
    counters[base + first] = 1;
    counters[base + first + 3] = 2;
    counters[base + first - 1] = 6;
    counters[base + first - 2] = 0.5;
    const text = lines();
    const buckets = text.filter((line) => line.startsWith(`${name}_bucket{`)).map((line) =>
      Number(line.split(" ").at(-1))
    );
    assertEquals(buckets.length, bounds.length + 1);
    assertEquals(
      [buckets[0], buckets[2], buckets[3], buckets.at(-2), buckets.at(-1)],
      [1, 1, 3, 3, 6],
    );
    const labels = '{direction="inbound",service=""}';
    assertLines(text, [`${name}_sum${labels} 0.5`, `${name}_count${labels} 6`]);
  });
}

Deno.test("metrics, a bucket that is counted while it is read never runs over the count", () => {
  const { counters, lines } = setUp();
  const base = blockBase(blocks.inbound);
  counters[base + slot.requests] = 1;
  counters[base + slot.latency] = 2;
  counters[base + slot.latencyCount] = 1;
  const buckets = lines().filter((line) => line.startsWith("mesher_request_duration_seconds_b"));
  assert(buckets.length > 0 && buckets.every((line) => line.endsWith(" 1")));
});

Deno.test("metrics, thread counters and gauges, with labels escaped", () => {
  const { counters, lines } = setUp({
    gauges: {
      mesher_endpoints_unusable: [{ labels: { service: 'a"b\\c\nd' }, value: 3 }],
      mesher_registry_up: 1,
      mesher_registered: undefined,
    },
  });
  counters[threadSlot.clientsAccepted] = 12;
  const text = lines();
  assertLines(text, [
    "mesher_client_connections_total 12",
    'mesher_endpoints_unusable{service="a\\"b\\\\c\\nd"} 3',
    "mesher_registry_up 1",
  ]);
  assert(!text.some((line) => line.includes("mesher_registered")));
});

Deno.test("metrics, endpoints by the worst state that any thread sees, and none healthy is a 0", () => {
  const { counters, other, lines } = setUp({
    clusters: [cluster("Cart", [0, 1, 2, undefined]), cluster("Empty", [])],
  });
  const state = (name: typeof endpointStates[number]) => endpointStates.indexOf(name);
  counters[endpointBase(1) + endpointSlot.state] = state("ejected");
  other[endpointBase(1) + endpointSlot.state] = state("warming");
  other[endpointBase(2) + endpointSlot.state] = state("ejected");
  assertEquals(lines().filter((line) => line.startsWith("mesher_endpoints{")), [
    'mesher_endpoints{service="Cart",state="healthy"} 1',
    'mesher_endpoints{service="Cart",state="ejected"} 2',
    'mesher_endpoints{service="Cart",state="unknown"} 1',
    'mesher_endpoints{service="Empty",state="healthy"} 0',
  ]);
});

Deno.test("metrics, with too many series whole services are left out, the newest first, and counted", () => {
  const { counters, table, lines } = setUp({ clusters: [cluster("Two", [1])] });
  for (const service of ["One", "Two", "Three"]) {
    counters[blockBase(table.blockOf(service)) + slot.requests] = 1;
  }
  const full = lines().filter((line) => !line.startsWith("#") && line !== "");
  const ofThree = full.filter((line) => line.includes('"Three"')).length;
  const less = lines("", full.length - 1).filter((line) => !line.startsWith("#") && line !== "");
  assertEquals(less.length, full.length - ofThree);
  assertLines(less, [`mesher_metrics_series_left_out ${ofThree}`]);
  assertLines(full, ["mesher_metrics_series_left_out 0"]);
  const least = lines("", 1).filter((line) => !line.startsWith("#") && line !== "");
  assert(!least.some((line) => /service="[^"]/.test(line)));
  assertLines(least, ["mesher_client_connections_total 0"]);
});

for (const accept of ["", openMetrics]) {
  Deno.test(`metrics, every family has its words before its samples, asked for "${accept}"`, () => {
    const { counters, table, lines } = setUp({ gauges: { process_cpu_seconds_total: 1.5 } });
    counters[blockBase(table.blockOf("Cart")) + slot.requests] = 1;
    const seen = new Set<string>();
    let current = "";
    for (const line of lines(accept).filter((each) => each !== "" && each !== "# EOF")) {
      if (line.startsWith("# HELP ")) {
        current = line.split(" ")[2]!;
        assert(!seen.has(current), current);
        seen.add(current);
      } else if (line.startsWith("# ")) {
        assertMatch(line, new RegExp(`^# (TYPE|UNIT) ${current} `));
      } else {
        assert(line.startsWith(current), `${line} under ${current}`);
      }
    }
    assert(seen.size > 20);
  });
}

Deno.test("OpenMetrics, counters and infos are named by their family, units are told, the end is marked", () => {
  const { lines, input } = setUp({
    gauges: {
      process_cpu_seconds_total: 1.5,
      mesher_build_info: [{ labels: { version: "1", commit: "c", runtime: "deno" }, value: 1 }],
    },
  });
  const text = lines(openMetrics);
  assertLines(text, [
    "# TYPE process_cpu_seconds counter",
    "# UNIT process_cpu_seconds seconds",
    "process_cpu_seconds_total 1.5",
    "# TYPE mesher_build info",
    'mesher_build_info{version="1",commit="c",runtime="deno"} 1',
    "# TYPE mesher_spliced_bytes counter",
    "# UNIT mesher_spliced_bytes bytes",
  ]);
  assertEquals(text.slice(-2), ["# EOF", ""]);
  assertMatch(render(input, openMetrics).type, /^application\/openmetrics-text; version=1\.0\.0/);
  assertMatch(render(input, "*/*").type, /^text\/plain; version=0\.0\.4/);
  assertLines(lines(), [
    "# TYPE mesher_build_info gauge",
    "# TYPE process_cpu_seconds_total counter",
  ]);
});

const accepts: readonly (readonly [accept: string, format: "text" | "openmetrics"])[] = [
  ["", "text"],
  ["*/*", "text"],
  ["text/html, */*;q=0.1", "text"],
  ["application/openmetrics-text", "openmetrics"],
  ['Application/OpenMetrics-Text; Version="1.0.0"', "openmetrics"],
  ["application/openmetrics-text;version=2.0.0", "text"],
  ["application/openmetrics-text;q=0", "text"],
  ["application/openmetrics-text;q=0.3,text/plain;q=0.5", "text"],
  ["application/openmetrics-text;q=nonsense,text/plain;q=0.5", "text"],
  // As Prometheus sends it.
  [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "openmetrics",
  ],
];
for (const [accept, format] of accepts) {
  Deno.test(`metrics, whoever accepts "${accept}" gets ${format}`, () => {
    assertEquals(chooseFormat(accept), format);
  });
}

Deno.test("metric catalog, names follow the conventions and every label has a bound", () => {
  const names = catalog.map(({ name }) => name);
  // In OpenMetrics a family has its name without these endings.
  const families = names.map((name) => name.replace(/_(total|info)$/, ""));
  assertEquals(new Set(families).size, names.length);
  for (const { name, type, help, labels, unit } of catalog) {
    assertMatch(name, /^(mesher|process)_[a-z_]+$/);
    assertEquals(name.endsWith("_total"), type === "counter", name);
    assertEquals(name.endsWith("_info"), type === "info", name);
    if (type === "histogram") assertEquals(unit, "seconds", name);
    assertMatch(help, /^[^\\"\n]+\.$/, name);
    for (const [label, most] of Object.entries(labels)) {
      assertMatch(label, /^[a-z_]+$/);
      assert(most >= 1 && most <= maxBlocks, `${name} ${label}`);
    }
  }
});

Deno.test("metric catalog, no series has other labels or more label values than it says", () => {
  const { counters, table, input } = setUp({ clusters: [cluster("s1", [0, undefined])] });
  for (let index = 0; index < maxBlocks + 5; index++) {
    const base = blockBase(table.blockOf(`s${index}`));
    counters.fill(1, base, base + 128);
  }
  counters.fill(1, blockBase(blocks.inbound), blockBase(blocks.inbound) + 128);
  counters.fill(1, blockBase(blocks.outside), blockBase(blocks.outside) + 128);
  const { text } = render(input, "", { maxSeries: Infinity });
  const values = new Map<string, Set<string>>();
  for (const line of text.split("\n")) {
    const [, name, labels = ""] = /^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? /.exec(line) ??
      [];
    const metric = catalog.find((one) => one.name === name);
    if (metric === undefined) continue;
    const found = [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== "le");
    assertEquals(found.map(([, label]) => label), Object.keys(metric.labels), line);
    for (const [, label, value] of found) {
      const key = `${name} ${label}`;
      if (!values.has(key)) values.set(key, new Set());
      values.get(key)!.add(value!);
    }
  }
  assert(values.size > 20);
  for (const [key, seen] of values) {
    const [name, label] = key.split(" ");
    assert(seen.size <= catalog.find((one) => one.name === name)!.labels[label!]!, key);
  }
});

Deno.test("metric bounds, are written as both text formats have them", () => {
  const written = [0.00001, 0.000025, 0.0001, 0.25, 1, 2.5, 30].map(floatText);
  assertEquals(written, ["1e-05", "2.5e-05", "0.0001", "0.25", "1.0", "2.5", "30.0"]);
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
