/** `mesher`: the sidecar, until it is told to end. */
import { formatAddress } from "../core/address.ts";
import { Sidecar } from "../app/sidecar.ts";
import { openPosix } from "../platform/posix.ts";
import { type ServiceState, tellServiceManager } from "../platform/service_manager.ts";
import { onSignals } from "../platform/signals.ts";
import { boot, type Booted, followFile, takeOver } from "./boot.ts";
import { EndSignals } from "./end_signals.ts";
import { exit, type Io } from "./io.ts";

/** Shape: resolves with the exit code. */
export async function runSidecar(io: Io): Promise<number> {
  const signals = new EndSignals();
  try {
    const booted = await boot(io);
    if (booted === undefined) return exit.usage;
    const sidecar = await startSidecar(booted, io);
    if (sidecar === undefined) return exit.failed;
    const ending = new AbortController();
    const following = followFile(booted, sidecar, { io, signal: ending.signal });
    const forced = await untilTold(sidecar, booted, { io, signals });
    ending.abort();
    await following;
    await booted.logger.flush(500);
    return forced ? exit.failed : exit.ok;
  } finally {
    signals.stop();
  }
}

/** Starts it and says where it listens. Shape: undefined when it cannot start; the reason was printed. */
export async function startSidecar(booted: Booted, io: Io): Promise<Sidecar | undefined> {
  const { config, hostName, logger, merged, stateDir } = booted;
  const sidecar = new Sidecar(config, { logger, hostName, stateDir, merged });
  sidecar.reload = async () => takeOver(sidecar, await booted.reload(), logger);
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
  tellManager("READY=1", booted, io);
  return sidecar;
}

/** Tells systemd, where it asked to be told. */
export function tellManager(state: ServiceState, { logger }: Booted, { env }: Io): void {
  // Without the variable not even the library is opened.
  const posix = env["NOTIFY_SOCKET"] ? openPosix() : undefined;
  if (tellServiceManager(state, { env, posix }) === "failed") {
    logger.warn(`the service manager could not be told ${state} through NOTIFY_SOCKET`);
  }
}

/** Waits for SIGTERM or SIGINT and ends the sidecar in order. Shape: true when a second signal cut that short. */
async function untilTold(
  sidecar: Sidecar,
  booted: Booted,
  { io, signals }: { io: Io; signals: EndSignals },
): Promise<boolean> {
  const { logger, reload } = booted;
  const endOthers = onSignals({
    SIGHUP: () => {
      reload().then((result) => takeOver(sidecar, result, logger));
    },
    SIGUSR2: () => {
      logger.info("SIGUSR2: taking the application out of the mesh, outbound stays open");
      sidecar.drainInbound();
    },
  });
  // Signal listeners alone do not keep a process alive; this does.
  const alive = setInterval(() => {}, 1 << 30);
  const name = await signals.told;
  logger.info(`${name}: draining`);
  tellManager("STOPPING=1", booted, io);
  const forced = await Promise.race([
    sidecar.stop().then(() => false),
    signals.again.then(() => true),
  ]);
  logger.info(forced ? "ended at once" : "ended in order");
  clearInterval(alive);
  endOthers();
  return forced;
}
