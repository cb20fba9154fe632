/** Telemetry on the real system: its clock, its network, its standard output. */
import type { Config } from "../config/schema.ts";
import type { ThreadReader } from "../control/telemetry/endpoint_state.ts";
import { realFiles } from "../platform/files.ts";
import { ownPid } from "../platform/host.ts";
import type { QueuedLogger } from "../platform/logger.ts";
import { createProcessStats } from "../platform/process_stats.ts";
import { realClock } from "../platform/real_clock.ts";
import { standardOutput } from "../platform/standard_output.ts";
import { version } from "./build_info.ts";
import { Telemetry } from "./telemetry.ts";

export interface TelemetryPlace {
  readonly logger: QueuedLogger;
  readonly hostName: string;
  readonly reader: ThreadReader;
}

export function createTelemetry(
  config: Config,
  { logger, hostName, reader }: TelemetryPlace,
): Telemetry {
  return new Telemetry(config, {
    logger,
    clock: realClock,
    random: Math.random,
    fetch: (url, init) => fetch(url, init),
    readFile: (path) => realFiles.read(path),
    stdout: standardOutput,
    stats: createProcessStats(),
    reader,
    hostName,
    // In a container every first process has the same number, but the host's name is its own.
    instance: `${hostName}/${ownPid()}`,
    version,
  });
}
