/** README.md says what the code says: failure table, version of Deno, tasks, configuration keys. */
import { assert } from "@test/assert";
import { failureRows } from "../../../scripts/readme_failures.ts";

const root = new URL("../../../", import.meta.url);
const readme = Deno.readTextFileSync(new URL("README.md", root));

Deno.test("README, its failure table is the code's own", () => {
  // The formatter pads table cells.
  const unpadded = readme.replaceAll(/ +\|/g, " |");
  assert(unpadded.includes(failureRows()), "run scripts/readme_failures.ts and put its rows in");
});

Deno.test("README, names the pinned version of Deno and no other", () => {
  const pinned = Deno.readTextFileSync(new URL("scripts/deno-version", root)).trim();
  const named = [...readme.matchAll(/deno@(\d+\.\d+\.\d+)/g)].map((match) => match[1]);
  assert(named.length > 0);
  assert(named.every((version) => version === pinned), named.join(", "));
});

Deno.test("README, every task it names exists", () => {
  const tasks = Deno.readTextFileSync(new URL("deno.json", root));
  for (const [, task] of readme.matchAll(/\btask ([a-z:]+)/g)) {
    assert(tasks.includes(`"${task}": `), task);
  }
});

Deno.test("README, every variable it names is a key of the configuration", () => {
  const keys = Deno.readTextFileSync(new URL("config/mesher.yaml", root));
  for (const [, name] of readme.matchAll(/`MESHER_([A-Z_]+)`/g)) {
    if (name === "CONFIG") continue;
    const words = name!.toLowerCase();
    const group = words.split("_")[0]!;
    const known = new RegExp(`^#? ?${words}:`, "m").test(keys) ||
      (new RegExp(`^${group}:`, "m").test(keys) && keys.includes(words.slice(group.length + 1)));
    assert(known, `MESHER_${name}`);
  }
});
