/** Which updates of a set are believed at once and which need probes first. */
import { assertEquals } from "@test/assert";
import { judge } from "../../../../lib/control/discovery/guard.ts";
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

for (
  const [what, old, next, probed] of [
    ["nothing changed", set(1, 2, 3), set(1, 2, 3), []],
    ["new ones came", set(1), set(1, 2, 3), []],
    ["one of many left", range(1, 10), range(2, 10), []],
    ["one of three left", set(1, 2, 3), set(1, 2), []],
    ["exactly half left", range(1, 10), range(1, 5), []],
    ["more than half left", range(1, 10), range(1, 4), range(5, 10)],
    ["all left", range(1, 10), [], range(1, 10)],
    ["the only one left", set(1), [], set(1)],
    ["one of two left", set(1, 2), set(1), set(2)],
    ["all were replaced by as many", set(1, 2, 3), set(4, 5, 6), []],
    ["the only one was replaced", set(1), set(2), []],
    ["one of two was replaced", set(1, 2), set(1, 3), []],
    ["all got new ids at the same addresses", set(1, 2), renamed(set(1, 2)), []],
    ["all are listed as down", set(1, 2), downed(set(1, 2)), []],
    ["those that were down left", downed(set(1, 2)), [], []],
    ["one without endpoints left", [{ ...set(1)[0]!, endpoints: [] }], [], []],
    ["an empty set stayed empty", [], [], []],
  ] as const
) {
  Deno.test(`plausibility, when ${what} ${probed.length} are probed`, () => {
    assertEquals(
      judge(old, next, policy),
      probed.length === 0 ? { kind: "accept" } : { kind: "probe", vanished: probed },
    );
  });
}
