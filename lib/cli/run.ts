/** `mesher run -- CMD`: sidecar and application as one, in the right order at both ends. */
import { formatAddress } from "../core/address.ts";
import { readiness } from "../app/views.ts";
import type { Sidecar } from "../app/sidecar.ts";
import {
  forwardSignals,
  proxyEnvironment,
  type RunningApp,
  startApp,
} from "../platform/process.ts";
import { realClock } from "../platform/real_clock.ts";
import { onSignals } from "../platform/signals.ts";
import { boot, type Booted, followFile, takeOver } from "./boot.ts";
import { exit, type Io } from "./io.ts";
import { startSidecar } from "./sidecar.ts";

/** How long the application's start waits for the sidecar to be ready; it then starts all the same. */
const readyMs = 5000;

/** Shape: resolves with the application's exit code. */
export async function runWithApp(io: Io): Promise<number> {
  const booted = await boot(io);
  if (booted === undefined) return exit.usage;
  const [command, ...args] = booted.flags.command ?? [];
  if (command === undefined) {
    io.stderr("mesher: run wants a program, for example: mesher run -- node server.js\n");
    return exit.usage;
  }
  const sidecar = await startSidecar(booted, io);
  if (sidecar === undefined) return exit.failed;
  await untilReady(sidecar, booted);
  const outbound = formatAddress(sidecar.supervisor.address("outbound")!);
  const started = startApp({ command, args, env: proxyEnvironment(io.env, `http://${outbound}`) });
  if (started.kind === "failed") {
    io.stderr(`mesher: ${started.message}\n`);
    await sidecar.stop();
    return started.code;
  }
  booted.logger.info("the application was started", { pid: started.app.pid });
  const ending = new AbortController();
  const following = followFile(booted, sidecar, { io, signal: ending.signal });
  const code = await untilAppEnds(started.app, sidecar, booted);
  ending.abort();
  await following;
  await sidecar.stop();
  await booted.logger.flush(500);
  return code;
}

async function untilReady(sidecar: Sidecar, { logger }: Booted): Promise<void> {
  const endMs = realClock.now() + readyMs;
  while (!readiness(sidecar).ready) {
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

/**
 * SIGTERM and SIGINT first take the application out of the mesh, while it still serves; only then are they handed
 * on, and outbound stays open until the application has exited. A second signal is handed on at once.
 */
async function untilAppEnds(app: RunningApp, sidecar: Sidecar, booted: Booted): Promise<number> {
  const { logger, reload } = booted;
  let told = 0;
  const end = (name: Deno.Signal) => {
    if (++told > 1) return app.signal(name);
    logger.info(`${name}: taking the application out of the mesh before it is told`);
    sidecar.drainInbound().then(() => app.signal(name));
  };
  const endOwn = onSignals({
    SIGTERM: () => end("SIGTERM"),
    SIGINT: () => end("SIGINT"),
    SIGHUP: () => {
      reload().then((result) => takeOver(sidecar, result, logger));
    },
  });
  const endForwarding = forwardSignals(app, { names: ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] });
  const code = await app.exitCode;
  logger.info(`the application ended with code ${code}`);
  endForwarding();
  endOwn();
  return code;
}
