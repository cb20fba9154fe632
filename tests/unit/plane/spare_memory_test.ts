/** What the start has used is given back once, where that is possible and cheap. */
import { assertEquals } from "@test/assert";
import { type Engine, giveBackMemory } from "../../../lib/plane/spare_memory.ts";

function askedOf(usedBytes: number): readonly unknown[] {
  const asked: unknown[] = [];
  const gc: NonNullable<Engine["gc"]> = (options) => asked.push(options);
  giveBackMemory({ gc, usedBytes: () => usedBytes });
  return asked;
}

Deno.test("memory of the start is given back by one collection of the last resort", () => {
  assertEquals(askedOf(10_000_000), [{ type: "major", flavor: "last-resort" }]);
});

Deno.test("memory that is in use in earnest is not searched for what the start has left", () => {
  assertEquals(askedOf(100_000_000), []);
});

Deno.test("an engine that offers no collection is not asked how much it uses", () => {
  let looks = 0;
  giveBackMemory({ usedBytes: () => ++looks });
  assertEquals(looks, 0);
});
