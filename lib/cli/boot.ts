/** What sidecar, run and registry have in common: configuration, logger, state folder, problems in words. */
import { diffConfig, needsRestart } from "../config/diff.ts";
import { fileVariable } from "../config/environment.ts";
import { type OwnFlags, type ParsedFlags, parseFlags } from "../config/flags.ts";
import { loadConfig, type LoadedFile, type LoadResult } from "../config/load.ts";
import type { Merged } from "../config/merge.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { watchConfig } from "../config/watch.ts";
import type { Sidecar } from "../app/sidecar.ts";
import type { ReloadOutcome } from "../control/api/shapes/state.ts";
import { hostName, platform } from "../platform/host.ts";
import { ignoreProxyVariables } from "../platform/proxy_variables.ts";
import { createLogger, type QueuedLogger } from "../platform/logger.ts";
import { realClock } from "../platform/real_clock.ts";
import { defaultStateDir } from "../platform/state_dir.ts";
import type { Io } from "./io.ts";

export interface Booted {
  readonly config: Config;
  /** What all sources of it say. */
  readonly merged: Merged;
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
  const filePath = flags.path ?? io.env[fileVariable]?.trim();
  const reload = (text?: string) =>
    loadConfig({
      flags: flags.flags,
      env: io.env,
      readFile: (path) =>
        text === undefined || path !== filePath ? io.readFile(path) : Promise.resolve(text),
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
  ignoreProxyVariables();
  const { config } = result;
  const logger = createLogger({ level: config.log });
  for (const warning of result.warnings) logger.warn(formatProblem(warning));
  return {
    config,
    merged: result.merged,
    flags,
    file: result.file,
    logger,
    hostName: config.hostname ?? hostName(),
    stateDir: config.stateDir ?? defaultStateDir((name) => io.env[name], platform.os),
    reload,
  };
}

/** Takes over a newly loaded configuration, or says why not; what runs goes on either way. */
export function takeOver(
  sidecar: Sidecar,
  result: LoadResult,
  logger: QueuedLogger,
): ReloadOutcome {
  const refuse = (why: string): ReloadOutcome => {
    sidecar.refusedReloads = { count: sidecar.refusedReloads.count + 1, last: why };
    logger.error(`the new configuration is not used: ${why}`);
    return { kind: "refused", why };
  };
  if (!result.ok) return refuse(result.problems.map(formatProblem).join("; "));
  const whole = sidecar.overrides.over(result.merged);
  if (!whole.ok) {
    const isChanged = Object.keys(sidecar.overrides.changes).length > 0;
    const why = whole.problems.map(formatProblem).join("; ");
    return refuse(isChanged ? `with what was changed by the admin API: ${why}` : why);
  }
  const changed = diffConfig(sidecar.config, whole.config);
  const restart = needsRestart(changed);
  if (restart.length > 0) return refuse(`a change of ${restart.join(", ")} needs a restart`);
  sidecar.overrides.settle(result.merged);
  if (changed.length === 0) return { kind: "taken", changed };
  sidecar.reconfigure(whole.config);
  logger.info(`configuration reloaded: ${changed.join(", ")}`);
  return { kind: "taken", changed };
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
