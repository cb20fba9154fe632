/** Back-off, durations, service names. */
import { assert, assertEquals } from "@test/assert";
import { backoffMs, jittered } from "../../../lib/core/backoff.ts";
import { formatDuration, parseDuration } from "../../../lib/core/duration.ts";
import { isServiceName } from "../../../lib/core/names.ts";
import { seeded } from "../../support/seeded.ts";

const policy = { baseMs: 100, maxMs: 5000 };

Deno.test("back-off, doubles between half the ceiling and the whole, up to the maximum", () => {
  const low = [1, 2, 3, 6, 7, 1000].map((attempt) => backoffMs(policy, attempt, 0));
  assertEquals(low, [50, 100, 200, 1600, 2500, 2500]);
  assertEquals(backoffMs(policy, 2, 0.5), 150);
  const random = seeded(1);
  for (let round = 0; round < 2000; round++) {
    const attempt = 1 + random.below(100);
    const ms = backoffMs(policy, attempt, random());
    const ceiling = Math.min(5000, 100 * 2 ** (attempt - 1));
    assert.ok(ms >= ceiling / 2 && ms < ceiling, `${ms} of ${ceiling}`);
  }
});

Deno.test("jitter, spreads a period by its share to either side", () => {
  assertEquals([0, 0.5, 1].map((jitter) => jittered(1000, 0.25, jitter)), [750, 1000, 1250]);
  assertEquals(jittered(1000, 0, 0.9), 1000);
});

const durations: readonly (readonly [text: string, ms: number | undefined])[] = [
  ["250ms", 250],
  ["1s", 1000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
  ["0s", 0],
  [" 3s ", 3000],
  ["", undefined],
  ["3", undefined],
  ["s", undefined],
  ["-1s", undefined],
  ["1 s", undefined],
  ["1d", undefined],
  ["1.s", undefined],
  [".5s", undefined],
  ["1s2", undefined],
  ["1S", undefined],
];

for (const [text, ms] of durations) {
  Deno.test(`duration, ${JSON.stringify(text)} is ${ms === undefined ? "none" : `${ms} ms`}`, () => {
    assertEquals(parseDuration(text), ms);
  });
}

Deno.test("duration, every whole number of milliseconds is printed and read back", () => {
  const random = seeded(4);
  const some = [0, 1, 999, 1000, 60_000, 90_000, 3_600_000, 5_400_000];
  for (let round = 0; round < 500; round++) some.push(random.below(10_000_000));
  for (const ms of some) assertEquals(parseDuration(formatDuration(ms)), ms);
  assertEquals([1500, 60_000, 0].map(formatDuration), ["1500ms", "1m", "0ms"]);
});

const names: readonly (readonly [text: string, is: boolean])[] = [
  ["a", true],
  ["A9", true],
  ["shop.cart-v2_x", true],
  ["x".repeat(128), true],
  ["x".repeat(129), false],
  ["", false],
  ["-a", false],
  ["a-", false],
  [".a", false],
  ["a.", false],
  ["_", false],
  ["a b", false],
  ["a/b", false],
  ["ä", false],
  ["a\n", false],
  ["a:80", false],
];

for (const [text, is] of names) {
  Deno.test(`service name, ${JSON.stringify(text).slice(0, 24)} ${is ? "is" : "is not"} one`, () => {
    assertEquals(isServiceName(text), is);
  });
}
