/** Records as bytes: each is what it was, alone or in a stretch, and choosing among them needs no reading. */
import { assert, assertEquals } from "@test/assert";
import type { EndpointSnapshot } from "../../../lib/plane/messages.ts";
import { packRecords, RecordPack } from "../../../lib/plane/record_pack.ts";

function record(index: number): EndpointSnapshot {
  return {
    host: index % 2 === 0 ? "10.0.0.1" : "fd00::1",
    port: index + 1,
    instanceId: index % 300 === 0 ? `ü-${index}` : `i-${index}`.padStart(40, "x"),
    version: "1.0.0",
    mesher: index % 3 === 0,
    tags: { path: `"\\${index}`, __proto__: null } as unknown as Record<string, string>,
    ...(index % 5 === 0 ? { slot: index } : {}),
    ...(index % 2 === 0 ? { weight: 0.1 } : {}),
    ...(index % 7 === 0 ? { zone: "a", region: "r" } : {}),
  };
}

function packed(count: number): { records: EndpointSnapshot[]; pack: RecordPack } {
  const records = Array.from({ length: count }, (_, index) => record(index));
  return { records, pack: new RecordPack(structuredClone(packRecords(records))) };
}

const texts = (records: readonly EndpointSnapshot[]) => records.map((each) => JSON.stringify(each));

for (const count of [1, 255, 256, 257, 3000]) {
  Deno.test(`record pack, each of ${count} is what it was`, () => {
    const { pack, records } = packed(count);
    assertEquals(pack.count, count);
    assertEquals(texts(records.map((_, index) => pack.read(index))), texts(records));
  });
}

Deno.test("record pack, stretches one after the other are all of it, and none is long", () => {
  const { pack, records } = packed(3000);
  const read: EndpointSnapshot[] = [];
  let stretches = 0;
  while (read.length < pack.count) {
    const stretch = pack.readStretch(read.length, pack.stretchEnd(read.length));
    const bytes = JSON.stringify(stretch).length;
    assert(bytes < 110_000 && (bytes > 100_000 || read.length + stretch.length === pack.count));
    read.push(...stretch);
    stretches++;
  }
  assertEquals(texts(read), texts(records));
  assert(stretches > 2);
});

Deno.test("record pack, a record that is longer than a stretch is one by itself", () => {
  const long = { ...record(1), version: "1".repeat(200_000) };
  const pack = new RecordPack(packRecords([record(0), long, record(2)]));
  assertEquals([pack.stretchEnd(0), pack.stretchEnd(2)], [2, 3]);
  assertEquals(texts(pack.readStretch(1, 2)), texts([long]));
});

Deno.test("record pack, tells weight, place, slot and address without reading", () => {
  const { pack, records } = packed(400);
  assertEquals(pack.kinds.length, 4);
  records.forEach(({ region, slot, weight = 1, zone, ...address }, index) => {
    const kind = pack.kinds[pack.kindOf(index)]!;
    assertEquals([kind.weight, kind.zone, kind.region], [weight, zone, region]);
    assertEquals(pack.slotOf(index), slot);
    assert(pack.mayBe(index, RecordPack.mark(address)));
    assert(!pack.mayBe(index, RecordPack.mark({ host: "10.9.9.9", port: 1 })));
  });
});
