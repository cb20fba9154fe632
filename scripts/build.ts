/** `deno task build`: bundles main.ts and compiles it into one program per target. */
import { sha256 } from "./build/archive.ts";
import { buildTime, type Bundle, bundle, sourceCommit } from "./build/bundle.ts";
import { compile, NoRuntimeError } from "./build/compile.ts";
import { hostTarget, type Target, targets } from "./build/targets.ts";

const usage = `deno task build [--target NAME]
  --target NAME   all, or one of: ${targets.map((one) => one.name).join(", ")}
                  (default: this machine's; others are written to dist/mesher-NAME)
The base runtime is DENORT_BIN if that is set, else the one that deno compile downloads, else the one in a package.
SOURCE_DATE_EPOCH, if set, is the build date in the program.`;

const root = decodeURIComponent(new URL("../", import.meta.url).pathname)
  .replace(/^\/(?=[A-Za-z]:)/, "");

function fileName(target: Target): string {
  const own = target.name === Deno.build.target;
  return (own ? "mesher" : `mesher-${target.name}`) + target.suffix;
}

/** Puts the file's line into dist/SHA256SUMS, in place of an older one. */
async function recordSum(name: string, sum: string): Promise<void> {
  const path = `${root}dist/SHA256SUMS`;
  const old = await Deno.readTextFile(path).catch(() => "");
  const lines = old.split("\n").filter((line) => line !== "" && line.split("  ")[1] !== name);
  lines.push(`${sum}  ${name}`);
  await Deno.writeTextFile(path, lines.sort().join("\n") + "\n");
}

async function buildOne(source: Bundle, target: Target): Promise<void> {
  const name = fileName(target);
  const output = `${root}dist/${name}`;
  const made = await compile(
    { folder: source.folder, main: source.main, include: [source.thread] },
    target,
    output,
  );
  const bytes = await Deno.readFile(output);
  const sum = await sha256(bytes);
  await recordSum(name, sum);
  console.log(`dist/${name}: ${target.name}, compiled by ${made}`);
  console.log(`${(bytes.length / 1_000_000).toFixed(1)} MB, SHA-256 ${sum} (dist/SHA256SUMS)`);
}

/** Shape: undefined for arguments that are not understood. */
function wantedTargets(args: readonly string[]): readonly Target[] | undefined {
  const words = args.flatMap((arg) => arg.split(/=(.*)/s, 2));
  if (words.length === 0) return [hostTarget()];
  if (words.length !== 2 || words[0] !== "--target") return undefined;
  if (words[1] === "all") return targets;
  const found = targets.filter((one) => one.name === words[1]);
  return found.length === 0 ? undefined : found;
}

/** Shape: the exit code. Of several targets, those that no runtime can be had for are named and do not count. */
async function build(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  const wanted = wantedTargets(args);
  if (wanted === undefined) {
    console.error(`not understood: ${args.join(" ")}\n\n${usage}`);
    return 2;
  }
  const source = await bundle(root, {
    commit: await sourceCommit(root),
    builtAt: buildTime(Deno.env.get("SOURCE_DATE_EPOCH"), Date.now()),
  });
  let built = 0;
  for (const target of wanted) {
    try {
      await buildOne(source, target);
      built++;
    } catch (error) {
      if (!(error instanceof NoRuntimeError)) throw error;
      console.error(`not built: ${target.name}: ${error.message}`);
    }
  }
  return built > 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await build(Deno.args));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
