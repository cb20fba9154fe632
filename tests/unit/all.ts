/** The whole unit tier in one module: `deno test -A tests/unit/all.ts` starts one worker instead of one per file. */
const here = new URL("./", import.meta.url);

async function* testFiles(folder: URL): AsyncGenerator<URL> {
  const entries = [];
  for await (const entry of Deno.readDir(folder)) entries.push(entry);
  for (const { name, isDirectory } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isDirectory) yield* testFiles(new URL(`${name}/`, folder));
    else if (name.endsWith("_test.ts")) yield new URL(name, folder);
  }
}

for await (const file of testFiles(here)) await import(file.href);
