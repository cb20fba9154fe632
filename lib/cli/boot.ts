/** What sidecar, run and registry have in common: configuration, logger, state folder, problems in words. */
import { diffConfig, needsRestart } from "../config/diff.ts";
import { type OwnFlags, type ParsedFlags, parseFlags } from "../config/flags.ts";
import { loadConfig, type LoadedFile, type LoadResult } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { watchConfig } from "../config/watch.ts";
import type { Sidecar } from "../app/sidecar.ts";
import { hostName, platform } from "../platform/host.ts";
import { createLogger, type QueuedLogger } from "../platform/logger.ts";
import { realClock } from "../platform/real_clock.ts";
import { defaultStateDir } from "../platform/state_dir.ts";
import type { Io } from "./io.ts";

export interface Booted {
  readonly config: Config;
  readonly flags: ParsedFlags;
  readonly file: LoadedFile | undefined;
  readonly logger: QueuedLogger;
  readonly hostName: string;
  readonly stateDir: string | undefined;
  /** Loads the configuration again; with `text`, as if the file held it. */
  reload(text?: string): Promise<LoadResult>;
}

/** Reads the configuration. Shape: undefined when it is bad; every problem has been printed then. */
export async function boot(io: Io, ownFlags: OwnFlags = {}): Promise<Booted | undefined> {
  const flags = parseFlags(io.args, ownFlags);
  const reload = (text?: string) =>
    loadConfig({
      flags: flags.flags,
      env: io.env,
      readFile: text === undefined ? io.readFile : () => Promise.resolve(text),
      ...(flags.path === undefined ? {} : { path: flags.path }),
    });
  const problems = flags.problems.map(formatProblem);
  for (const argument of flags.rest) {
    problems.push(`${argument}: not understood; see mesher --help`);
  }
  const result = problems.length > 0 ? undefined : await reload();
  if (result === undefined || !result.ok) {
    for (const problem of result?.problems ?? []) problems.push(formatProblem(problem));
    for (const problem of problems) io.stderr(`mesher: ${problem}\n`);
    return undefined;
  }
  const { config } = result;
  const logger = createLogger({ level: config.log });
  for (const warning of result.warnings) logger.warn(formatProblem(warning));
  return {
    config,
    flags,
    file: result.file,
    logger,
    hostName: config.hostname ?? hostName(),
    stateDir: config.stateDir ?? defaultStateDir((name) => io.env[name], platform.os),
    reload,
  };
}

/** Takes over a newly loaded configuration, or says why not; what runs goes on either way. */
export function takeOver(sidecar: Sidecar, result: LoadResult, logger: QueuedLogger): void {
  const refuse = (why: string) => {
    sidecar.refusedReloads = { count: sidecar.refusedReloads.count + 1, last: why };
    logger.error(`the new configuration is not used: ${why}`);
  };
  if (!result.ok) return refuse(result.problems.map(formatProblem).join("; "));
  const changed = diffConfig(sidecar.config, result.config);
  const restart = needsRestart(changed);
  if (restart.length > 0) return refuse(`a change of ${restart.join(", ")} needs a restart`);
  if (changed.length === 0) return;
  sidecar.reconfigure(result.config);
  logger.info(`configuration reloaded: ${changed.join(", ")}`);
}

/** Follows the configuration file until the signal aborts. */
export function followFile(
  booted: Booted,
  sidecar: Sidecar,
  { io, signal }: { io: Io; signal: AbortSignal },
): Promise<void> {
  if (booted.file === undefined) return Promise.resolve();
  return watchConfig({
    file: booted.file,
    clock: realClock,
    readFile: io.readFile,
    reload: booted.reload,
    changed: (result) => takeOver(sidecar, result, booted.logger),
    signal,
  });
}
