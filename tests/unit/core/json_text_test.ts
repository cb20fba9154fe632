/** Texts in JSON. */
import { assertEquals } from "@test/assert";
import { quoted } from "../../../lib/core/json_text.ts";
import { hostileText } from "../../support/hostile.ts";
import { seeded } from "../../support/seeded.ts";

Deno.test("json text, is what the engine makes of a text, for every character", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const text = `a${String.fromCharCode(code)}b`;
    if (quoted(text) !== JSON.stringify(text)) assertEquals(quoted(text), JSON.stringify(text));
  }
  assertEquals(quoted(""), '""');
});

Deno.test("json text, is what the engine makes of a text, whatever stands together", () => {
  const random = seeded(8);
  for (let round = 0; round < 5_000; round++) {
    const text = hostileText(random, true);
    assertEquals(quoted(text), JSON.stringify(text));
  }
});
