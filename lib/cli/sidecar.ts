/** `mesher`: the sidecar, until it is told to end. */
import { formatAddress } from "../core/address.ts";
import { Sidecar } from "../app/sidecar.ts";
import { onSignals } from "../platform/signals.ts";
import { boot, type Booted, followFile, takeOver } from "./boot.ts";
import { exit, type Io } from "./io.ts";

/** Shape: resolves with the exit code. */
export async function runSidecar(io: Io): Promise<number> {
  const booted = await boot(io);
  if (booted === undefined) return exit.usage;
  const sidecar = await startSidecar(booted, io);
  if (sidecar === undefined) return exit.failed;
  const ending = new AbortController();
  const following = followFile(booted, sidecar, { io, signal: ending.signal });
  const forced = await untilTold(sidecar, booted);
  ending.abort();
  await following;
  await booted.logger.flush(500);
  return forced ? exit.failed : exit.ok;
}

/** Starts it and says where it listens. Shape: undefined when it cannot start; the reason was printed. */
export async function startSidecar(booted: Booted, io: Io): Promise<Sidecar | undefined> {
  const { config, hostName, logger, stateDir } = booted;
  const sidecar = new Sidecar(config, { logger, hostName, stateDir });
  try {
    await sidecar.start();
  } catch (error) {
    await logger.flush(500);
    io.stderr(`mesher: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
  const { supervisor, chosen } = sidecar;
  const inbound = supervisor.address("inbound");
  logger.info("mesher is up", {
    outbound: formatAddress(supervisor.address("outbound")!),
    ...(inbound === undefined ? {} : { inbound: formatAddress(inbound) }),
    admin: formatAddress(sidecar.adminAddress!),
    registry: `${chosen.backend.kind} ${chosen.backend.address}`,
    sockets: supervisor.net,
    threads: supervisor.threads,
  });
  return sidecar;
}

/** Waits for SIGTERM or SIGINT and ends the sidecar in order. Shape: true when a second signal cut that short. */
async function untilTold(sidecar: Sidecar, { logger, reload }: Booted): Promise<boolean> {
  const told = Promise.withResolvers<string>();
  const again = Promise.withResolvers<true>();
  let count = 0;
  const tell = (name: string) => {
    if (++count === 1) told.resolve(name);
    else again.resolve(true);
  };
  const endSignals = onSignals({
    SIGTERM: () => tell("SIGTERM"),
    SIGINT: () => tell("SIGINT"),
    SIGHUP: () => {
      reload().then((result) => takeOver(sidecar, result, logger));
    },
  });
  // Signal listeners alone do not keep a process alive; this does.
  const alive = setInterval(() => {}, 1 << 30);
  const name = await told.promise;
  logger.info(`${name}: draining`);
  const forced = await Promise.race([sidecar.stop().then(() => false), again.promise]);
  logger.info(forced ? "ended at once" : "ended in order");
  clearInterval(alive);
  endSignals();
  return forced;
}
