/** Metrics by name: what the README and the files beside it speak of has to be in the catalog. */
import { assert, assertEquals } from "@test/assert";
import { catalog } from "../../../../lib/control/telemetry/catalog.ts";

const root = new URL("../../../../", import.meta.url);
const places = [
  "README.md",
  ...[...Deno.readDirSync(new URL("config/", root))]
    .map(({ name }) => `config/${name}`)
    .filter((name) => /\.(json|ya?ml)$/.test(name)),
];

/** As they are shown: a histogram has three. */
const shown = new Set(
  catalog.flatMap(({ name, type }) =>
    type === "histogram" ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
  ),
);

for (const place of places) {
  Deno.test(`metric names, every one in ${place} is in the catalog`, () => {
    const text = Deno.readTextFileSync(new URL(place, root));
    const named = [...text.matchAll(/\bmesher_[a-z_]+/g)].map(([name]) => name);
    assertEquals(named.filter((name) => !shown.has(name)), []);
  });
}

Deno.test("metric names, the README, the dashboard and the rules name some", () => {
  for (const place of ["README.md", "config/grafana.json", "config/alerts.yml"]) {
    assert(places.includes(place), place);
    assert(Deno.readTextFileSync(new URL(place, root)).includes("mesher_"), place);
  }
});
