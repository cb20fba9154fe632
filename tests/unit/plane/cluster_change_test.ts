/** What is sent of a set that differs from the last one. */
import { assert, assertEquals } from "@test/assert";
import { changeBetween, sameRecord, wholeChange } from "../../../lib/plane/cluster_change.ts";
import type {
  ChangeRecords,
  ClusterSnapshot,
  EndpointSnapshot,
} from "../../../lib/plane/messages.ts";
import { RecordPack } from "../../../lib/plane/record_pack.ts";

const records = new Map<string, EndpointSnapshot>();

/**
 * Shape: `7` is an endpoint, `7*` another record of the same instance, `7b` another instance at the same address; equal
 * names are the same object.
 */
function record(name: string): EndpointSnapshot {
  const known = records.get(name) ?? {
    host: "10.0.0.1",
    port: parseInt(name),
    instanceId: `i${name.replace("*", "")}`,
    version: name,
    mesher: false,
  };
  records.set(name, known);
  return known;
}

function set(names: string, endpoints = names.split(" ").filter(Boolean).map(record)) {
  const cluster: ClusterSnapshot = { service: "Cart", block: 3, endpoints, unusable: ["x"] };
  return { number: 8, cluster };
}

function recordsOf(added: ChangeRecords): readonly EndpointSnapshot[] {
  if (added.kind === "few") return added.records;
  const pack = new RecordPack(added.records);
  return pack.readStretch(0, pack.count);
}

function change(before: string, after: string) {
  const { added, kept, splices } = changeBetween({ ...set(before), number: 7 }, set(after));
  return { splices, added: recordsOf(added).map(({ version }) => version), kept };
}

for (
  const [what, before, after, splices, added, kept] of [
    ["nothing", "1 2 3", "1 2 3", [], "", []],
    ["one that came last", "1 2", "1 2 3", [2, 0, 1], "3", []],
    ["one that came first", "1 2", "3 1 2", [0, 0, 1], "3", []],
    ["one that left", "1 2 3", "1 3", [1, 1, 0], "", []],
    ["all that left", "1 2", "", [0, 2, 0], "", []],
    ["the first ones", "", "1 2", [0, 0, 2], "1 2", []],
    ["one in place of another", "1 2 3", "1 4 3", [1, 1, 1], "4", []],
    ["one that left and one that came elsewhere", "1 2 3", "1 3 4", [1, 1, 0, 3, 0, 1], "4", []],
    ["another record of one instance", "1 2 3", "1 2* 3", [1, 1, 1], "2*", [0, 1, 0]],
    ["another instance at one address", "1 2 3", "1 2b 3", [1, 1, 1], "2b", [0, 1, 1]],
    ["two that changed places", "1 2", "2 1", [0, 1, 0, 2, 0, 1], "1", [0, 0, 0]],
    ["all others", "1 2", "3 4", [0, 2, 2], "3 4", []],
  ] as const
) {
  Deno.test(`cluster change, tells ${what}`, () => {
    const expected = { splices: [...splices], added: added.split(" ").filter(Boolean), kept };
    assertEquals(change(before, after), { ...expected, kept: [...kept] });
  });
}

Deno.test("cluster change, names the sets it leads from and to", () => {
  const { base, block, number, service, unusable } = changeBetween(
    { ...set("1"), number: 7 },
    set("2"),
  );
  assertEquals([base, number, service, block, unusable], [7, 8, "Cart", 3, ["x"]]);
  assertEquals(wholeChange(set("1")).base, 0);
});

Deno.test("cluster change, equal records that are other objects are no change", () => {
  const after = set("", structuredClone(set("1 2 3").cluster.endpoints) as EndpointSnapshot[]);
  assertEquals(changeBetween(set("1 2 3"), after).splices, []);
});

Deno.test("cluster change, a large set comes packed, a small one as it is", () => {
  for (const [size, kind] of [[64, "few"], [65, "many"]] as const) {
    const endpoints = Array.from({ length: size }, (_, index) => record(String(index + 1)));
    const { added, splices } = structuredClone(wholeChange(set("", endpoints)));
    assertEquals([added.kind, splices], [kind, [0, 0, size]]);
    assertEquals(recordsOf(added), endpoints);
  }
  assertEquals(wholeChange(set("")).splices, []);
});

for (
  const [what, more] of [
    ["host", { host: "10.0.0.2" }],
    ["port", { port: 9 }],
    ["instance", { instanceId: "other" }],
    ["version", { version: "2" }],
    ["sidecar", { mesher: true }],
    ["slot", { slot: 1 }],
    ["region", { region: "r" }],
    ["zone", { zone: "z" }],
    ["weight", { weight: 2 }],
    ["number of tags", { tags: { a: "1", b: "2" } }],
    ["value of a tag", { tags: { a: "2" } }],
    ["name of a tag", { tags: { c: "1" } }],
    ["tags at all", { tags: undefined }],
  ] as const
) {
  Deno.test(`records, another ${what} makes another record`, () => {
    const one = { ...record("1"), tags: { a: "1" } };
    const other = { ...one, ...more } as EndpointSnapshot;
    assert(sameRecord(one, structuredClone(one)));
    assert(!sameRecord(one, other) && !sameRecord(other, one));
  });
}
