import { assert, assertEquals } from "@test/assert";
import { leafPaths } from "../../../lib/config/paths.ts";
import { restartPaths } from "../../../lib/config/diff.ts";
import { toFileForm } from "../../../lib/config/print.ts";
import { load, loadGood } from "./support.ts";

const text = await Deno.readTextFile(new URL("../../../config/mesher.yaml", import.meta.url));
const uncommented = text.replace(/^#(?=\S)/gm, "");

Deno.test("config/mesher.yaml as it is gives exactly the defaults", async () => {
  assertEquals(await loadGood({ file: text }), await loadGood({}));
});

Deno.test("config/mesher.yaml with its optional keys uncommented names every key there is", async () => {
  const result = await load({ file: uncommented, env: { MESHER_PORTS: "rest:8080" } });
  assert.ok(result.ok, JSON.stringify(result));
  const unnamed = leafPaths.filter((path) => result.sources[path]?.kind === "default");
  assertEquals(unnamed, []);
});

Deno.test("config/mesher.yaml sets every key without a default only in a comment", async () => {
  const result = await load({ file: text });
  assert.ok(result.ok);
  const optional = leafPaths.filter((path) => result.sources[path]?.kind === "default");
  assertEquals(
    [...optional].sort(),
    [
      "admin_token",
      "advertise",
      "hostname",
      "original_config",
      "region",
      "registry_account",
      "registry_ca",
      "registry_cert",
      "registry_key",
      "registry_password",
      "registry_password_file",
      "schemas",
      "service",
      "state_dir",
      "zone",
    ],
  );
});

/** The example below the words, without the marks that make it a comment. */
function exampleOf(key: string): string {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => line.startsWith(`${key}: `));
  const isExample = (line: string | undefined) => line?.startsWith("#   ") === true;
  let last = end;
  while (!isExample(lines[last])) last--;
  let first = last;
  while (isExample(lines[first - 1])) first--;
  return `${key}:\n${lines.slice(first, last + 1).map((line) => line.slice(1)).join("\n")}\n`;
}

for (const key of ["egress_rules", "rate_limits", "routes", "services"] as const) {
  Deno.test(`config/mesher.yaml shows an example of ${key} that can be used as it is`, async () => {
    const result = await load({ file: exampleOf(key) });
    assert.ok(result.ok, JSON.stringify(result));
    assert.notDeepEqual(toFileForm(result.config)[key], toFileForm(await loadGood({}))[key]);
  });
}

Deno.test("config/mesher.yaml marks exactly the keys that need a restart", () => {
  const marked: string[] = [];
  let block = "";
  let group = "";
  let afterKey = false;
  for (const line of text.split("\n")) {
    if (/^\s*# /.test(line)) {
      block = afterKey ? line : block + line;
      afterKey = false;
      continue;
    }
    const key = /^#?( *)([a-z_]+):( ?)/.exec(line);
    if (!key) {
      block = "";
      continue;
    }
    if (line.endsWith(":")) group = `${key[2]}.`;
    else if (block.includes("[restart]")) marked.push(key[1] === "" ? key[2]! : group + key[2]);
    afterKey = true;
  }
  assertEquals(marked.sort(), [...restartPaths].sort());
});
