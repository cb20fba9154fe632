/** How long signs of trouble let a registry be doubted. */
import { assertEquals } from "@test/assert";
import { doubtAt, doubtMs } from "../../../../lib/control/discovery/doubt.ts";

const away = { atMs: 1_000, why: "it was away" };
const lost = { atMs: 5_000, why: "it lost the own instance" };

for (
  const [what, nowMs, signs, why] of [
    ["there was no sign", 0, [undefined, undefined], undefined],
    ["the sign is new", 1_000, [away], away.why],
    ["the sign is almost too old", away.atMs + doubtMs - 1, [away], away.why],
    ["the sign is too old", away.atMs + doubtMs, [away], undefined],
    ["there are two", 6_000, [lost, undefined, away], lost.why],
    ["the older of two is over", away.atMs + doubtMs, [away, lost], lost.why],
  ] as const
) {
  Deno.test(`doubt, when ${what} the registry is ${why === undefined ? "believed" : "doubted"}`, () => {
    assertEquals(doubtAt(nowMs, signs), why);
  });
}
