/** `deno task build`: compiles main.ts into one program, with whatever base runtime can be had here. */
import { sha256 } from "./build/archive.ts";
import { fallbackRuntime } from "./build/fallback_runtime.ts";
import { fallback, type Target, targets } from "./build/targets.ts";
import { v8Flags } from "./v8_flags.ts";

const usage = `deno task build [--target NAME]
  --target NAME   one of: ${targets.map((one) => one.name).join(", ")}
                  (default: this machine's; others are written to dist/mesher-NAME)
The base runtime is DENORT_BIN if that is set, else the one that deno compile downloads, else the one in a package.`;

const root = decodeURIComponent(new URL("../", import.meta.url).pathname)
  .replace(/^\/(?=[A-Za-z]:)/, "");

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

// The data thread is started by its address; no import leads to it.
const threadModule = "lib/data/thread.ts";

// Where the release host's packets vanish there is no quick refusal.
const downloadTimeoutMs = 120_000;

function compileArgs(target: Target, output: string): string[] {
  return [
    "compile",
    // Types are the business of `deno check`, and the fallback has an older compiler.
    "--no-check",
    "--target",
    target.name,
    ...permissions,
    v8Flags,
    "--include",
    threadModule,
    "--output",
    output,
    "main.ts",
  ];
}

interface Attempt {
  readonly success: boolean;
  readonly said: string;
}

async function run(
  command: readonly string[],
  options: { readonly env?: Record<string, string>; readonly timeoutMs?: number } = {},
): Promise<Attempt> {
  const [program, ...args] = command;
  try {
    const { success, stdout, stderr } = await new Deno.Command(program!, {
      args,
      cwd: root,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(options.timeoutMs === undefined
        ? {}
        : { signal: AbortSignal.timeout(options.timeoutMs) }),
    }).output();
    const decoder = new TextDecoder();
    return { success, said: (decoder.decode(stdout) + decoder.decode(stderr)).trim() };
  } catch (error) {
    return { success: false, said: error instanceof Error ? error.message : String(error) };
  }
}

/** Tries the three ways in order. Shape: how the program was made. Errors: none of them worked. */
async function compile(target: Target, output: string): Promise<string> {
  const args = compileArgs(target, output);
  const own = Deno.env.get("DENORT_BIN");
  if (own !== undefined && own !== "") {
    const attempt = await run([Deno.execPath(), ...args]);
    if (attempt.success) return `Deno ${Deno.version.deno} with DENORT_BIN=${own}`;
    throw new Error(`compiling with DENORT_BIN=${own} failed:\n${attempt.said}`);
  }
  const downloaded = await run([Deno.execPath(), ...args], { timeoutMs: downloadTimeoutMs });
  if (downloaded.success) return `Deno ${Deno.version.deno}, runtime from Deno's release host`;
  // Only the runtime may be missing; an error of the program itself would come back with every runtime.
  if (!/base binary|denort/i.test(downloaded.said)) {
    throw new Error(`compiling failed:\n${downloaded.said}`);
  }
  const reason = downloaded.said.split("\n").find((line) => /error sending request/.test(line));
  console.error(`no runtime from Deno's release host: ${reason?.trim() ?? "no answer in time"}`);
  const runtime = await fallbackRuntime(target);
  if (runtime === undefined) {
    throw new Error(
      `for ${target.name} no package holds a runtime that can be used; set DENORT_BIN to the denort ` +
        `of Deno ${Deno.version.deno} for that platform`,
    );
  }
  const attempt = await run(["npx", "-y", `deno@${fallback.deno}`, ...args], {
    env: { DENORT_BIN: runtime, DENO_TLS_CA_STORE: "system" },
  });
  if (attempt.success) {
    return `Deno ${fallback.deno}, runtime from the package ${fallback.package} ${fallback.version}`;
  }
  throw new Error(`compiling with Deno ${fallback.deno} failed:\n${attempt.said}`);
}

/** Puts the file's line into dist/SHA256SUMS, in place of an older one. */
async function recordSum(name: string, sum: string): Promise<void> {
  const path = `${root}dist/SHA256SUMS`;
  const old = await Deno.readTextFile(path).catch(() => "");
  const lines = old.split("\n").filter((line) => line !== "" && line.split("  ")[1] !== name);
  lines.push(`${sum}  ${name}`);
  await Deno.writeTextFile(path, lines.sort().join("\n") + "\n");
}

async function build(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  const words = args.flatMap((arg) => arg.split(/=(.*)/s, 2));
  if (words.length > 0 && (words[0] !== "--target" || words.length !== 2)) {
    console.error(`unknown arguments: ${args.join(" ")}\n\n${usage}`);
    return 2;
  }
  const wanted = words[1] ?? Deno.build.target;
  const target = targets.find((one) => one.name === wanted);
  if (!target) {
    console.error(`no such target: ${wanted}\n\n${usage}`);
    return 2;
  }
  const plain = target.name === Deno.build.target;
  const name = (plain ? "mesher" : `mesher-${target.name}`) + target.suffix;
  await Deno.mkdir(`${root}dist`, { recursive: true });
  const made = await compile(target, `${root}dist/${name}`);
  const bytes = await Deno.readFile(`${root}dist/${name}`);
  const sum = await sha256(bytes);
  await recordSum(name, sum);
  console.log(`dist/${name}: ${target.name}, compiled by ${made}`);
  console.log(`${(bytes.length / 1_000_000).toFixed(1)} MB, SHA-256 ${sum} (dist/SHA256SUMS)`);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await build(Deno.args));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
