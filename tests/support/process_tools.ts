/** Programs and packages that interop tests use where they can be had; what cannot be had is skipped with a reason. */
import type { Lab } from "./process.ts";
import { processStory } from "./process_story.ts";

/** How long a package manager may take. Units: milliseconds. */
const installMs = 180_000;

/** What `which` says. */
function inPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Thrown where something is missing that the test cannot make by itself. */
export class Missing extends Error {}

/** A story that needs programs; without them, or when one throws Missing, it passes and says why. */
export function toolStory(
  name: string,
  programs: readonly string[],
  fn: (lab: Lab) => Promise<void>,
): void {
  processStory(name, async (lab) => {
    try {
      const absent = programs.filter((program) => !inPath(program));
      if (absent.length > 0) throw new Missing(`${absent.join(", ")} is not installed here`);
      await fn(lab);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      console.log(`      SKIPPED: ${error.message}`);
    }
  });
}

/** Installs npm packages into a folder of the lab. Shape: the folder. Errors: Missing. */
export async function npmPackages(lab: Lab, ...packages: readonly string[]): Promise<string> {
  const folder = `${lab.folder}/npm`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/package.json`, '{"private":true,"type":"module"}\n');
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", "--silent"];
  await install(lab, ["npm", "install", ...flags, ...packages], folder);
  return folder;
}

/** Installs Python packages into a folder for PYTHONPATH. Shape: the folder. Errors: Missing. */
export async function pythonPackages(lab: Lab, ...packages: readonly string[]): Promise<string> {
  const folder = `${lab.folder}/python`;
  const flags = ["--quiet", "--disable-pip-version-check", "--target", folder];
  await install(lab, ["python3", "-m", "pip", "install", ...flags, ...packages], lab.folder);
  return folder;
}

async function install(lab: Lab, command: readonly string[], cwd: string): Promise<void> {
  // Here the variables that name a proxy are those of this host, not of the test.
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => /_proxy$/i.test(name)),
  );
  let why: string;
  try {
    const { code, stderr } = await lab.run(command, { cwd, env, timeoutMs: installMs });
    if (code === 0) return;
    why = stderr.trim().split("\n").at(-1) ?? "";
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  throw new Missing(`${command.slice(0, 3).join(" ")} failed: ${why}`);
}
