/** The commands that ask a running sidecar, run as somebody would who is called at night. */
import type { Lab, RunResult } from "./process.ts";
import { mesherCommand, type SidecarProcess } from "./process_mesher.ts";

/** Runs a command to its end against a sidecar. Shape: its exit code and what it printed. */
export async function askSidecar(
  lab: Lab,
  { admin }: Pick<SidecarProcess, "admin">,
  ...args: readonly string[]
): Promise<RunResult> {
  const env = { MESHER_ADMIN: `127.0.0.1:${admin}`, MESHER_STATE_DIR: lab.folder };
  return await lab.run(mesherCommand(...args), { env });
}

/** The lines of an output that have something on them. */
export function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
