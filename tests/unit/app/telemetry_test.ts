/** Records on their way into the access log and to the collector, as the configuration says and changes. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { Telemetry, type TelemetryOptions, tracesUrl } from "../../../lib/app/telemetry.ts";
import { blocks } from "../../../lib/plane/counters.ts";
import type { GaugeValues } from "../../../lib/control/telemetry/samples.ts";
import { createLogger } from "../../../lib/platform/logger.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { otlpTraces } from "../../support/otlp_schema.ts";
import { record } from "../../support/records.ts";
import { loadGood } from "../config/support.ts";

async function setUp(yaml: string, options: Partial<TelemetryOptions> = {}) {
  const clock = new FakeClock();
  let out = "";
  let log = "";
  const sent: { readonly url: string; readonly headers: Headers; readonly body: string }[] = [];
  const sink = (take: (text: string) => void) => ({
    write(bytes: Uint8Array) {
      take(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.length);
    },
  });
  const logger = createLogger({ level: "info", sink: sink((text) => log += text) });
  const telemetry = new Telemetry(await loadGood({ file: yaml }), {
    logger,
    clock,
    random: () => 0.5,
    fetch: (url, init) => {
      const body = new TextDecoder().decode(init?.body as Uint8Array);
      sent.push({ url, headers: new Headers(init?.headers), body });
      return Promise.resolve(new Response("{}"));
    },
    readFile: () => Promise.resolve(undefined),
    stdout: sink((text) => out += text),
    stats: () => ({ residentBytes: 7, cpuSeconds: 1.5, openFds: undefined, maxFds: 9 }),
    reader: { threads: 1, read: () => blocks.none },
    hostName: "vm-7",
    instance: "vm-7/42",
    version: "9.9.9",
    ...options,
  });
  return {
    clock,
    telemetry,
    sent,
    lines: () => out.split("\n").slice(0, -1),
    warnings: async () => {
      await logger.flush(1_000);
      return log.split("\n").slice(0, -1);
    },
    async end() {
      const closed = telemetry.close();
      await clock.advance(1_000);
      await closed;
      assertEquals(clock.sleeping, 0);
    },
  };
}

function valueOf(gauges: GaugeValues, name: keyof GaugeValues, label?: string): unknown {
  const value = gauges[name];
  if (typeof value !== "object") return value;
  return value.find(({ labels }) => Object.values(labels).includes(label!))?.value;
}

Deno.test("telemetry, off by default: nothing is asked of the data threads and nothing is written", async () => {
  const { telemetry, sent, lines, clock, end } = await setUp("{}");
  assertEquals(telemetry.wanted, { logShare: 0 });
  telemetry.records({ records: [record()], dropped: 2 });
  await clock.advance(10_000);
  assertEquals([sent.length, lines()], [0, []]);
  assertEquals(valueOf(telemetry.gauges(), "mesher_records_dropped_total", "requests"), 2);
  await end();
});

Deno.test("telemetry, an access log is lines on standard output", async () => {
  const { telemetry, lines, end } = await setUp(
    "access_log: {enabled: true, format: '%{status} %{path}', share_percent: 50}",
  );
  assertEquals(telemetry.wanted, { logShare: 0.5 });
  telemetry.records({ records: [record(), record({ logged: false })], dropped: 0 });
  await settle();
  assertEquals(lines(), ["200 /accounts/7"]);
  await end();
});

Deno.test("telemetry, an access log of no share at all still gets the failures", async () => {
  const { telemetry, lines, end } = await setUp(
    "access_log: {enabled: true, format: '%{status} %{code}', share_percent: 0}",
  );
  const { logShare } = telemetry.wanted;
  // More than none, which would tell the threads that there is no access log; less than what anybody draws.
  assert(logShare > 0 && logShare < 1e-300, `${logShare}`);
  const failed = record({ logged: false, status: 503, code: "no_endpoint" });
  telemetry.records({ records: [record({ logged: false }), failed], dropped: 0 });
  await settle();
  assertEquals(lines(), ["503 no_endpoint"]);
  await end();
});

Deno.test("telemetry, spans go to the collector with who sends them and the header fields of a file", async () => {
  const { telemetry, sent, clock, end } = await setUp(
    "{service: StoreWeb, ports: 80, app: shop, environment: testing, version: '1.2', " +
      "tracing: {endpoint: 'http://c:4318', sample_percent: 25, per_second: 7, propagate: [b3], headers_file: /keys}}",
    { readFile: (path) => Promise.resolve(path === "/keys" ? "X-Key: k" : undefined) },
  );
  assertEquals(telemetry.wanted, {
    logShare: 0,
    tracing: { share: 0.25, perSecond: 7, write: ["b3"] },
  });
  telemetry.records({ records: [record()], dropped: 0 });
  assertEquals(valueOf(telemetry.gauges(), "mesher_spans_waiting"), 2);
  await clock.advance(2_000);
  const [{ url, headers, body }] = sent as [typeof sent[0]];
  assertEquals([url, headers.get("x-key")], ["http://c:4318/v1/traces", "k"]);
  const { resource } = otlpTraces.parse(JSON.parse(body)).resourceSpans[0]!;
  assertEquals(
    Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value.stringValue])),
    {
      "service.name": "StoreWeb",
      "service.version": "1.2",
      "service.instance.id": "vm-7/42",
      "service.namespace": "shop",
      "deployment.environment.name": "testing",
      "host.name": "vm-7",
    },
  );
  assertEquals(valueOf(telemetry.gauges(), "mesher_spans_sent_total"), 2);
  await end();
});

Deno.test("telemetry, a file of header fields that is not there is told of, and the spans wait", async () => {
  const { telemetry, sent, clock, warnings, end } = await setUp(
    "tracing: {endpoint: 'http://c:4318', headers_file: /keys}",
  );
  telemetry.records({ records: [record()], dropped: 0 });
  await clock.advance(2_500);
  assertEquals(sent.length, 0);
  const [line = ""] = await warnings();
  assertMatch(line, /they wait reason="tracing\.headers_file \/keys: there is no such file"/);
  await end();
  assertEquals(valueOf(telemetry.gauges(), "mesher_spans_dropped_total", "unreachable"), 2);
});

Deno.test("telemetry, a changed configuration goes on counting where the old one ended", async () => {
  const { telemetry, sent, clock, lines, end } = await setUp(
    "{tracing: {endpoint: 'http://old:4318'}, access_log: {enabled: true}}",
  );
  telemetry.records({ records: [record()], dropped: 0 });
  await clock.advance(2_000);
  telemetry.records({ records: [record()], dropped: 0 });
  telemetry.apply(
    await loadGood({
      file: "{tracing: {endpoint: 'http://new:9411', format: zipkin}, " +
        "access_log: {enabled: true, format: '%{path}'}}",
    }),
  );
  telemetry.records({ records: [record()], dropped: 0 });
  // What waited for the old collector goes to it, at once.
  await settle();
  await clock.advance(2_000);
  assertEquals(sent.map(({ url }) => url), [
    "http://old:4318/v1/traces",
    "http://old:4318/v1/traces",
    "http://new:9411/api/v2/spans",
  ]);
  assertEquals(valueOf(telemetry.gauges(), "mesher_spans_sent_total"), 6);
  assertEquals(lines().length, 3);
  assertEquals(lines()[2], "/accounts/7");
  telemetry.apply(await loadGood({ file: "{}" }));
  assertEquals(telemetry.wanted, { logShare: 0 });
  await end();
  assertEquals(valueOf(telemetry.gauges(), "mesher_spans_sent_total"), 6);
});

Deno.test("telemetry, a standard output that is stuck costs lines that are counted, and one warning", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const written: number[] = [];
  const { telemetry, warnings, end } = await setUp("access_log: {enabled: true}", {
    stdout: {
      async write(bytes) {
        await promise;
        written.push(bytes.length);
        return bytes.length;
      },
    },
  });
  const batch = { records: Array.from({ length: 5_000 }, () => record()), dropped: 0 };
  telemetry.records(batch);
  telemetry.records(batch);
  await settle();
  const dropped = valueOf(telemetry.gauges(), "mesher_access_log_lines_dropped_total") as number;
  assert(dropped > 0 && dropped < 10_000, String(dropped));
  resolve();
  await settle();
  assertEquals((await warnings()).length, 1);
  assertMatch((await warnings())[0]!, new RegExp(`access log were dropped.* lines=${dropped}$`));
  assert(written.reduce((sum, bytes) => sum + bytes, 0) < 1.1 * 1024 * 1024);
  await end();
});

Deno.test("telemetry, shows the process, the loops and what was dropped", async () => {
  const { telemetry, clock, end } = await setUp("{}");
  await clock.advance(3_000);
  telemetry.failures({ failures: [], dropped: 3 });
  const gauges = telemetry.gauges();
  assertEquals([
    valueOf(gauges, "process_resident_memory_bytes"),
    valueOf(gauges, "process_cpu_seconds_total"),
    valueOf(gauges, "process_open_fds"),
    valueOf(gauges, "process_max_fds"),
    valueOf(gauges, "mesher_data_thread_turn_age_seconds", "0"),
    valueOf(gauges, "mesher_control_loop_delay_seconds"),
    valueOf(gauges, "mesher_records_dropped_total", "failures"),
  ], [7, 1.5, undefined, 9, 3, 0, 3]);
  await end();
});

const urls: readonly (readonly [endpoint: string, format: "otlp" | "zipkin", url: string])[] = [
  ["http://c:4318", "otlp", "http://c:4318/v1/traces"],
  ["http://c:4318/", "otlp", "http://c:4318/v1/traces"],
  ["https://c/otlp/v1/traces?a=1", "otlp", "https://c/otlp/v1/traces?a=1"],
  ["http://z:9411", "zipkin", "http://z:9411/api/v2/spans"],
];
for (const [endpoint, format, url] of urls) {
  Deno.test(`telemetry, ${format} to ${endpoint} is sent to ${url}`, () => {
    assertEquals(tracesUrl(endpoint, format), url);
  });
}
