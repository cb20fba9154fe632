/** The cells of rate limits: the same behaviour in own and in shared memory. */
import { assertEquals } from "@test/assert";
import {
  type LimitCells,
  LocalCells,
  SharedCells,
} from "../../../../lib/data/resilience/limit_cells.ts";

const memory = new SharedArrayBuffer(16 + 4 * 8 + 16);

for (
  const { name, cells } of [
    { name: "own", cells: new LocalCells(4) },
    { name: "shared", cells: new SharedCells(memory, { byteOffset: 16, length: 4 }) },
  ] satisfies readonly { readonly name: string; readonly cells: LimitCells }[]
) {
  Deno.test(`limit cells, in ${name} memory they begin at 0 and keep any time exactly`, () => {
    for (let index = 0; index < 4; index++) assertEquals(cells.read(index), 0);
    for (const timeMs of [1, 0.1, -5.25, 1.7e12 + 0.123, 2 ** -30, Number.MAX_VALUE]) {
      cells.read(2);
      assertEquals(cells.replace(2, timeMs), true);
      assertEquals([cells.read(1), cells.read(2), cells.read(3)], [0, timeMs, 0]);
    }
  });
}

Deno.test("limit cells, in shared memory they are seen by others, and nothing beside them is touched", () => {
  const numbers = new Float64Array(memory);
  const cells = new SharedCells(memory, { byteOffset: 16, length: 4 });
  cells.read(0);
  cells.replace(0, 12.5);
  assertEquals([...numbers.subarray(0, 3)], [0, 0, 12.5]);
  assertEquals([...numbers.subarray(6)], [0, 0]);
});

Deno.test("limit cells, whoever was slower changes nothing and sees the other's time", () => {
  const one = new SharedCells(memory, { byteOffset: 16, length: 4 });
  const other = new SharedCells(memory, { byteOffset: 16, length: 4 });
  one.read(1);
  other.read(1);
  assertEquals([other.replace(1, 7), one.replace(1, 9)], [true, false]);
  assertEquals([one.read(1), one.replace(1, 9), other.read(1)], [7, true, 9]);
});
