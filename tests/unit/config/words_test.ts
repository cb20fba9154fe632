import { assertEquals } from "@test/assert";
import { formatSize, parseSize } from "../../../lib/config/size.ts";
import { closest, editDistance } from "../../../lib/core/closest.ts";

const sizes: readonly (readonly [string, number | undefined, string | number | undefined])[] = [
  ["0", 0, 0],
  ["1000", 1000, 1000],
  ["65536", 65536, "64KiB"],
  ["64KiB", 65536, "64KiB"],
  ["64 KiB", 65536, "64KiB"],
  ["12B", 12, 12],
  ["1MiB", 1_048_576, "1MiB"],
  ["1536KiB", 1_572_864, "1536KiB"],
  ["2GiB", 2_147_483_648, "2GiB"],
  ["64KB", undefined, undefined],
  ["1.5KiB", undefined, undefined],
  ["-1", undefined, undefined],
  ["", undefined, undefined],
  ["999999999999999GiB", undefined, undefined],
];
for (const [text, bytes, written] of sizes) {
  Deno.test(`the size ${JSON.stringify(text)} is ${bytes ?? "refused"}`, () => {
    assertEquals(parseSize(text), bytes);
    if (bytes !== undefined) assertEquals(formatSize(bytes), written);
  });
}

const distances: readonly (readonly [string, string, number])[] = [
  ["", "", 0],
  ["", "abc", 3],
  ["abc", "abc", 0],
  ["conect", "connect", 1],
  ["lgo", "log", 1],
  ["kitten", "sitting", 3],
];
for (const [from, to, distance] of distances) {
  Deno.test(`${distance} edits lie between "${from}" and "${to}", both ways`, () => {
    assertEquals([editDistance(from, to), editDistance(to, from)], [distance, distance]);
  });
}

const words = ["connect", "response", "pool_idle", "body_idle", "production", "via"];
const suggestions: readonly (readonly [string, string | undefined])[] = [
  ["conect", "connect"],
  ["poolIdle", "pool_idle"],
  ["body-idle", "body_idle"],
  ["prod", "production"],
  ["responsetime", "response"],
  ["vi", "via"],
  ["xyz", undefined],
  ["", undefined],
  ["c".repeat(100_000), undefined],
];
for (const [word, expected] of suggestions) {
  Deno.test(`"${word.slice(0, 20)}" suggests ${expected ?? "nothing"}`, () => {
    assertEquals(closest(word, words), expected);
  });
}
