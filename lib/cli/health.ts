/** `mesher health [--ready]`: asks the sidecar on this host how it is; a check that needs no shell and no curl. */
import { formatAddress } from "../core/address.ts";
import { parseFlags } from "../config/flags.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { askHttp } from "../platform/ask_http.ts";
import { reachable } from "./admin_client.ts";
import { exit, type Io } from "./io.ts";

/** A sidecar that takes longer to answer is not well. Units: milliseconds. */
const answerMs = 2000;

/** Shape: 0 when it is well, 1 when not or when nobody answers, 2 for bad flags. */
export async function runHealth(io: Io): Promise<number> {
  const flags = parseFlags(io.args, { switches: ["ready"] });
  const problems = flags.problems.map(formatProblem);
  for (const argument of flags.rest) {
    problems.push(`${argument}: not understood; see mesher --help`);
  }
  const result = problems.length > 0 ? undefined : await loadConfig({
    flags: flags.flags,
    env: io.env,
    readFile: io.readFile,
    ...(flags.path === undefined ? {} : { path: flags.path }),
  });
  if (result === undefined || !result.ok) {
    for (const problem of result?.problems ?? []) problems.push(formatProblem(problem));
    for (const problem of problems) io.stderr(`mesher: ${problem}\n`);
    return exit.usage;
  }
  const { admin } = result.config;
  if ("port" in admin && admin.port === 0) {
    io.stderr("mesher: the admin port is 0, so it cannot be known here; set MESHER_ADMIN\n");
    return exit.usage;
  }
  const address = reachable(admin);
  const path = flags.own["ready"] === "true" ? "/readyz" : "/healthz";
  try {
    const { status, body } = await askHttp(address, {
      path,
      signal: AbortSignal.timeout(answerMs),
    });
    io.stdout(`${body.trim()}\n`);
    return status === 200 ? exit.ok : exit.failed;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    io.stderr(`mesher: nobody answers on ${formatAddress(address)}: ${why}\n`);
    return exit.failed;
  }
}
