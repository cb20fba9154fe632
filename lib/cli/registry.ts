/** `mesher registry`: the embedded registry alone. */
import { formatAddress } from "../core/address.ts";
import { registryHost } from "../app/backend.ts";
import { realFiles } from "../platform/files.ts";
import { onSignals } from "../platform/signals.ts";
import { boot } from "./boot.ts";
import { exit, type Io } from "./io.ts";

/** Shape: resolves with the exit code when told to end. */
export async function runRegistry(io: Io): Promise<number> {
  const booted = await boot(io, { switches: ["public"] });
  if (booted === undefined) return exit.usage;
  const { flags, hostName, logger, stateDir } = booted;
  const isPublic = flags.own["public"] === "true";
  const config = isPublic
    ? {
      ...booted.config,
      registryListen: { host: "0.0.0.0", port: booted.config.registryListen.port },
    }
    : booted.config;
  const host = await registryHost(config, { logger, files: realFiles, hostName, stateDir });
  const told = Promise.withResolvers<void>();
  const endSignals = onSignals({ SIGTERM: () => told.resolve(), SIGINT: () => told.resolve() });
  try {
    const address = await host.serve();
    logger.info("the registry is up", { listen: formatAddress(address) });
  } catch (error) {
    await logger.flush(500);
    io.stderr(`mesher: ${error instanceof Error ? error.message : String(error)}\n`);
    endSignals();
    return exit.failed;
  }
  await told.promise;
  endSignals();
  await host.stop();
  logger.info("the registry ended");
  await logger.flush(500);
  return exit.ok;
}
