/** The shares of the process's descriptors: what is held back, and how the system's words are read. */
import { assert, assertEquals } from "@test/assert";
import {
  descriptorBounds,
  outOfDescriptors,
  parseLimits,
} from "../../../../lib/data/net/descriptors.ts";

Deno.test("descriptors, a part is held back from clients, and a smaller one from endpoints as well", () => {
  const table: readonly (readonly [limit: number, accept: number, dial: number])[] = [
    [64, 48, 56],
    [256, 192, 224],
    [1024, 768, 960],
    [20_000, 15_904, 19_936],
    [1_048_576, 1_044_480, 1_048_512],
  ];
  for (const [limit, accept, dial] of table) {
    assertEquals(descriptorBounds(limit), { accept, dial }, String(limit));
  }
});

Deno.test("descriptors, without a known limit nothing is held back", () => {
  assertEquals(descriptorBounds(undefined), { accept: Infinity, dial: Infinity });
});

Deno.test("descriptors, the limit is the soft one of the system's table", () => {
  const line = (soft: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\n` +
    `Max processes             7                    8                    processes\n` +
    `Max open files            ${soft}                 524288               files\n`;
  assertEquals(parseLimits(line("1024")), 1024);
  assertEquals(parseLimits(line("unlimited")), undefined);
  assertEquals(parseLimits(""), undefined);
});

Deno.test("descriptors, only the two errors of a full table count as one", () => {
  for (const code of ["EMFILE", "ENFILE"]) {
    assert(outOfDescriptors(Object.assign(new Error("full"), { code })), code);
  }
  for (const other of [Object.assign(new Error("no"), { code: "ECONNREFUSED" }), null, "EMFILE"]) {
    assert(!outOfDescriptors(other), String(other));
  }
});
