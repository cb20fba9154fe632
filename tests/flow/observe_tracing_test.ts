/** Traces from a caller through two sidecars to the application: every span has the parent that called it. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask } from "../support/ask.ts";
import { Instance } from "../support/instance.ts";
import { onlyRecord, watch } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { startMesh, tellsOfTrace, type Told, toldBy } from "../support/tracing.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const shortId = "8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const tracing = { share: 1, perSecond: 0, write: ["w3c"] } as const;

const callers: readonly {
  readonly title: string;
  readonly fields: readonly string[];
  /** Undefined: a trace of its own. */
  readonly continues: string | undefined;
  readonly formats: readonly Told["format"][];
  readonly write?: readonly Told["format"][];
  readonly decision: readonly string[];
}[] = [
  {
    title: "without a trace",
    fields: [],
    continues: undefined,
    formats: ["w3c"],
    decision: ["01"],
  },
  {
    title: "without a trace, written in every format",
    fields: [],
    continues: undefined,
    write: ["w3c", "b3", "b3multi"],
    formats: ["w3c", "b3", "b3multi"],
    decision: ["01", "1", "1"],
  },
  {
    title: "with W3C",
    fields: [`traceparent: 00-${traceId}-${spanId}-01`, "tracestate: a=1", "tracestate: b=2"],
    continues: traceId,
    formats: ["w3c"],
    write: ["b3"],
    decision: ["01"],
  },
  {
    title: "with B3 in one field",
    fields: [`b3: ${traceId}-${spanId}-1`],
    continues: traceId,
    formats: ["b3"],
    decision: ["1"],
  },
  {
    title: "with B3 of 64 bits",
    fields: [`b3: ${shortId}-${spanId}-1-05e3ac9a4f6e3b90`],
    continues: shortId,
    formats: ["b3"],
    decision: ["1"],
  },
  {
    title: "with B3 in many fields",
    fields: [`X-B3-TraceId: ${traceId}`, `X-B3-SpanId: ${spanId}`, "X-B3-Sampled: 1"],
    continues: traceId,
    formats: ["b3multi"],
    decision: ["1"],
  },
  {
    title: "with both, W3C decides and both go on",
    fields: [
      `traceparent: 00-${traceId}-${spanId}-01`,
      `b3: ${"1".repeat(32)}-${"2".repeat(16)}-1`,
    ],
    continues: traceId,
    formats: ["w3c", "b3"],
    decision: ["01", "1"],
  },
  {
    title: "with a trace that is not valid",
    fields: [`traceparent: 00-${"0".repeat(32)}-${spanId}-01`],
    continues: undefined,
    formats: ["w3c"],
    decision: ["01"],
  },
];

for (const { continues, decision, fields, formats, title, write } of callers) {
  onBothNets(`tracing, a caller ${title}`, async (net) => {
    await using mesh = await startMesh(net, { write });
    const head = await mesh.call({ method: "POST", body: "order", fields });
    const [outer, inner] = (await mesh.records(1))[0]!;
    const id = outer.trace!.traceId;
    if (continues !== undefined) assertEquals(id, continues.padStart(32, "0"));
    assertEquals(inner.trace!.traceId, id);
    // From the caller down to the application each span is the child of the one above it.
    assertEquals(outer.trace!.parentId, continues === undefined ? undefined : spanId);
    assertEquals(inner.trace!.parentId, outer.attempts[0]!.spanId);
    const told = toldBy(head);
    assertEquals(told.map(({ format }) => format), formats);
    assertEquals(told.map(({ decision }) => decision), decision);
    for (const each of told) {
      assertEquals(each.traceId, each.format === "w3c" ? id : continues ?? id);
      assertEquals(each.spanId, inner.attempts[0]!.spanId);
      assert([undefined, inner.trace!.spanId].includes(each.parentId));
    }
    const spans = [outer.trace!, outer.attempts[0]!, inner.trace!, inner.attempts[0]!];
    assertEquals(new Set(spans.map((span) => span.spanId)).size, 4);
    for (const span of spans) assertMatch(span.spanId!, /^(?!0{16})[0-9a-f]{16}$/);
  });
}

onBothNets(
  "tracing, the state of a W3C trace goes through both and into the records",
  async (net) => {
    await using mesh = await startMesh(net);
    const head = await mesh.call({
      fields: [
        `traceparent: 00-${traceId}-${spanId}-01`,
        "tracestate: a=1",
        "X-Other: x",
        "tracestate: b=2,c=3",
      ],
    });
    assertEquals(head.match(/^tracestate: .*\r$/gim), [
      "tracestate: a=1\r",
      "tracestate: b=2,c=3\r",
    ]);
    const [outer, inner] = (await mesh.records(1))[0]!;
    assertEquals([outer.trace!.state, inner.trace!.state], ["a=1,b=2,c=3", "a=1,b=2,c=3"]);
  },
);

const unsampled: readonly { readonly title: string; readonly fields: readonly string[] }[] = [
  { title: "W3C", fields: [`traceparent: 00-${traceId}-${spanId}-00`, "tracestate: a=1"] },
  { title: "B3 in one field", fields: [`b3: ${traceId}-${spanId}-0`] },
  { title: "the bare refusal of B3", fields: ["b3: 0"] },
  {
    title: "B3 in many fields",
    fields: [`X-B3-TraceId: ${traceId}`, `X-B3-SpanId: ${spanId}`, "X-B3-Sampled: 0"],
  },
];

for (const { fields, title } of unsampled) {
  onBothNets(`tracing, a caller that wants nothing recorded: ${title}`, async (net) => {
    await using mesh = await startMesh(net);
    const head = await mesh.call({ fields });
    for (const line of fields) assert(head.includes(`\r\n${line}\r\n`), head);
    await mesh.call({ path: "/recorded" });
    assertEquals((await mesh.records(1)).map(([record]) => record.path), ["/recorded"]);
  });
}

onBothNets(
  "tracing, what this side does not sample the other side does not either",
  async (net) => {
    await using mesh = await startMesh(net, { consumer: { share: 0 } });
    const [told] = toldBy(await mesh.call());
    assertEquals([told!.format, told!.decision], ["w3c", "00"]);
    await watch(mesh.consumer, { logShare: 0, taps: [], tracing });
    await mesh.call({ path: "/sampled" });
    const both = (await mesh.records(1)).map((pair) => pair.map(({ path }) => path));
    assertEquals(both, [["/sampled", "/sampled"]]);
  },
);

onBothNets(
  "tracing, off: nothing is added, and what the caller sends goes on as it came",
  async (net) => {
    await using mesh = await startMesh(net, { consumer: "off", provider: "off" });
    assertEquals(tellsOfTrace(await mesh.call()), false);
    const fields = [
      `TraceParent:  00-${traceId}-${spanId}-01`,
      "tracestate: a=1",
      "b3: 0",
      `X-B3-TraceId: ${traceId}`,
    ];
    const head = await mesh.call({ fields });
    for (const line of fields) assert(head.includes(`\r\n${line}\r\n`), head);
  },
);

onBothNets(
  "tracing, off on the caller's side: the provider's sidecar begins the trace",
  async (net) => {
    await using mesh = await startMesh(net, { consumer: "off" });
    const [told] = toldBy(await mesh.call());
    const record = await onlyRecord(mesh.provider);
    assertEquals(
      [record.trace!.traceId, record.trace!.parentId, record.attempts[0]!.spanId],
      [told!.traceId, undefined, told!.spanId],
    );
  },
);

onBothNets(
  "tracing, hosts outside learn of a trace only from callers that send one",
  async (net) => {
    await using app = await Instance.start("outside");
    await using plane = await startPlane({ net });
    await watch(plane, { logShare: 0, taps: [], tracing });
    const host = `127.0.0.1:${app.port}`;
    assertEquals((await ask(plane, host)).status, 200);
    assertEquals(tellsOfTrace(app.arrivals[0]!.head), false);
    // It is recorded all the same.
    const record = await onlyRecord(plane);
    assertMatch(record.attempts[0]!.spanId!, /^[0-9a-f]{16}$/);
    await ask(plane, host, { fields: [`traceparent: 00-${traceId}-${spanId}-01`] });
    const [told] = toldBy(app.arrivals[1]!.head);
    assertEquals([told!.traceId, told!.decision], [traceId, "01"]);
    assert(told!.spanId !== spanId);
  },
);
