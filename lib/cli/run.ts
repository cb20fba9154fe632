/** `mesher run -- CMD`: sidecar and application as one, in the right order at both ends. */
import { formatAddress } from "../core/address.ts";
import { readiness } from "../app/views/readiness.ts";
import type { Sidecar } from "../app/sidecar.ts";
import { ownPid, standardInputIsTerminal } from "../platform/host.ts";
import { openPosix } from "../platform/posix.ts";
import {
  forwardSignals,
  proxyEnvironment,
  type RunningApp,
  startApp,
} from "../platform/process.ts";
import { proxyVariables } from "../platform/proxy_variables.ts";
import { realClock } from "../platform/real_clock.ts";
import { onSignals } from "../platform/signals.ts";
import { boot, type Booted, followFile, takeOver } from "./boot.ts";
import { EndSignals, signalExitCode } from "./end_signals.ts";
import { exit, type Io } from "./io.ts";
import { startSidecar, tellManager } from "./sidecar.ts";

/** How long the application's start waits for the sidecar to be ready; it then starts all the same. */
const readyMs = 5000;

/** Shape: resolves with the application's exit code. */
export async function runWithApp(io: Io): Promise<number> {
  const signals = new EndSignals();
  try {
    return await run(io, signals);
  } finally {
    signals.stop();
  }
}

async function run(io: Io, signals: EndSignals): Promise<number> {
  const booted = await boot(io);
  if (booted === undefined) return exit.usage;
  const [command, ...args] = booted.flags.command ?? [];
  if (command === undefined) {
    io.stderr("mesher: run wants a program, for example: mesher run -- node server.js\n");
    return exit.usage;
  }
  const sidecar = await startSidecar(booted, io);
  if (sidecar === undefined) return exit.failed;
  await untilReady(sidecar, booted, signals);
  const code = signals.first === undefined
    ? await runApp({ command, args }, sidecar, { booted, io, signals })
    : signalExitCode(signals.first);
  tellManager("STOPPING=1", booted, io);
  await endWithoutApp(sidecar);
  await booted.logger.flush(500);
  return code;
}

async function untilReady(
  sidecar: Sidecar,
  { logger }: Booted,
  signals: EndSignals,
): Promise<void> {
  const endMs = realClock.now() + readyMs;
  while (signals.first === undefined && !readiness(sidecar).ready) {
    if (realClock.now() > endMs) {
      const { reasons } = readiness(sidecar);
      logger.warn(
        `starting the application although the sidecar is not ready: ${reasons.join("; ")}`,
      );
      return;
    }
    await realClock.sleep(20);
  }
}

/** Starts the application and waits for its end. Shape: the code to exit with. */
async function runApp(
  { command, args }: { command: string; args: readonly string[] },
  sidecar: Sidecar,
  { booted, io, signals }: { booted: Booted; io: Io; signals: EndSignals },
): Promise<number> {
  const outbound = formatAddress(sidecar.supervisor.address("outbound")!);
  const started = startApp({
    command,
    args,
    env: { ...proxyVariables(io.env), ...proxyEnvironment(io.env, `http://${outbound}`) },
  });
  if (started.kind === "failed") {
    io.stderr(`mesher: ${started.message}\n`);
    return started.code;
  }
  const { app } = started;
  booted.logger.info("the application was started", { pid: app.pid });
  const ending = new AbortController();
  const following = followFile(booted, sidecar, { io, signal: ending.signal });
  const endReaping = reapAsFirstProcess(app);
  const code = await untilAppEnds(app, sidecar, { booted, signals });
  endReaping();
  ending.abort();
  await following;
  return code;
}

/**
 * The first process of a container inherits every orphan in it and has to collect those that end. Where the C library
 * cannot be called they stay zombies until the container ends.
 */
function reapAsFirstProcess(app: RunningApp): () => void {
  if (ownPid() !== 1) return () => {};
  const posix = openPosix();
  if (posix === undefined) return () => {};
  const awaited = new Set([app.pid]);
  return onSignals({ SIGCHLD: () => void posix.reapOrphans(awaited) });
}

/**
 * SIGTERM and SIGINT first take the application out of the mesh, while it still serves; only then are they handed
 * on, and outbound stays open until the application has exited. A second signal is handed on at once.
 *
 * With a terminal attached SIGINT is not handed on: the terminal has sent it to the application itself, and many
 * programs take a second one as "at once".
 */
async function untilAppEnds(
  app: RunningApp,
  sidecar: Sidecar,
  { booted, signals }: { booted: Booted; signals: EndSignals },
): Promise<number> {
  const { logger, reload } = booted;
  const terminal = standardInputIsTerminal();
  let told = false;
  const hand = (name: Deno.Signal) => {
    told = true;
    if (!(terminal && name === "SIGINT")) app.signal(name);
  };
  signals.listen((name, count) => {
    if (count > 1) return hand(name);
    logger.info(`${name}: taking the application out of the mesh before it is told`);
    sidecar.drainInbound().then(() => told || hand(name));
  });
  const endReloading = onSignals({
    SIGHUP: () => {
      reload().then((result) => takeOver(sidecar, result, logger));
    },
  });
  const endForwarding = forwardSignals(app, { names: ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] });
  const code = await app.exitCode;
  signals.listen(() => {});
  logger.info(`the application ended with code ${code}`);
  endForwarding();
  endReloading();
  return code;
}

/** Without an application there is nobody left to finish calls for: it is deregistered and everything closes. */
async function endWithoutApp(sidecar: Sidecar): Promise<void> {
  // This also cuts short a drain that began while the application still ran.
  sidecar.apply({ ...sidecar.config, drain: { announceMs: 0, finishMs: 0 } });
  await sidecar.stop();
}
