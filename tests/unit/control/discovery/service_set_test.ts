/** Pure questions asked of a set of instances. */
import { assert, assertEquals } from "@test/assert";
import {
  canonicalJson,
  compareVersions,
  mainEndpoint,
  selectVersions,
} from "../../../../lib/control/discovery/service_set.ts";
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
