/** The command `mesher check [FILE]`: validates the configuration and prints the effective one. */
import { parseFlags } from "../config/flags.ts";
import { loadConfig } from "../config/load.ts";
import { printConfig } from "../config/print.ts";
import { formatProblem } from "../config/problem.ts";

export interface CheckEffects {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined or a rejection when the file cannot be read. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

/** Exit code of a bad configuration or command line. */
const bad = 2;

/**
 * Checks the file named in `args`, or the one that a start with these flags and this environment would use.
 *
 * Shape: the effective configuration goes to stdout, warnings and problems to stderr, one line each. Resolves
 * with the exit code: 0 or 2.
 */
export async function runCheck(args: readonly string[], io: CheckEffects): Promise<number> {
  const parsed = parseFlags(args);
  const files = [...parsed.path === undefined ? [] : [parsed.path], ...parsed.rest];
  const problems = [...parsed.problems];
  if (files.length > 1) {
    const expectation = `takes one file, but got ${files.join(" and ")}`;
    problems.push({ path: "check", expectation, source: "the command line" });
  }
  if (parsed.command !== undefined) {
    const expectation = "takes nothing after --";
    problems.push({ path: "check", expectation, source: "the command line" });
  }
  if (problems.length > 0) return report(problems.map(formatProblem), io);

  const [path] = files;
  const result = await loadConfig({
    flags: parsed.flags,
    env: io.env,
    readFile: io.readFile,
    ...(path === undefined ? {} : { path }),
  });
  if (!result.ok) return report(result.problems.map(formatProblem), io);
  for (const warning of result.warnings) io.stderr(`warning: ${formatProblem(warning)}\n`);
  io.stdout(await printConfig(result.config, result.sources));
  return 0;
}

function report(lines: readonly string[], io: CheckEffects): number {
  for (const line of lines) io.stderr(`${line}\n`);
  return bad;
}
