/** Names that were asked for and are kept, and what the doctor makes of them. */
import { assertEquals, assertMatch } from "@test/assert";
import { AskedNames } from "../../../../lib/app/doctor/asked_names.ts";
import { judgeNames, type NamesFacts } from "../../../../lib/app/doctor/names_check.ts";

const unknown = { kind: "unknown", detail: "" } as const;

function asked(...names: [string, Parameters<AskedNames["saw"]>[1]][]) {
  const kept = new AskedNames();
  for (const [index, [name, answer]] of names.entries()) kept.saw(name, answer, index);
  return kept.since(-Infinity);
}

Deno.test("asked names, only those that are not spelled as a service is are kept", () => {
  const kept = asked(
    ["Cart", { kind: "service", service: "Cart" }],
    ["cart", { kind: "service", service: "Cart" }],
    ["example.com", { kind: "host", addresses: ["10.0.0.1"] }],
    ["nowhere.example", { kind: "host_unknown", detail: "" }],
    ["Bill", { kind: "registry_down", detail: "" }],
    ["Crat", unknown],
  );
  assertEquals(kept.map(({ name }) => name), ["Crat", "cart"]);
});

Deno.test("asked names, one that is known by now is forgotten, and the oldest of many", () => {
  const names = new AskedNames();
  names.saw("Cart", unknown, 0);
  names.saw("Cart", { kind: "service", service: "Cart" }, 1);
  assertEquals(names.since(0), []);
  for (let index = 0; index < 150; index++) names.saw(`n${index}`, unknown, index);
  const kept = names.since(0);
  assertEquals([kept.length, kept[0]!.name, kept.at(-1)!.name], [100, "n149", "n50"]);
  assertEquals(names.since(149).length, 1);
});

for (
  const [name, facts, level, words] of [
    ["all is well", { names: ["Cart"] }, "ok", /^1 service in application default; nobody/],
    ["no list", { names: undefined }, "skipped", /could not be asked/],
    [
      "a misspelt name",
      { names: ["AccountService"], asked: asked(["AcountService", unknown]) },
      "problem",
      /"AcountService" was called, .* in application default; did you mean AccountService\?$/,
    ],
    [
      "a name like no other",
      { names: ["AccountService"], asked: asked(["Zebra", unknown]) },
      "problem",
      /no such service in application default$/,
    ],
    [
      "a name that has come since",
      { names: ["Late"], asked: asked(["Late", unknown]) },
      "ok",
      /1 service/,
    ],
    [
      "a name that fits two",
      { names: [], asked: asked(["cart", { kind: "ambiguous", names: ["Cart", "CART"] }]) },
      "problem",
      /fits Cart and CART/,
    ],
    [
      "a name in the wrong case",
      { names: ["Cart"], asked: asked(["cart", { kind: "service", service: "Cart" }]) },
      "note",
      /without regard to case: cart for Cart/,
    ],
    ["names that differ by case", { names: ["Cart", "CART", "Bill"] }, "warning", /CART and Cart/],
  ] satisfies readonly (readonly [string, Partial<NamesFacts>, string, RegExp])[]
) {
  Deno.test(`doctor, names: ${name}`, () => {
    const found = judgeNames({ asked: [], where: "application default", ...facts });
    assertEquals(found.map((one) => one.level), [level]);
    assertMatch(found[0]!.says, words);
  });
}
