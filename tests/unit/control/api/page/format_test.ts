/** The words and numbers of the live page. */
import { assert, assertEquals } from "@test/assert";
import * as format from "../../../../../lib/control/api/page/format.js";
import { ejectReasons, endpointStates } from "../../../../../lib/plane/counters.ts";

const cases: readonly (readonly [string, string, string])[] = [
  ["rate of nothing", format.rate(0), "0/s"],
  ["rate of next to nothing", format.rate(0.04), "0/s"],
  ["rate of a little", format.rate(0.44), "0.4/s"],
  ["rate", format.rate(62.4), "62.4/s"],
  ["rate of much", format.rate(1240.4), "1,240/s"],
  ["rate of very much", format.rate(20_340), "20.3k/s"],
  ["share of none", format.share(0), "0 %"],
  ["share of next to none", format.share(0.0004), "<0.1 %"],
  ["share of few", format.share(0.0254), "2.5 %"],
  ["share of all", format.share(1), "100 %"],
  ["duration unknown", format.duration(null), "–"],
  ["duration below a millisecond", format.duration(0.424), "0.42 ms"],
  ["duration of a few", format.duration(4.11), "4.1 ms"],
  ["duration", format.duration(324.3), "324 ms"],
  ["duration of a second", format.duration(1500), "1.5 s"],
  ["duration of many seconds", format.duration(30_000), "30 s"],
  ["age of nothing", format.age(10), "1 s"],
  ["age of seconds", format.age(34_000), "34 s"],
  ["age of minutes", format.age(300_000), "5 min"],
  ["age of hours", format.age(3 * 3_600_000), "3 h"],
  ["age of days", format.age(72 * 3_600_000), "3 d"],
  ["one", format.plural(1, "endpoint"), "1 endpoint"],
  ["many", format.plural(1200, "endpoint"), "1,200 endpoints"],
  ["short number", format.short(0.25), "0.25"],
  ["short thousands", format.short(30_000), "30k"],
];

for (const [what, is, expected] of cases) {
  Deno.test(`page words, ${what} is ${expected}`, () => assertEquals(is, expected));
}

Deno.test("page words, every state and every reason that threads know has a word", () => {
  const states: Record<string, { word: string; means: string }> = format.states;
  for (const state of [...endpointStates, "unknown"]) assert(states[state]?.word, state);
  for (const reason of ejectReasons) assert(reason in format.reasons, reason);
  assertEquals(
    format.stateWord("unreachable", "connect_refused"),
    "unreachable: refuses connections",
  );
  assertEquals(format.stateWord("healthy", "none"), "healthy");
});

for (
  const [states, failedShare, tone, word] of [
    [{ healthy: 3 }, 0, "good", "all well"],
    [{ healthy: 2, warming: 1 }, 0.001, "good", "all well"],
    [{ healthy: 2, ejected: 1 }, 0, "warn", "1 of 3 endpoints left out"],
    [{ healthy: 2, draining: 1 }, 0, "good", "all well"],
    [{ healthy: 2 }, 0.2, "warn", "calls fail"],
    [{ unreachable: 2 }, 0, "bad", "no endpoint can be called"],
    [{ draining: 1 }, 0, "bad", "no endpoint can be called"],
    [{}, 0, "bad", "no endpoint"],
    [{ unknown: 2 }, 0, "good", "all well"],
  ] as const
) {
  Deno.test(`page words, ${JSON.stringify(states)} with ${failedShare} failed is ${word}`, () => {
    const state = format.serviceState({ states, figures: [1, 0, failedShare] });
    assertEquals([state.tone, state.word], [tone, word]);
  });
}
