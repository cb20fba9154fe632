/** Programs that the benchmark starts: found, started with their output in files, ended by their process id. */

/** Folders that hold servers but are missing from the PATH of ordinary users. */
const extraFolders = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/** The full path of a program. Shape: undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...extraFolders];
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    try {
      if (folder !== "" && (await Deno.stat(path)).isFile) return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Ports that were free a moment ago, all different. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

export interface Child {
  readonly pid: number;
  readonly logFile: string;
  /** Set when the process has ended. */
  exited: boolean;
  readonly ended: Promise<Deno.CommandStatus>;
}

/** Everything that one run of the benchmark has started or written; `close` takes all of it away. */
export class Workplace {
  readonly folder: string;
  readonly #children: { readonly child: Child; readonly process: Deno.ChildProcess }[] = [];

  constructor() {
    this.folder = Deno.makeTempDirSync({ prefix: "mesher-bench-" });
  }

  /** Starts a program in the background. Its output goes to a file, because a pipe nobody reads would stop it. */
  start(
    name: string,
    command: readonly string[],
    options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
  ): Child {
    const logFile = `${this.folder}/${name}.log`;
    const process = new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$@" >"$BENCH_LOG" 2>&1', "sh", ...command],
      clearEnv: true,
      env: { ...cleanEnvironment(), ...options.env, BENCH_LOG: logFile },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: "null",
    }).spawn();
    const child: Child = { pid: process.pid, logFile, exited: false, ended: process.status };
    process.status.then(() => child.exited = true);
    this.#children.push({ child, process });
    return child;
  }

  /** Runs a program to its end and returns what it printed. Errors: anything but exit code 0. */
  async run(command: readonly string[]): Promise<string> {
    const [program, ...args] = command;
    const process = new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const child: Child = {
      pid: process.pid,
      logFile: "",
      exited: false,
      ended: process.status,
    };
    this.#children.push({ child, process });
    const { code, stdout, stderr } = await process.output();
    child.exited = true;
    this.#children.splice(this.#children.findIndex((one) => one.child === child), 1);
    const text = new TextDecoder().decode(stdout);
    if (code !== 0) {
      throw new Error(`${program} ended with ${code}: ${text}${new TextDecoder().decode(stderr)}`);
    }
    return text;
  }

  /** The last lines of a child's log, for a message. */
  async lastLines(child: Child, count = 8): Promise<string> {
    const text = await Deno.readTextFile(child.logFile).catch(() => "");
    return text.trimEnd().split("\n").slice(-count).join("\n");
  }

  async stop(child: Child): Promise<void> {
    const entry = this.#children.find((one) => one.child === child);
    if (!entry || child.exited) return;
    send(entry.process, "SIGTERM");
    const force = setTimeout(() => send(entry.process, "SIGKILL"), 3_000);
    await child.ended;
    clearTimeout(force);
  }

  /** Kills what still runs and removes the folder. */
  async close(): Promise<void> {
    const running = this.#children.filter((one) => !one.child.exited);
    for (const { process } of running) send(process, "SIGKILL");
    await Promise.all(running.map((one) => one.child.ended));
    this.#children.length = 0;
    await Deno.remove(this.folder, { recursive: true }).catch(() => {});
  }
}

/** The own environment without what would change how a measured program behaves. */
function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) =>
      !name.startsWith("MESHER_") && !/^(https?|all)_proxy$/i.test(name)
    ),
  );
}

function send(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended by itself.
  }
}
