/** The layout of the counters: no two meanings share a slot, and everything fits. */
import { assert, assertEquals } from "@test/assert";
import {
  blockBase,
  blocks,
  blockSlots,
  counterBytes,
  endpointBase,
  endpointSlot,
  endpointSlots,
  firstServiceBlock,
  latencyBounds,
  maxBlocks,
  maxEndpoints,
  slot,
  slotWidths,
  threadSlot,
  threadSlots,
} from "../../../lib/plane/counters.ts";

Deno.test("counters, the slots of a block do not overlap, leave no gap and fit", () => {
  const taken = new Map<number, string>();
  for (const [name, first] of Object.entries(slot)) {
    for (let index = first; index < first + slotWidths[name as keyof typeof slotWidths]; index++) {
      assertEquals(taken.get(index), undefined, `${name} at ${index}`);
      taken.set(index, name);
    }
  }
  const used = [...taken.keys()].sort((a, b) => a - b);
  assertEquals(used, used.map((_, index) => index));
  assert.ok(used.length <= blockSlots, `${used.length} slots in a block of ${blockSlots}`);
});

Deno.test("counters, the slots of a thread differ and lie before the blocks", () => {
  const all = Object.values(threadSlot);
  assertEquals(new Set(all).size, all.length);
  assert.ok(Math.max(...all) < threadSlots);
  assert.ok(Math.min(...all) >= 0);
  assertEquals(blockBase(0), threadSlots);
});

Deno.test("counters, endpoints follow the last block and end with the memory", () => {
  assertEquals(blockBase(maxBlocks - 1) + blockSlots, endpointBase(0));
  assertEquals((endpointBase(maxEndpoints - 1) + endpointSlots) * 8, counterBytes);
  assertEquals(new Float64Array(new SharedArrayBuffer(counterBytes)).length * 8, counterBytes);
});

Deno.test("counters, the slots of an endpoint differ and fit", () => {
  const all = Object.values(endpointSlot);
  assertEquals(new Set(all).size, all.length);
  assert.ok(Math.max(...all) < endpointSlots);
});

Deno.test("counters, fixed blocks come before those of services", () => {
  const fixed = Object.values(blocks);
  assertEquals(new Set(fixed).size, fixed.length);
  assertEquals(Math.max(...fixed) + 1, firstServiceBlock);
});

Deno.test("counters, latency bounds rise", () => {
  assertEquals([...latencyBounds].sort((a, b) => a - b), [...latencyBounds]);
  assertEquals(new Set(latencyBounds).size, latencyBounds.length);
});
