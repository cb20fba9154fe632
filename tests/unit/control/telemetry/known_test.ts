/** What is remembered of texts, and that it has a bound. */
import { assertEquals } from "@test/assert";
import { Known, KnownOf } from "../../../../lib/control/telemetry/known.ts";

Deno.test("known, a text is looked at once while it is kept", () => {
  const made: string[] = [];
  const known = new Known((text) => {
    made.push(text);
    return { text };
  });
  const first = known.of("a");
  assertEquals([known.of("a") === first, known.of("b").text, known.of("")?.text], [true, "b", ""]);
  assertEquals(made, ["a", "b", ""]);
});

Deno.test("known, is right for any number of texts and for long ones, which it does not keep", () => {
  let made = 0;
  const known = new Known((text) => {
    made++;
    return text.length;
  });
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 2_000; count++) assertEquals(known.of(`text ${count}`) > 5, true);
  }
  // None of them was still there when it came again.
  assertEquals(made, 6_000);
  const long = "a".repeat(10_000);
  assertEquals([known.of(long), known.of(long), made], [10_000, 10_000, 6_002]);
});

Deno.test("known of names, the same value of two names is two things", () => {
  const pieces = new KnownOf((name, value) => `${name}=${value}`);
  assertEquals([pieces.of("a", "1"), pieces.of("b", "1"), pieces.of("a", "1")], [
    "a=1",
    "b=1",
    "a=1",
  ]);
});
