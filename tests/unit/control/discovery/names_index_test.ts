/** The list of names for callers that write them in lower case. */
import { assertEquals, rejection } from "@test/assert";
import { NamesIndex } from "../../../../lib/control/discovery/names_index.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

function setUp(...names: string[]) {
  const clock = new FakeClock();
  const registry = { names, asked: 0, failure: undefined as Error | undefined };
  const index = new NamesIndex({
    fetchNames: () => {
      registry.asked++;
      return registry.failure ? Promise.reject(registry.failure) : Promise.resolve(registry.names);
    },
    clock,
    intervalMs: 30_000,
  });
  return { clock, registry, index };
}

Deno.test("names index, finds every spelling without asking again", async () => {
  const { registry, index } = setUp("Account", "Cart", "cart");
  assertEquals(await index.matching("ACCOUNT"), ["Account"]);
  assertEquals(await index.matching("CART"), ["Cart", "cart"]);
  assertEquals(registry.asked, 1);
});

Deno.test("names index, misses ask again after a second, then ever more seldom", async () => {
  const { clock, registry, index } = setUp("Account");
  const askedAt: number[] = [];
  for (let second = 0; second <= 120; second++) {
    const before = registry.asked;
    await index.matching("nope");
    if (registry.asked > before) askedAt.push(second);
    await clock.advance(1000);
  }
  assertEquals(askedAt, [0, 2, 6, 14, 30, 60, 90, 120]);
  registry.names.push("Nope");
  await clock.advance(30_000);
  assertEquals(await index.matching("nope"), ["Nope"]);
});

Deno.test("names index, a service registered just after the list was fetched is found at once", async () => {
  const { registry, index } = setUp("Store");
  await index.refresh();
  registry.names.push("Account");
  assertEquals(await index.matching("account"), ["Account"]);
});

Deno.test("names index, several misses at once are one question", async () => {
  const { registry, index } = setUp("Account");
  await Promise.all([index.matching("a"), index.matching("b"), index.matching("c")]);
  assertEquals(registry.asked, 1);
});

Deno.test("names index, an old list is better than none, and none is the registry's error", async () => {
  const { clock, registry, index } = setUp("Account");
  registry.failure = new Error("down");
  assertEquals(await rejection(index.matching("account")), registry.failure);
  registry.failure = undefined;
  assertEquals(await index.matching("account"), ["Account"]);
  registry.failure = new Error("down again");
  await clock.advance(60_000);
  assertEquals(await index.matching("account"), ["Account"]);
});

Deno.test("names index, the nearest name is told of once there is a list, and no other", async () => {
  const { index } = setUp("AccountService", "CartService");
  assertEquals(index.near("AcountService"), undefined);
  await index.refresh();
  assertEquals(index.near("AcountService"), "AccountService");
  assertEquals(index.near("account-servise"), "AccountService");
  assertEquals(index.near("Zebra"), undefined);
});

Deno.test("names index, in a very long list nothing is compared", async () => {
  const { index } = setUp(...Array.from({ length: 5001 }, (_, number) => `Service${number}`));
  await index.refresh();
  assertEquals(index.near("Service12x"), undefined);
});

Deno.test("names index, a change in the registry makes the next miss ask again", async () => {
  const { registry, index } = setUp("Account");
  await index.matching("x");
  index.invalidate();
  await index.matching("x");
  assertEquals(registry.asked, 2);
});
