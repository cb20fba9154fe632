/** Reading one value out of a request: cookies, query parameters, keys of hashes. */
import { assertEquals } from "@test/assert";
import { cookieValue, queryValue, trafficKey } from "../../../../lib/data/routing/facts.ts";
import { seeded } from "../../../support/seeded.ts";
import { factsOf } from "./facts_support.ts";

const cookies: readonly (readonly [header: string | undefined, value: string | undefined])[] = [
  [undefined, undefined],
  ["", undefined],
  ["u=1", "1"],
  ["a=2; u=1", "1"],
  ["a=2;u=1;b=3", "1"],
  ["u=1; u=2", "1"],
  ["xu=1", undefined],
  ["ux=1", undefined],
  ["U=1", undefined],
  ["x=u=3; u=1", "1"],
  ["u=a=b", "a=b"],
  ['u="quoted"', "quoted"],
  ['u="', '"'],
  ["u=", ""],
  ["u", undefined],
  ["  u = 1 ", "1"],
  ["a=1;\tu=2", "2"],
];

for (const [header, value] of cookies) {
  Deno.test(`cookie u, in ${JSON.stringify(header)} is ${value}`, () => {
    assertEquals(cookieValue(header, "u"), value);
  });
}

const queries: readonly (readonly [query: string, value: string | undefined])[] = [
  ["", undefined],
  ["q=1", "1"],
  ["a=1&q=2", "2"],
  ["q=1&q=2", "1"],
  ["q", ""],
  ["q=", ""],
  ["a=q=1", undefined],
  ["aq=1", undefined],
  ["qa=1", undefined],
  ["q=a=b", "a=b"],
  ["q=a+b%20c%2B", "a b c+"],
  ["q=%C3%A9", "é"],
  ["q=%", "%"],
  ["q=100%&x=1", "100%"],
  ["q=%FFok%21", "%FFok!"],
  ["%71=1", "1"],
  ["&&q=1", "1"],
  ["Q=1", undefined],
];

for (const [query, value] of queries) {
  Deno.test(`query parameter q, in ${JSON.stringify(query)} is ${value}`, () => {
    assertEquals(queryValue(query, "q"), value);
  });
}

Deno.test("query parameters, random ones read as URLSearchParams reads them", () => {
  const random = seeded(23);
  const texts = ["a", "b", "a b", "ä", "a+b", "a&b", "a=b", "100%", "", "%41"];
  for (let round = 0; round < 500; round++) {
    const params = new URLSearchParams();
    for (let count = random.below(5); count > 0; count--) {
      params.append(random.of(texts), random.of(texts));
    }
    for (const name of texts.filter(Boolean)) {
      assertEquals(queryValue(params.toString(), name), params.get(name) ?? undefined);
    }
  }
});

Deno.test("key of a hash, is the header, cookie, address or caller, and none when that is missing or empty", () => {
  const facts = factsOf({
    headers: { "X-User": "ann", Cookie: "sid=7", "X-Empty": "" },
    caller: "web",
    source: "10.1.1.1",
  });
  assertEquals(trafficKey(facts, { kind: "header", name: "x-user" }), "ann");
  assertEquals(trafficKey(facts, { kind: "header", name: "x-empty" }), undefined);
  assertEquals(trafficKey(facts, { kind: "header", name: "x-none" }), undefined);
  assertEquals(trafficKey(facts, { kind: "cookie", name: "sid" }), "7");
  assertEquals(trafficKey(facts, { kind: "cookie", name: "none" }), undefined);
  assertEquals(trafficKey(facts, { kind: "source" }), "10.1.1.1");
  assertEquals(trafficKey(facts, { kind: "caller" }), "web");
  assertEquals(trafficKey(factsOf({ caller: "" }), { kind: "caller" }), undefined);
});
