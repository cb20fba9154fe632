/** Spans of real sidecars: what reaches a collector, and that one which hangs or is away costs nobody anything. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { deadPort } from "../support/ask.ts";
import { medianOf, timeOf } from "../support/measured.ts";
import { type Lab, until } from "../support/process.ts";
import { callOnce, ProxyClient, serveApp } from "../support/process_http.ts";
import {
  adminGet,
  metric,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "../support/process_mesher.ts";
import { type ReceivedSpan, Receiver } from "../support/process_spans.ts";
import { processStory } from "../support/process_story.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

interface Scene {
  readonly provider: SidecarProcess;
  readonly consumer: SidecarProcess;
}

/** StoreWeb calls AccountService; both send all their spans to the collector. */
async function startScene(lab: Lab, collector: string): Promise<Scene> {
  const registry = await startRegistry(lab);
  const app = serveApp(lab, () => new Response("ok"));
  const env = {
    REGISTRY: registry.url,
    TRACING_ENDPOINT: collector,
    TRACING_SAMPLE_PERCENT: "100",
    TRACING_PER_SECOND: "0",
  };
  const provider = await startSidecar(lab, {
    name: "provider",
    env: { ...env, SERVICE: "AccountService", PORTS: `rest:${app}` },
  });
  const consumer = await startSidecar(lab, {
    name: "consumer",
    env: { ...env, SERVICE: "StoreWeb", PORTS: `rest:${app}` },
  });
  await untilRegistered(provider);
  return { provider, consumer };
}

/** The spans of one trace, from the caller's down. Errors: when they are no chain. */
function chainOf(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] {
  const chain: ReceivedSpan[] = [];
  const ids = new Set(spans.map((span) => span.spanId));
  let next = spans.find(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
  while (next !== undefined) {
    const { spanId } = next;
    chain.push(next);
    next = spans.find(({ parentSpanId }) => parentSpanId === spanId);
  }
  assertEquals(chain.length, spans.length);
  return chain;
}

processStory("tracing, spans of two sidecars are one trace at the collector", async (lab) => {
  const receiver = new Receiver(lab);
  const { consumer } = await startScene(lab, receiver.url);
  const call = (fields: readonly string[]) =>
    callOnce(consumer.outbound, "http://AccountService/balance?secret=1", { fields });
  assertEquals((await call([])).status, 200);
  const fields = [`traceparent: 00-${traceId}-${spanId}-01`, "tracestate: a=1"];
  assertEquals((await call(fields)).status, 200);
  const all = await receiver.until((spans) => spans.length >= 8, "the spans of two calls");
  assertEquals([all.length, receiver.complaints], [8, []]);
  const byTrace = Map.groupBy(all, (span) => span.traceId);
  assertEquals(byTrace.size, 2);
  for (const [id, spans] of byTrace) {
    const chain = chainOf(spans);
    assertEquals(chain.map(({ from, kind, name, failed }) => [from, kind, name, failed]), [
      ["StoreWeb", "internal", "GET", false],
      ["StoreWeb", "client", "GET", false],
      ["AccountService", "server", "GET", false],
      ["AccountService", "client", "GET", false],
    ]);
    assertEquals(chain[0]!.parentSpanId, id === traceId ? spanId : undefined);
    const state = id === traceId ? "a=1" : undefined;
    assertEquals(chain.map((span) => span.state), [state, state, state, state]);
    for (const span of chain) {
      const { attributes } = span;
      assertEquals(attributes["http.request.method"], "GET");
      assertEquals(attributes["http.response.status_code"], 200);
      assert(span.endNs >= span.startNs && span.endNs - span.startNs < 10_000_000_000n);
    }
    const [outer, attempt, server] = chain as [ReceivedSpan, ReceivedSpan, ReceivedSpan];
    assertEquals(outer.attributes["url.path"], "/balance");
    assertEquals(attempt.attributes["peer.service"], "AccountService");
    assertEquals(server.attributes["mesher.caller"], "StoreWeb");
    assertEquals(server.attributes["server.address"], "AccountService");
  }
  const seen = JSON.stringify(all, (_, value) => typeof value === "bigint" ? `${value}` : value);
  assert(!seen.includes("secret"), seen);
  // Its collector has them before it hears that they have come.
  await until(
    async () => await metric(consumer, "mesher_spans_sent_total") === 4 || undefined,
    "the count of spans that were sent",
  );
});

processStory("tracing, the last spans go out when the sidecar ends", async (lab) => {
  const receiver = new Receiver(lab);
  const { consumer } = await startScene(lab, receiver.url);
  assertEquals((await callOnce(consumer.outbound, "http://AccountService/last")).status, 200);
  consumer.process.signal("SIGTERM");
  assertEquals(await consumer.process.exited(), 0);
  const own = receiver.spans.filter(({ from }) => from === "StoreWeb");
  assertEquals(own.map(({ attributes }) => attributes["url.path"] ?? attributes["url.full"]), [
    "/last",
    "http://AccountService/last",
  ]);
});

processStory("tracing, a failure is a failed span with its words", async (lab) => {
  const receiver = new Receiver(lab);
  const { consumer } = await startScene(lab, receiver.url);
  assertEquals((await callOnce(consumer.outbound, "http://NobodyService/")).status, 503);
  // It goes out at once instead of being gathered with others.
  consumer.process.signal("SIGTERM");
  const [span] = await receiver.until((spans) => spans.length > 0, "the span");
  assertEquals(
    [span!.failed, span!.attributes["error.type"], span!.attributes["mesher.attempts"]],
    [
      true,
      "service_unknown",
      0,
    ],
  );
  assertEquals(receiver.complaints, []);
});

/** Makes calls on several connections at a time. Shape: what is usual for one of them. Units: milliseconds. */
async function callMany(sidecar: SidecarProcess, count: number): Promise<number> {
  let left = count;
  const tookMs: number[] = [];
  await Promise.all(Array.from({ length: 8 }, async () => {
    const client = new ProxyClient(sidecar.outbound);
    while (left-- > 0) {
      tookMs.push(
        await timeOf(async () => {
          assertEquals((await client.call("GET", "http://AccountService/")).status, 200);
        }),
      );
    }
    client.close();
  }));
  return medianOf(tookMs);
}

const silences: readonly {
  readonly title: string;
  readonly collector: (lab: Lab) => { readonly url: string; readonly posts: () => number };
}[] = [
  {
    title: "that never answers",
    collector: (lab) => {
      const receiver = new Receiver(lab);
      const release = Promise.withResolvers<void>();
      receiver.held = release.promise;
      lab.defer(() => release.resolve());
      return { url: receiver.url, posts: () => receiver.posts };
    },
  },
  {
    title: "that is not there",
    collector: () => ({ url: `http://127.0.0.1:${deadPort()}`, posts: () => 0 }),
  },
];

for (const { collector, title } of silences) {
  processStory(
    `tracing, a collector ${title} holds up nothing; what is too much is counted`,
    async (lab) => {
      const { url, posts } = collector(lab);
      const { consumer } = await startScene(lab, url);
      const firstMs = await callMany(consumer, 50);
      const beforeBytes = consumer.process.rssBytes;
      const usualMs = await callMany(consumer, 3_000);
      assert(usualMs < 100 + 10 * firstMs, `calls took ${firstMs} ms at first, then ${usualMs} ms`);
      // Two spans a call; a batch that is on its way and the queue behind it have room for some. The last ones come
      // from the data threads a moment after their calls.
      let waiting = 0, dropped = 0;
      await until(async () => {
        const { text } = await adminGet(consumer, "/metrics");
        const figure = (name: string) =>
          Number(text.split("\n").find((line) => line.startsWith(`${name} `))?.split(" ")[1] ?? 0);
        waiting = figure("mesher_spans_waiting");
        dropped = figure('mesher_spans_dropped_total{reason="queue_full"}');
        return waiting + dropped === 2 * 3_050 || undefined;
      }, () => `all spans to be accounted for; ${waiting} wait, ${dropped} were dropped`);
      assert(dropped > 1_000 && waiting <= 4_096 + 512, `${waiting} wait, ${dropped} were dropped`);
      assertEquals(await metric(consumer, "mesher_spans_sent_total"), 0);
      assert(posts() <= 3, `${posts()} requests`);
      const grownMb = (consumer.process.rssBytes - beforeBytes) / 2 ** 20;
      assert(grownMb < 150, `${grownMb} MB more`);
      const endingAt = performance.now();
      consumer.process.signal("SIGTERM");
      assertEquals(await consumer.process.exited(), 0);
      assert(performance.now() - endingAt < 15_000, "the end was held up");
      assertMatch(await consumer.process.errors(), /collector takes no spans just now/);
    },
  );
}
