/** What is said of a name that no service has: the nearest one, where there is one. */
import { assert, assertEquals } from "@test/assert";
import { NameLookup } from "../../../../lib/control/discovery/lookup.ts";
import { NamesIndex } from "../../../../lib/control/discovery/names_index.ts";
import { RegistryError } from "../../../../lib/control/registry/registry.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

async function detailOf(name: string, names: readonly string[] | RegistryError, known = "") {
  const clock = new FakeClock();
  const index = new NamesIndex({
    fetchNames: () =>
      names instanceof RegistryError ? Promise.reject(names) : Promise.resolve(names),
    clock,
    intervalMs: 30_000,
  });
  const lookup = new NameLookup({
    clock,
    logger: new RecordingLogger(),
    where: "the registry",
    negativeMs: 1000,
    names: index,
    known: new Map(known === "" ? [] : [[known, true]]),
    blocked: () => undefined,
    find: () => Promise.resolve(false),
    others: { split: () => [], names: () => index, find: () => Promise.resolve(false) },
    failed: () => {},
  });
  const found = await lookup.lookup(name);
  assert(found.kind === "unknown", found.kind);
  return found.detail;
}

for (
  const [name, names, known, detail] of [
    [
      "AcountService",
      ["AccountService", "Cart"],
      "",
      'there is no service "AcountService" (did you mean AccountService?) in the registry',
    ],
    ["Zebra", ["AccountService", "Cart"], "", 'there is no service "Zebra" in the registry'],
    [
      "Crat",
      new RegistryError("refused", "names are not for you"),
      "Cart",
      'there is no service "Crat" (did you mean Cart?) in the registry: other spellings were not tried, ' +
      "names are not for you",
    ],
  ] as const
) {
  Deno.test(`look-up, of ${name} among ${known || names} it says: ${detail.slice(0, 60)}`, async () =>
    assertEquals(await detailOf(name, names, known), detail));
}
