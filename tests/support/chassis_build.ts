/** The chassis programs of the interop tests: built once into a cache folder, or a reason why they cannot be had. */
import { defaultStateDir } from "../../lib/platform/state_dir.ts";

const sources = new URL("../interop/chassis", import.meta.url).pathname;

/** First downloads take their time; a build from warm caches takes seconds. Units: milliseconds. */
const stepMs = 8 * 60_000;

interface Step {
  readonly command: readonly string[];
  /** What stops here is a tool or a download that is lacking, and not a fault of the sources. */
  readonly mayFail: boolean;
}

export interface Recipe {
  readonly name: string;
  /** Folder of the sources below the one of all of them. */
  readonly folder: string;
  /** The one of all of them; that of the chassis programs when left out. */
  readonly below?: string;
  readonly env: Readonly<Record<string, string>>;
  /** A command that has to work whenever the programs are to run; unset: they run by themselves. */
  readonly needs?: readonly string[];
  readonly steps: readonly Step[];
}

/** A set of programs that can be started, or why not. */
export type Peer =
  | { readonly kind: "ready"; readonly name: string; readonly folder: string }
  | { readonly kind: "missing"; readonly name: string; readonly reason: string };

const goChassis: Recipe = {
  name: "go-chassis 2.7.1",
  folder: "go",
  // Later compilers refuse one of its dependencies.
  env: { GOTOOLCHAIN: "go1.20.14", GOFLAGS: "-mod=mod", GOWORK: "off" },
  steps: [
    { command: ["go", "mod", "tidy"], mayFail: true },
    { command: ["go", "build", "-o", "bin/", "./provider", "./consumer"], mayFail: false },
  ],
};

const javaChassis: Recipe = {
  name: "java-chassis 2.8.3",
  folder: "java",
  env: {},
  needs: ["java", "-version"],
  steps: [
    { command: ["javac", "--release", "17", "-version"], mayFail: true },
    {
      command: ["mvn", "-B", "-q", "dependency:copy-dependencies"]
        .concat("-DoutputDirectory=lib", "-DincludeScope=runtime"),
      mayFail: true,
    },
    {
      command: ["javac", "-parameters", "--release", "17", "-cp", "lib/*", "-d", "classes"]
        .concat("-sourcepath", "src", "src/peer/App.java", "src/peer/Hello.java"),
      mayFail: false,
    },
  ],
};

/** Both sets of programs, built side by side where they are not in the cache. */
export async function chassisPeers(): Promise<{ readonly go: Peer; readonly java: Peer }> {
  const [go, java] = await Promise.all([peerOf(goChassis), peerOf(javaChassis)]);
  for (const peer of [go, java]) {
    if (peer.kind === "missing") console.log(`skipped, no ${peer.name}: ${peer.reason}`);
  }
  return { go, java };
}

/** Errors: when the sources do not compile; that is a fault and no reason to skip. */
export async function peerOf(recipe: Recipe): Promise<Peer> {
  const { name, needs, below = sources } = recipe;
  const lacking = needs && await run(needs, { cwd: below, env: recipe.env });
  if (lacking !== undefined) return { kind: "missing", name, reason: lacking };
  const from = `${below}/${recipe.folder}`;
  const folder = `${cacheFolder()}/${recipe.folder}-${await fingerprint(recipe, from)}`;
  if (await exists(folder)) return { kind: "ready", name, folder };
  const startedMs = performance.now();
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const workshop = await Deno.makeTempDir({ dir: cacheFolder(), prefix: ".building-" });
  try {
    await copyFolder(from, workshop);
    for (const step of recipe.steps) {
      const failure = await run(step.command, { cwd: workshop, env: recipe.env });
      if (failure === undefined) continue;
      const reason = `${step.command.slice(0, 3).join(" ")} failed: ${failure}`;
      if (step.mayFail) return { kind: "missing", name, reason };
      throw new Error(`the programs for ${name} do not build; ${reason}`);
    }
    await Deno.rename(workshop, folder);
  } catch (error) {
    // Another run has built the same meanwhile.
    if (!(await exists(folder))) throw error;
  } finally {
    if (await exists(workshop)) await Deno.remove(workshop, { recursive: true });
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(`built the programs for ${name} in ${seconds} s: ${folder}`);
  return { kind: "ready", name, folder };
}

function cacheFolder(): string {
  const beside = defaultStateDir((name) => Deno.env.get(name), Deno.build.os);
  return beside === undefined
    ? `${Deno.env.get("TMPDIR") ?? "/tmp"}/mesher-interop`
    : `${beside}-interop`;
}

/** Changes with everything that goes into a build. */
async function fingerprint(recipe: Recipe, from: string): Promise<string> {
  const texts = await Promise.all(
    (await filesBelow(from)).map(async (path) =>
      path + (await Deno.readTextFile(`${from}/${path}`))
    ),
  );
  const bytes = new TextEncoder().encode(JSON.stringify([recipe, texts]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function filesBelow(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${folder}/${prefix}`)) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory) found.push(...await filesBelow(folder, `${path}/`));
    else found.push(path);
  }
  return found.sort();
}

async function copyFolder(from: string, to: string): Promise<void> {
  for (const path of await filesBelow(from)) {
    await Deno.mkdir(`${to}/${path.slice(0, path.lastIndexOf("/") + 1)}`, { recursive: true });
    await Deno.copyFile(`${from}/${path}`, `${to}/${path}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Shape: undefined when it went well, else the end of what the program said. */
async function run(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string | undefined> {
  const [program = "", ...args] = command;
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args,
      ...options,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(stepMs),
    }).output();
    if (success) return undefined;
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const lines = said.trim().split("\n");
    // Maven says first what is wrong, the others last.
    return lines.find((line) => /^\[ERROR\] \S/.test(line)) ?? lines.slice(-8).join("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no ${program} on this machine`;
    throw error;
  }
}
