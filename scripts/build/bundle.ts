/** Puts main.ts and the data thread's module into a few plain files, so that no package travels whole. */
import { run } from "./run.ts";

/** What the compile step starts from; everything lies below `folder`. */
export interface Bundle {
  readonly folder: string;
  readonly main: string;
  /** Started by its address, so no import leads to it. */
  readonly thread: string;
}

/** How lib/app names the data thread's module, seen from its own. */
const threadAddress = "../data/thread.ts";

export interface BuildStamp {
  readonly commit: string | undefined;
  readonly builtAt: string;
}

/**
 * Bundles with the Deno that runs this, one file for each part that is loaded on its own.
 *
 * Errors: what the bundler says. Cost: unminified modules were measured to take 7 MB more memory; the runtime keeps
 * several times the size of what it loads. The price is short names in stack traces.
 */
export async function bundle(root: string, stamp: BuildStamp): Promise<Bundle> {
  const folder = `${root}dist/.build`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${folder}/data`, { recursive: true });
  await Deno.writeTextFile(`${folder}/build_stamp.ts`, stampModule(stamp));
  const imports = await importsOf(root);
  await Deno.writeTextFile(`${folder}/yaml.ts`, yamlModule(imports[yaml]!));
  await Deno.writeTextFile(`${folder}/import_map.json`, importMap(imports));
  const attempt = await run([
    Deno.execPath(),
    "bundle",
    "--no-check",
    "--import-map",
    `${folder}/import_map.json`,
    "--platform",
    "deno",
    "--code-splitting",
    "--minify",
    "--outdir",
    `${folder}/app`,
    "main.ts",
    "lib/data/thread.ts",
  ], { cwd: root });
  if (!attempt.success) throw new Error(`bundling failed:\n${attempt.said}`);
  await expectThreadAddress(`${folder}/app`);
  await Deno.writeTextFile(`${folder}/data/thread.ts`, 'import "../app/lib/data/thread.js";\n');
  await setTimes(folder, new Date(stamp.builtAt));
  return { folder, main: "app/main.js", thread: "data/thread.ts" };
}

/** The times of files travel with the program; with these two builds of the same time are the same. */
async function setTimes(folder: string, time: Date): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await setTimes(`${folder}/${name}`, time);
    else await Deno.utime(`${folder}/${name}`, time, time);
  }
}

function stampModule({ commit, builtAt }: BuildStamp): string {
  return `export const commit = ${JSON.stringify(commit)};\n` +
    `export const builtAt = ${JSON.stringify(builtAt)};\n`;
}

/** Loaded only when there is a file to read. */
const yaml = "@std/yaml";

/**
 * A package in the older module format, loaded late, would come out of the bundler with a default export alone. Named
 * here one by one the functions keep their names.
 */
function yamlModule(target: string): string {
  return `export { parse, stringify } from ${JSON.stringify(target)};\n`;
}

/** The imports of deno.json, seen from the folder of the bundle. */
async function importsOf(root: string): Promise<Readonly<Record<string, string>>> {
  const text = await Deno.readTextFile(`${root}deno.json`);
  const { imports } = JSON.parse(text.replace(/^\s*\/\/.*$/gm, "")) as {
    imports: Record<string, string>;
  };
  return Object.fromEntries(
    Object.entries(imports).map(([name, target]) => [
      name,
      target.startsWith("./") ? `../../${target.slice(2)}` : target,
    ]),
  );
}

/** Modules of this build stand in the places of those in the sources. */
function importMap(imports: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    imports: {
      ...imports,
      [yaml]: "./yaml.ts",
      "../../lib/app/build_stamp.ts": "./build_stamp.ts",
    },
  });
}

/**
 * A module finds the thread's beside its own folder. In the bundle that holds only for the files directly in `app`.
 *
 * Errors: when the address is in none of them, or also elsewhere.
 */
async function expectThreadAddress(folder: string): Promise<void> {
  let found = 0;
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && (await Deno.readTextFile(`${folder}/${name}`)).includes(threadAddress)) found++;
  }
  if (found !== 1) {
    throw new Error(
      `the bundle names ${threadAddress} in ${found} files, expected one: has lib/app moved?`,
    );
  }
}

/** The commit of the sources. Shape: undefined without git, or outside of a checkout. */
export async function sourceCommit(root: string): Promise<string | undefined> {
  const head = await run(["git", "rev-parse", "HEAD"], { cwd: root });
  if (!head.success) return undefined;
  const changes = await run(["git", "status", "--porcelain"], { cwd: root });
  return head.said + (changes.success && changes.said === "" ? "" : "-changed");
}

/** Now, or what SOURCE_DATE_EPOCH says, so that a build can be repeated bit by bit. */
export function buildTime(sourceDateEpoch: string | undefined, nowMs: number): string {
  const seconds = Number(sourceDateEpoch || NaN);
  return new Date(Number.isFinite(seconds) ? seconds * 1000 : nowMs).toISOString();
}
