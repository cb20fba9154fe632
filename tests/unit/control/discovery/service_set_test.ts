/** Pure questions asked of a set of instances. */
import { assert, assertEquals } from "@test/assert";
import {
  canonicalJson,
  compareVersions,
  mainEndpoint,
  sameContent,
  selectVersions,
  shareUnchanged,
} from "../../../../lib/control/discovery/service_set.ts";
import type { Instance } from "../../../../lib/core/types.ts";
import { instance } from "../../../support/registry_fakes.ts";

for (
  const [a, b, sign] of [
    ["1.0.0", "1.0.0", 0],
    ["1.0", "1.0.0", 0],
    ["1.10.0", "1.9.9", 1],
    ["2", "1.9.9.9", 1],
    ["0.0.1", "0.0.0.9", 1],
    ["", "0.0.1", -1],
    ["latest", "0", -1],
    ["x", "y", 0],
  ] as const
) {
  Deno.test(`versions, "${a}" against "${b}" is ${sign}`, () => {
    assertEquals(Math.sign(compareVersions(a, b)), sign);
    assertEquals(Math.sign(compareVersions(b, a)) + 0, -sign + 0);
  });
}

Deno.test("version choice, all keeps everything and latest the highest version that is up", () => {
  const old = instance("rest://10.0.0.1:80", { version: "1.9.0" });
  const next = instance("rest://10.0.0.2:80", { version: "1.10.0" });
  const coming = instance("rest://10.0.0.3:80", { version: "2.0.0", status: "STARTING" });
  const set = [old, next, coming];
  assertEquals(selectVersions(set, "all"), set);
  assertEquals(selectVersions(set, "latest"), [next]);
  assertEquals(selectVersions([coming], "latest"), [coming]);
  assertEquals(selectVersions([], "latest"), []);
});

Deno.test("canonical text, does not depend on the order of keys but on the order of lists", () => {
  assertEquals(canonicalJson({ b: [{ d: 1, c: 2 }], a: 3 }), '{"a":3,"b":[{"c":2,"d":1}]}');
  assert(canonicalJson([1, 2]) !== canonicalJson([2, 1]));
});

Deno.test("main endpoint, the HTTP one wherever it stands, else the first", () => {
  const both = instance("grpc://10.0.0.1:90");
  const endpoints = [...both.endpoints, ...instance("rest://10.0.0.1:80").endpoints];
  assertEquals(mainEndpoint({ ...both, endpoints })?.port, 80);
  assertEquals(mainEndpoint(both)?.port, 90);
  assertEquals(mainEndpoint({ ...both, endpoints: [] }), undefined);
});

const shop = (...ports: number[]) => ports.map((port) => instance(`rest://10.0.0.1:${port}`));

Deno.test("unchanged records, a set that says the same is the older one itself", () => {
  const old = shop(1, 2, 3);
  assert(shareUnchanged(old, structuredClone(old)) === old);
  const none: readonly Instance[] = [];
  assert(shareUnchanged(none, []) === none);
});

Deno.test("unchanged records, those that say the same are the older objects wherever they stand", () => {
  const old = shop(1, 2, 3, 4);
  const next = structuredClone([old[3]!, { ...old[1]!, version: "2.0.0" }, old[0]!, ...shop(5)]);
  const shared = shareUnchanged(old, next);
  assertEquals(shared, next);
  assertEquals(shared.map((one) => old.indexOf(one)), [3, -1, 0, -1]);
});

Deno.test("unchanged records, a set that only lost one or is ordered otherwise is another one", () => {
  const old = shop(1, 2, 3);
  assertEquals(shareUnchanged(old, shop(1, 2)), shop(1, 2));
  assertEquals(shareUnchanged(old, shop(1, 3, 2)), shop(1, 3, 2));
});

/** With undefined values, which JSON leaves out. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_key, item) => item === undefined ? "undefined" : item);
}

for (
  const [a, b, same] of [
    [{ a: 1, b: [{ c: "x" }] }, { b: [{ c: "x" }], a: 1 }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [{ a: 1, b: 2 }, { a: 1, c: 2 }, false],
    [{ a: undefined, b: 2 }, { a: 1, b: undefined }, false],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [[], {}, false],
    [{}, [], false],
    [{}, null, false],
    [null, null, true],
    ["1", 1, false],
    [{ toString: "x" }, {}, false],
    [{}, { toString: "x" }, false],
  ] as const
) {
  Deno.test(`content, ${shown(a)} and ${shown(b)}: ${same ? "the same" : "another"}`, () => {
    assertEquals(sameContent(a, b), same);
    assertEquals(sameContent(a, b), canonicalJson(a) === canonicalJson(b));
  });
}
