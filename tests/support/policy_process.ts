/** Instances that are processes of their own, to be killed and stopped. */
import type { Lab, Process } from "./process.ts";

const program = new URL("./policy_app.ts", import.meta.url).pathname;

/** What a program did for one request. Units: milliseconds since 1970. */
export interface Work {
  readonly id: string;
  readonly begunMs: number;
  readonly endedMs: number;
}

export interface AppProcess {
  readonly name: string;
  readonly process: Process;
  readonly port: number;
  /** `METHOD id` of every request that reached it, in order. */
  arrivals(): readonly string[];
  /** What it has worked on to the end, in that order. */
  worked(): readonly Work[];
  /** Lets it answer what waits at its gate, now and later. */
  openGate(): void;
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
  const linesOf = (path: string) =>
    Deno.readTextFileSync(path).split("\n").filter((each) => each !== "");
  return {
    name,
    process,
    port: Number(line.split(" ").at(-1)),
    arrivals: () => linesOf(file),
    worked: () =>
      linesOf(`${file}.done`).map((each) => {
        const [id = "", begun, ended] = each.split(" ");
        return { id, begunMs: Number(begun), endedMs: Number(ended) };
      }),
    openGate: () => Deno.writeTextFileSync(`${file}.open`, ""),
  };
}
