/**
 * `mesher drain`: tells the sidecar that is the first process of this container to take its application out of the mesh
 * and to go on serving it. A pod's stop hook runs it: there the sidecar hears SIGTERM only after the application is gone.
 */
import { signalFirstProcess } from "../platform/first_process.ts";
import { exit, type Io } from "./io.ts";

/** Shape: resolves with the exit code; does not wait for the drain. */
export function runDrain(io: Io): number {
  if (io.args.length > 0) {
    io.stderr(`mesher: drain takes nothing, not ${io.args.join(" ")}\n`);
    return exit.usage;
  }
  const problem = signalFirstProcess("SIGUSR2");
  if (problem === undefined) return exit.ok;
  io.stderr(`mesher: ${problem}\n`);
  return exit.failed;
}
