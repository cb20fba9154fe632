/** Which updates of a set are believed at once and which need probes first. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { type Departure, judge, RecentCount } from "../../../../lib/control/discovery/guard.ts";
import type { Instance } from "../../../../lib/core/types.ts";
import { instance } from "../../../support/registry_fakes.ts";

const policy = { shrinkPercent: 50 };
const set = (...hosts: number[]) => hosts.map((n) => instance(`rest://10.0.0.${n}:80`));
const range = (from: number, to: number) =>
  set(...Array.from({ length: to - from + 1 }, (_, i) => from + i));
const renamed = (list: readonly Instance[]) =>
  list.map((one) => ({ ...one, instanceId: `new-${one.instanceId}` }));
const downed = (list: readonly Instance[]) =>
  list.map((one): Instance => ({ ...one, status: "DOWN" }));

type Case = readonly [
  what: string,
  old: readonly Instance[],
  next: readonly Instance[],
  probed: readonly Instance[],
  more?: Omit<Departure, "old" | "next">,
];

const healthy: readonly Case[] = [
  ["nothing changed", set(1, 2, 3), set(1, 2, 3), []],
  ["new ones came", set(1), set(1, 2, 3), []],
  ["one of many left", range(1, 10), range(2, 10), []],
  ["one of three left", set(1, 2, 3), set(1, 2), []],
  ["one of two left", set(1, 2), set(1), []],
  ["the only one left", set(1), [], set(1)],
  ["two of five left", range(1, 5), range(1, 3), []],
  ["two of four left", range(1, 4), range(1, 2), range(3, 4)],
  ["fewer than half left", range(1, 10), range(1, 6), []],
  ["exactly half left", range(1, 10), range(1, 5), range(6, 10)],
  ["more than half left", range(1, 10), range(1, 4), range(5, 10)],
  ["all left", range(1, 10), [], range(1, 10)],
  ["all were replaced by as many", set(1, 2, 3), set(4, 5, 6), []],
  ["the only one was replaced", set(1), set(2), []],
  ["one of two was replaced", set(1, 2), set(1, 3), []],
  ["all got new ids at the same addresses", set(1, 2), renamed(set(1, 2)), []],
  ["all are listed as down", set(1, 2), downed(set(1, 2)), []],
  ["those that were down left", downed(set(1, 2)), [], []],
  ["one without endpoints left", [{ ...set(1)[0]!, endpoints: [] }], [], []],
  ["an empty set stayed empty", [], [], []],
  ["one of two left soon after two others", set(1, 2), set(1), set(2), { recently: 4 }],
  ["one of eight left soon after another", range(1, 8), range(1, 7), [], { recently: 9 }],
];

const doubt = "it was away";
const doubted: readonly Case[] = [
  ["one of many left", range(1, 10), range(2, 10), set(1), { doubt }],
  ["one of two left", set(1, 2), set(1), set(2), { doubt }],
  ["the only one was replaced", set(1), set(2), set(1), { doubt }],
  ["new ones came", set(1), set(1, 2), [], { doubt }],
  ["those that were down left", downed(set(1, 2)), set(3), [], { doubt }],
];

for (const [kind, cases] of [["well", healthy], ["in doubt", doubted]] as const) {
  for (const [what, old, next, probed, more] of cases) {
    Deno.test(`plausibility, registry ${kind}: when ${what} ${probed.length} are probed`, () => {
      const verdict = judge({ old, next, ...more }, policy);
      assertEquals(verdict.kind === "probe" ? verdict.vanished : [], probed);
    });
  }
}

for (
  const [what, departure, why] of [
    ["an unknown service", { next: [], unknown: true, doubt }, /no longer knows the service/],
    ["an empty answer", { next: [], doubt }, /nothing would be left/],
    ["a doubted registry", { next: set(1), doubt }, /^it was away$/],
    ["many at once", { next: set(1) }, /^2 of 3 left at once$/],
    ["many within a while", { next: set(1, 2), recently: 5 }, /^3 of 5 left at once$/],
  ] as const
) {
  Deno.test(`plausibility, the reason to probe is told for ${what}`, () => {
    const verdict = judge({ old: set(1, 2, 3), ...departure }, policy);
    assert(verdict.kind === "probe");
    assertMatch(verdict.why, why);
  });
}

Deno.test("plausibility, a stricter share lets fewer leave at once, never less than two", () => {
  const judged = (count: number) =>
    judge({ old: range(1, 10), next: range(1, 10 - count) }, { shrinkPercent: 10 }).kind;
  assertEquals([1, 2].map(judged), ["accept", "probe"]);
});

Deno.test("plausibility, what left within half a minute left together", () => {
  const recent = new RecentCount(4);
  recent.changed(3, 1_000);
  recent.changed(2, 11_000);
  assertEquals([12_000, 30_999, 31_000, 40_999, 41_000].map((at) => recent.largest(at)), [
    4,
    4,
    3,
    3,
    2,
  ]);
  recent.changed(5, 50_000);
  assertEquals(recent.largest(50_000), 5);
});
