/** Seeded fuzz: what is written is read again, and damaged fields are either refused or mean the same. */
import { assert, assertEquals } from "@test/assert";
import { Sampler } from "../../../../lib/data/trace/sampler.ts";
import { beginTrace, maxTraceBytes } from "../../../../lib/data/trace/trace.ts";
import { TraceFields } from "../../../../lib/data/trace/trace_fields.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";

const rounds = 4_000;
const names = [
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
] as const;

const traceparentForm =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const b3Form = /^([01d]|([0-9a-f]{16}|[0-9a-f]{32})-[0-9a-f]{16}(-[01d](-[0-9a-f]{16})?)?)$/;

function linesOf(fields: TraceFields, random: Seeded, formats: number) {
  const sampler = new Sampler({ share: random.of([0, 0.5, 1]), perSecond: 0 });
  const trace = beginTrace(fields, formats, { sampler, random, nowMs: 0 });
  const bytes = new Uint8Array(8 + maxTraceBytes).fill(1);
  const end = trace.write(bytes, 8);
  assert(end <= 8 + maxTraceBytes);
  const attempt = trace.nextAttempt(bytes, random);
  assert(bytes.subarray(0, 8).every((byte) => byte === 1));
  assert(bytes.subarray(end).every((byte) => byte === 1));
  const text = String.fromCharCode(...bytes.subarray(8, end));
  const lines = text.split("\r\n").slice(0, -1).map((line) => line.split(": ") as [string, string]);
  return { trace, attempt, lines };
}

Deno.test("traces, what one sidecar writes the next one reads as the same trace and decision", () => {
  const random = seeded(21);
  for (let round = 0; round < rounds; round++) {
    const { trace, attempt, lines } = linesOf(new TraceFields(), random, 1 + random.below(7));
    const fields = new TraceFields();
    for (const [name, value] of lines) fields.add(name.toLowerCase(), value);
    const next = linesOf(fields, random, 1);
    assertEquals(next.trace.sampled, trace.sampled);
    assertEquals(next.trace.rewritten, trace.sampled);
    assertEquals(next.trace.ids()?.traceId, trace.ids()?.traceId);
    assertEquals(next.trace.ids()?.parentId, attempt);
    if (trace.sampled) assertEquals(next.lines.map(([name]) => name), lines.map(([name]) => name));
  }
});

function damaged(random: Seeded, value: string): string {
  const at = random.below(value.length + 1);
  const char = random.of([..."0123456789abcdefgABCF-01d, =@\u00e9\0"]);
  switch (random.below(4)) {
    case 0:
      return value.slice(0, at) + char + value.slice(at + 1);
    case 1:
      return value.slice(0, at) + char + value.slice(at);
    case 2:
      return value.slice(0, at) + value.slice(at + 1);
    default:
      return value.slice(0, at);
  }
}

Deno.test("traces, damaged fields never throw, and only what has the right form is continued", () => {
  const random = seeded(22);
  const hex = (count: number) =>
    Array.from({ length: count }, () => random.below(16).toString(16)).join("");
  let continued = 0;
  for (let round = 0; round < rounds; round++) {
    const whole: Readonly<Record<typeof names[number], string>> = {
      traceparent: `${random.of(["00", "00", "01", "ff"])}-${hex(32)}-${hex(16)}-0${hex(1)}`,
      tracestate: `a=${hex(4)},b@c=${hex(2)}`,
      b3: `${hex(random.of([16, 32]))}-${hex(16)}${random.of(["", "-1", "-d", `-1-${hex(16)}`])}`,
      "x-b3-traceid": hex(random.of([16, 32])),
      "x-b3-spanid": hex(16),
      "x-b3-parentspanid": hex(16),
      "x-b3-sampled": random.of(["1", "true"]),
      "x-b3-flags": "1",
    };
    const sent = names.filter(() => random() < 0.5).map((name) =>
      [name, random() < 0.5 ? damaged(random, whole[name]) : whole[name]] as const
    );
    const fields = new TraceFields();
    for (const [name, value] of sent) fields.add(name, value);
    const { trace, lines } = linesOf(fields, random, 1);
    const parentId = trace.ids()?.parentId;
    if (parentId !== undefined) {
      continued++;
      assert(sent.some(([, value]) => value.includes(parentId)), JSON.stringify(sent));
    }
    for (const [name, value] of lines) {
      if (name === "traceparent") assert(traceparentForm.test(value) && value.length === 55, value);
      else if (name === "b3") assert(b3Form.test(value), value);
      else assert(/^([0-9a-f]{16}|[0-9a-f]{32}|[01])$/.test(value), value);
    }
    if (!trace.rewritten) assertEquals(lines, []);
  }
  assert(continued > rounds / 4 && continued < rounds, String(continued));
});
