/** Instances that are processes of their own, to be killed and stopped. */
import type { Lab, Process } from "./process.ts";

const program = new URL("./policy_app.ts", import.meta.url).pathname;

export interface AppProcess {
  readonly name: string;
  readonly process: Process;
  readonly port: number;
  /** `METHOD id` of every request that reached it, in order. */
  arrivals(): readonly string[];
}

/** Starts the program and waits until it listens. Shape: `atATime` requests are worked on at a time. */
export async function startApp(
  lab: Lab,
  name: string,
  { atATime = 1000 }: { readonly atATime?: number } = {},
): Promise<AppProcess> {
  const file = `${lab.folder}/${name}.arrivals`;
  const process = lab.start(name, [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    program,
    name,
    file,
    String(atATime),
  ]);
  const line = await process.line(/^app on \d+$/);
  return {
    name,
    process,
    port: Number(line.split(" ").at(-1)),
    arrivals: () => Deno.readTextFileSync(file).split("\n").filter((each) => each !== ""),
  };
}
