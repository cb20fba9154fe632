/** The trace of one request: continued or begun, written in the caller's formats, a span for each attempt. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { Sampler } from "../../../../lib/data/trace/sampler.ts";
import {
  beginTrace,
  formatsOf,
  maxTraceBytes,
  type Trace,
} from "../../../../lib/data/trace/trace.ts";
import { TraceFields } from "../../../../lib/data/trace/trace_fields.ts";
import { seeded } from "../../../support/seeded.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const half = "8448eb211c80319c";
const span = "b7ad6b7169203331";
const parent = "05e3ac9a4f6e3b90";

type Field = readonly [name: string, value: string];

interface Given {
  readonly fields?: readonly Field[];
  readonly share?: number;
  readonly write?: readonly ("w3c" | "b3" | "b3multi")[];
  readonly seed?: number;
}

function begin({ fields = [], share = 1, write = ["w3c"], seed = 1 }: Given): Trace {
  const gathered = new TraceFields();
  for (const [name, value] of fields) gathered.add(name, value);
  const sampler = new Sampler({ share, perSecond: 0 });
  return beginTrace(gathered, formatsOf(write), { sampler, random: seeded(seed), nowMs: 0 });
}

/** A head as it is composed, with something before the lines. */
function compose(trace: Trace): { bytes: Uint8Array; lines: () => Record<string, string> } {
  const bytes = new Uint8Array(100 + maxTraceBytes);
  const end = trace.write(bytes, 100);
  assert(end <= bytes.length);
  return {
    bytes,
    lines: () => {
      const text = String.fromCharCode(...bytes.subarray(100, end));
      return Object.fromEntries(
        text.split("\r\n").slice(0, -1).map((line) => line.split(": ") as [string, string]),
      );
    },
  };
}

Deno.test("trace, a caller without one gets a new one, and each attempt a span of its own", () => {
  const one = begin({});
  const { bytes, lines } = compose(one);
  const first = one.nextAttempt(bytes, seeded(2));
  const ids = one.ids()!;
  assertMatch(ids.traceId, /^[0-9a-f]{32}$/);
  assertMatch(ids.spanId, /^[0-9a-f]{16}$/);
  assertEquals("parentId" in ids, false);
  assertEquals(lines(), { traceparent: `00-${ids.traceId}-${first}-01` });
  const second = one.nextAttempt(bytes, seeded(3));
  assert(second !== first && second !== ids.spanId);
  assertEquals(lines(), { traceparent: `00-${ids.traceId}-${second}-01` });
});

Deno.test("trace, one that is not recorded carries that decision on and makes no spans", () => {
  const one = begin({ share: 0, write: ["w3c", "b3", "b3multi"] });
  const { bytes, lines } = compose(one);
  const before = lines();
  assertEquals([one.sampled, one.rewritten, one.ids()], [false, true, undefined]);
  assertEquals(one.nextAttempt(bytes, seeded(2)), undefined);
  assertEquals(lines(), before);
  assertMatch(before["traceparent"]!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  assertMatch(before["b3"]!, /^[0-9a-f]{32}-[0-9a-f]{16}-0$/);
  assertEquals(before["X-B3-Sampled"], "0");
  assertEquals("X-B3-ParentSpanId" in before, false);
});

/** What a caller sends; what goes upstream, with T, S and A for the trace, the request's span and the attempt's. */
const continued: readonly (readonly [
  title: string,
  fields: readonly Field[],
  lines: Readonly<Record<string, string>>,
])[] = [
  ["W3C", [["traceparent", `00-${trace}-${span}-01`]], { traceparent: "00-T-A-01" }],
  ["B3 in one field", [["b3", `${trace}-${span}-1`]], { b3: "T-A-1-S" }],
  ["B3 in one field, undecided", [["b3", `${trace}-${span}`]], { b3: "T-A-1-S" }],
  ["B3 in one field, to be debugged", [["b3", `${trace}-${span}-d-${parent}`]], { b3: "T-A-d-S" }],
  [
    "B3 in many fields",
    [["x-b3-traceid", trace], ["x-b3-spanid", span], ["x-b3-sampled", "1"]],
    { "X-B3-TraceId": "T", "X-B3-SpanId": "A", "X-B3-ParentSpanId": "S", "X-B3-Sampled": "1" },
  ],
  [
    "B3 in many fields, to be debugged",
    [["x-b3-traceid", trace], ["x-b3-spanid", span], ["x-b3-flags", "1"]],
    { "X-B3-TraceId": "T", "X-B3-SpanId": "A", "X-B3-ParentSpanId": "S", "X-B3-Flags": "1" },
  ],
  [
    "several formats, all of which are written, by the W3C's word",
    [["b3", `${"1".repeat(32)}-${"2".repeat(16)}-0`], ["traceparent", `00-${trace}-${span}-01`]],
    { traceparent: "00-T-A-01", b3: "T-A-1-S" },
  ],
  [
    "B3 beside a W3C field that is not valid",
    [["traceparent", "nonsense"], ["b3", `${trace}-${span}-1`]],
    { traceparent: "00-T-A-01", b3: "T-A-1-S" },
  ],
];
for (const [title, fields, expected] of continued) {
  Deno.test(`trace, continued in the caller's format: ${title}`, () => {
    const one = begin({ fields, share: 1, write: ["b3multi"] });
    const { bytes, lines } = compose(one);
    const attempt = one.nextAttempt(bytes, seeded(2))!;
    const ids = one.ids()!;
    assertEquals([ids.traceId, ids.parentId], [trace, span]);
    const names: Readonly<Record<string, string>> = { T: trace, S: ids.spanId, A: attempt };
    const filled = Object.entries(expected).map(([name, value]) => [
      name,
      value.replace(/[TSA]/g, (letter) => names[letter]!),
    ]);
    assertEquals(lines(), Object.fromEntries(filled));
  });
}

Deno.test("trace, one of 64 bits stays short in B3 and is filled up for the W3C's format", () => {
  const one = begin({ fields: [["b3", `${half}-${span}-1`], ["traceparent", "bad"]] });
  const { bytes, lines } = compose(one);
  const attempt = one.nextAttempt(bytes, seeded(2));
  const { traceparent, b3 } = lines();
  assertEquals(traceparent, `00-${"0".repeat(16)}${half}-${attempt}-01`);
  assertEquals(b3, `${half}-${attempt}-1-${one.ids()!.spanId}`);
  assertEquals(one.ids()!.traceId, "0".repeat(16) + half);
});

const refused: readonly (readonly [title: string, fields: readonly Field[]])[] = [
  ["W3C", [["traceparent", `00-${trace}-${span}-00`], ["tracestate", "a=1"]]],
  ["B3 in one field", [["b3", `${trace}-${span}-0`]]],
  ["B3, a decision alone", [["b3", "0"]]],
  ["B3 in many fields", [["x-b3-traceid", trace], ["x-b3-spanid", span], ["x-b3-sampled", "0"]]],
  ["B3 in many fields, a decision alone", [["x-b3-sampled", "0"]]],
];
for (const [title, fields] of refused) {
  Deno.test(`trace, a caller that wants none recorded is passed through as it is: ${title}`, () => {
    const one = begin({ fields, share: 1 });
    const { lines } = compose(one);
    assertEquals(
      [one.sampled, one.rewritten, one.dropsState, one.ids(), lines()],
      [false, false, false, undefined, {}],
    );
  });
}

Deno.test("trace, a decision without identifiers begins a trace that keeps to it", () => {
  const one = begin({ fields: [["b3", "1"]], share: 0 });
  const { bytes, lines } = compose(one);
  const attempt = one.nextAttempt(bytes, seeded(2));
  const ids = one.ids()!;
  assertEquals("parentId" in ids, false);
  assertEquals(lines(), { b3: `${ids.traceId}-${attempt}-1-${ids.spanId}` });
});

Deno.test("trace, an undecided caller is decided for by the share", () => {
  const fields: readonly Field[] = [["b3", `${trace}-${span}`]];
  const one = begin({ fields, share: 0 });
  assertEquals([one.sampled, one.rewritten], [false, true]);
  assertMatch(compose(one).lines()["b3"]!, new RegExp(`^${trace}-[0-9a-f]{16}-0$`));
});

const broken: readonly (readonly [title: string, fields: readonly Field[]])[] = [
  ["not valid", [["traceparent", "00-zz"]]],
  ["twice", [
    ["traceparent", `00-${trace}-${span}-01`],
    ["traceparent", `00-${trace}-${span}-01`],
  ]],
];
for (const [title, fields] of broken) {
  Deno.test(`trace, a traceparent that comes ${title} is replaced, and its tracestate dropped`, () => {
    const one = begin({ fields: [...fields, ["tracestate", "a=1"]], write: ["b3"] });
    const { lines } = compose(one);
    const ids = one.ids()!;
    assert(ids.traceId !== trace);
    assertEquals([one.dropsState, ids.state, ids.parentId], [true, undefined, undefined]);
    assertEquals(Object.keys(lines()), ["traceparent"]);
  });
}

const states: readonly (readonly [
  title: string,
  fields: readonly Field[],
  expected: { readonly dropsState: boolean; readonly state: string | undefined },
])[] = [
  [
    "beside its traceparent goes on and into the record",
    [["traceparent", `00-${trace}-${span}-01`], ["tracestate", "a=1"], ["tracestate", "b=2"]],
    { dropsState: false, state: "a=1,b=2" },
  ],
  [
    "that is not valid goes on but not into the record",
    [["traceparent", `00-${trace}-${span}-01`], ["tracestate", "no state"]],
    { dropsState: false, state: undefined },
  ],
  [
    "without a traceparent is dropped where one is written",
    [["tracestate", "a=1"]],
    { dropsState: true, state: undefined },
  ],
  [
    "without a traceparent is left alone where B3 is spoken",
    [["tracestate", "a=1"], ["b3", `${trace}-${span}-1`]],
    { dropsState: false, state: undefined },
  ],
];
for (const [title, fields, expected] of states) {
  Deno.test(`trace, a tracestate ${title}`, () => {
    const one = begin({ fields });
    assertEquals({ dropsState: one.dropsState, state: one.ids()?.state }, expected);
  });
}

Deno.test("trace fields, are those of one request only, once they are cleared", () => {
  const fields = new TraceFields();
  for (const name of ["traceparent", "tracestate", "b3"]) fields.add(name, "1");
  for (const part of ["traceid", "spanid", "parentspanid", "sampled", "flags"]) {
    fields.add(`x-b3-${part}`, "1");
  }
  assertEquals(fields.formats, 7);
  fields.clear();
  assertEquals([fields.formats, fields.parent(), fields.state], [0, undefined, undefined]);
  fields.add("content-type", "text/plain");
  assertEquals(fields.formats, 0);
});

Deno.test("trace, identifiers are spread evenly and never zero, also at the ends of the random range", () => {
  for (const edge of [0, 1 - 2 ** -53]) {
    const fields = new TraceFields();
    const one = beginTrace(fields, formatsOf(["w3c"]), {
      sampler: new Sampler({ share: 1, perSecond: 0 }),
      random: () => edge,
      nowMs: 0,
    });
    const { traceId, spanId } = one.ids()!;
    assertEquals(traceId, (edge === 0 ? "00000001" : "ffffffff").repeat(4));
    assertEquals(spanId, traceId.slice(16));
  }
  const random = seeded(11);
  const seen = new Set<string>();
  for (let count = 0; count < 2000; count++) {
    const one = begin({ seed: Math.floor(random() * 2 ** 32) });
    seen.add(one.ids()!.traceId).add(one.ids()!.spanId);
  }
  assertEquals(seen.size, 4000);
});
