/** Appends modules to a base runtime, with whatever runtime can be had here. */
import { fallbackRuntime } from "./fallback_runtime.ts";
import { run } from "./run.ts";
import { fallback, type Target } from "./targets.ts";
import { v8Flags } from "../v8_flags.ts";

/** What a compiled mesher may do. Listed one by one, so that nothing comes along unseen. */
const permissions = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
  "--allow-ffi",
] as const;

/** Where the release host's packets vanish there is no quick refusal. */
const downloadTimeoutMs = 120_000;

/** No runtime for a target can be had on this machine; nothing is wrong with the program. */
export class NoRuntimeError extends Error {}

export interface Program {
  /** The modules are named relative to it. */
  readonly folder: string;
  readonly main: string;
  /** Modules that no import leads to. */
  readonly include: readonly string[];
}

function compileArgs(program: Program, target: Target, output: string): string[] {
  return [
    "compile",
    // Types are the business of `deno check`, and the fallback has an older compiler.
    "--no-check",
    // The bundle needs no packages and no import map.
    "--no-config",
    "--no-lock",
    "--no-npm",
    "--no-remote",
    // The cache of compiled code would lie under a name known to all in the folder for temporary files, where any
    // other user could have put one before.
    "--no-code-cache",
    "--target",
    target.name,
    ...permissions,
    v8Flags,
    ...program.include.flatMap((module) => ["--include", module]),
    "--output",
    output,
    program.main,
  ];
}

/** Why the release host was of no use, once that is known; further targets need not wait for it again. */
let releaseHostSilent: string | undefined;

/**
 * Tries the three ways in order.
 *
 * Shape: how the program was made. Errors: NoRuntimeError when no way has a runtime; Error when compiling itself
 * fails.
 */
export async function compile(
  program: Program,
  target: Target,
  output: string,
): Promise<string> {
  const args = compileArgs(program, target, output);
  const cwd = program.folder;
  const own = Deno.env.get("DENORT_BIN") ?? "";
  if (own !== "") {
    await expectRuntimeVersion(own);
    const attempt = await run([Deno.execPath(), ...args], { cwd });
    if (attempt.success) return `Deno ${Deno.version.deno} with DENORT_BIN=${own}`;
    throw new Error(`compiling with DENORT_BIN=${own} failed:\n${attempt.said}`);
  }
  if (releaseHostSilent === undefined) {
    const downloaded = await run([Deno.execPath(), ...args], { cwd, timeoutMs: downloadTimeoutMs });
    if (downloaded.success) return `Deno ${Deno.version.deno}, runtime from Deno's release host`;
    // Only the runtime may be missing; an error of the program itself would come back with every runtime.
    if (!/base binary|denort|error sending request|aborted/i.test(downloaded.said)) {
      throw new Error(`compiling failed:\n${downloaded.said}`);
    }
    const line = downloaded.said.split("\n").find((one) => /error sending request/.test(one));
    releaseHostSilent = line?.trim() ?? "no answer in time";
    console.error(`no runtime from Deno's release host: ${releaseHostSilent}`);
  }
  const runtime = await fallbackRuntime(target);
  if (runtime === undefined) {
    throw new NoRuntimeError(
      `Deno's release host cannot be reached and no package holds a runtime that can be used; set DENORT_BIN to ` +
        `the denort of Deno ${Deno.version.deno} for ${target.name}`,
    );
  }
  const attempt = await run(["npx", "-y", `deno@${fallback.deno}`, ...args], {
    cwd,
    env: { DENORT_BIN: runtime },
  });
  if (attempt.success) {
    return `Deno ${fallback.deno}, runtime from the package ${fallback.package} ${fallback.version}`;
  }
  throw new Error(`compiling with Deno ${fallback.deno} failed:\n${attempt.said}`);
}

/**
 * A runtime of another version takes the program without a word and may fail later.
 *
 * Errors: one that cannot be read, or that names another version of Deno in its user agent.
 */
async function expectRuntimeVersion(path: string): Promise<void> {
  let text: string;
  try {
    text = new TextDecoder("latin1").decode(await Deno.readFile(path));
  } catch (error) {
    throw new Error(`DENORT_BIN=${path} cannot be read`, { cause: error });
  }
  const found = /Deno\/(\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (found !== undefined && found !== Deno.version.deno) {
    throw new Error(`DENORT_BIN=${path} is of Deno ${found}, wanted is ${Deno.version.deno}`);
  }
}
