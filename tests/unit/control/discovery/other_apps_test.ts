/** Which names can mean a service of another application. */
import { assertEquals } from "@test/assert";
import { otherKey, splitName } from "../../../../lib/control/discovery/other_apps.ts";

for (
  const [name, apps, meanings] of [
    ["Cart.shop", ["shop"], ["Cart in shop"]],
    ["cart.SHOP", ["Shop"], ["cart in Shop"]],
    ["a.b.shop", ["shop"], ["a.b in shop"]],
    ["Cart.eu.shop", ["shop", "eu.shop"], ["Cart in eu.shop", "Cart.eu in shop"]],
    ["Cart.shop", ["billing"], []],
    ["Cart.shop", [], []],
    ["shop", ["shop"], []],
    [".shop", ["shop"], []],
    ["Cartshop", ["shop"], []],
    ["Cart.shop.example", ["shop"], []],
  ] as const
) {
  Deno.test(`other applications, ${name} with ${apps.join(" and ") || "none"} listed means ${meanings.join(" or ") || "none"}`, () => {
    assertEquals(splitName(name, apps).map((one) => `${one.name} in ${one.app}`), meanings);
  });
}

Deno.test("other applications, the name of a service splits back into itself", () => {
  const service = { app: "eu.shop", name: "Cart.v2" };
  assertEquals(splitName(otherKey(service), ["eu.shop"]), [service]);
});
