/** Times as texts. */
import { assertEquals } from "@test/assert";
import { milliseconds, Moments } from "../../../../lib/control/telemetry/time_text.ts";
import { seeded } from "../../../support/seeded.ts";

Deno.test("time text, moments are those of each time, also when it runs backwards", () => {
  const random = seeded(5);
  const moments = new Moments();
  for (let round = 0; round < 5_000; round++) {
    const ms = 1_700_000_000_000 + random.below(5_000) + random.of([0, 0.25, 0.9999]);
    assertEquals(moments.of(ms), new Date(ms).toISOString());
  }
});

Deno.test("time text, durations are what JSON writes of their milliseconds", () => {
  const random = seeded(6);
  const given = [0, -0, 0.0004, 0.0005, 0.1, 0.999, 0.9996, 1, 1.5, 100, 123456.789, 2 ** 30, 1e15];
  const drawn = Array.from({ length: 5_000 }, () => random() * 10 ** random.below(7));
  for (const ms of [...given, ...drawn, -1, -0.25, NaN, Infinity]) {
    assertEquals(milliseconds(ms), JSON.stringify(Math.round(ms * 1000) / 1000), String(ms));
  }
});
