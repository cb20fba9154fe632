/** Records that are packed for their way between threads and unpacked again. */
import { assert, assertEquals } from "@test/assert";
import { RecordPacker, recordsIn } from "../../../lib/plane/record_batch.ts";
import type { RequestRecord } from "../../../lib/plane/observe.ts";
import { hostileRecord } from "../../support/hostile.ts";
import { attempt, record, traceId, without } from "../../support/records.ts";
import { seeded } from "../../support/seeded.ts";

/** Packs, sends and unpacks. */
function passed(packer: RecordPacker, records: readonly RequestRecord[]): readonly RequestRecord[] {
  for (const each of records) packer.add(allOf(each));
  assertEquals(packer.count, records.length);
  return [...recordsIn(structuredClone(packer.take()))];
}

/** With the members that a record may lack. */
function allOf(record: RequestRecord) {
  const lacking = { route: undefined, code: undefined, detail: undefined };
  return { ...lacking, firstByteMs: undefined, trace: undefined, ...record };
}

const variants: readonly (readonly [title: string, record: RequestRecord])[] = [
  ["everything", record({ route: "beta", code: "reset", detail: "it broke", taps: [3, 9] })],
  ["nothing but what must be", without(record({ attempts: [] }), "trace", "firstByteMs")],
  ["empty texts, which are not lacking", record({ path: "", service: "", route: "", detail: "" })],
  ["a begun trace", record({ trace: { traceId, spanId: "1".repeat(16) } })],
  [
    "a continued trace with its state",
    record({
      trace: { traceId, spanId: "1".repeat(16), parentId: "2".repeat(16), state: "a=1" },
    }),
  ],
  [
    "attempts without an end that is known",
    record({
      role: "inbound",
      logged: false,
      attempts: [
        { endpoint: "a:1", startMs: 0, endMs: 0 },
        { endpoint: "a:1", startMs: 0, endMs: 3, code: "connect_refused", spanId: "3".repeat(16) },
        attempt({ endpoint: "b:1" }),
      ],
    }),
  ],
  ["zeros, which are not lacking", record({ firstByteMs: 0, ownMs: 0, durationMs: 0, taps: [0] })],
];
for (const [title, one] of variants) {
  Deno.test(`record batch, ${title} comes through as it was`, () => {
    const packer = new RecordPacker();
    assertEquals(passed(packer, [one]), [one]);
    // Among others, and once more out of the same packer.
    assertEquals(passed(packer, [record(), one, record()]), [record(), one, record()]);
  });
}

Deno.test("record batch, any records come through as they were, batch after batch", () => {
  const random = seeded(21);
  const packer = new RecordPacker();
  for (let round = 0; round < 50; round++) {
    const records = Array.from({ length: random.below(200) }, () => hostileRecord(random));
    assertEquals(passed(packer, records), records);
  }
});

Deno.test("record batch, a text that many records have is sent once, and nothing that is not used", () => {
  const packer = new RecordPacker();
  for (let count = 0; count < 1000; count++) packer.add(allOf(record()));
  const { numbers, texts } = packer.take();
  assertEquals(texts.length, new Set(texts).size);
  assertEquals(numbers.buffer.byteLength, numbers.byteLength);
  assert(numbers.length <= 1000 * 36);
  assertEquals([packer.count, [...recordsIn(packer.take())]], [0, []]);
});
