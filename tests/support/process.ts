/** Real processes for a test: output in files, every wait bounded, everything ended by its pid. */
import { childrenOf, descendants, residentBytes, tryKill } from "./process_tree.ts";
import { within } from "./raw.ts";

/** How long a process may take for what it has to do, on a slow machine too. Units: milliseconds. */
export const processMs = 40_000;

/** How often a file that another process writes is looked at. Units: milliseconds. */
const lookMs = 10;

/** Signals, `/bin/sh` and `/proc` are needed. */
export const processesHere = Deno.build.os === "linux";

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface RunOptions extends StartOptions {
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The processes and files of one test. Use with `await using`. */
export class Lab implements AsyncDisposable {
  readonly folder: string;
  readonly #processes: Process[] = [];
  readonly #ends: (() => Promise<void> | void)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Lab> {
    return new Lab(await Deno.makeTempDir({ prefix: "mesher-test-" }));
  }

  /** Starts a program. Its pid is its own: no shell stays in between. */
  start(name: string, command: readonly string[], options: StartOptions = {}): Process {
    const base = `${this.folder}/${this.#processes.length}-${name}`;
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", 'out=$1; err=$2; shift 2; exec "$@" >"$out" 2>"$err"', "sh"]
        .concat(`${base}.out`, `${base}.err`, command),
      clearEnv: true,
      env: { ...cleanEnvironment(), ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const process = new Process(name, { child, outPath: `${base}.out`, errPath: `${base}.err` });
    this.#processes.push(process);
    return process;
  }

  /** Runs a program to its end. Errors: when it takes too long; it is killed then. */
  async run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const [program, ...args] = command;
    const child = new Deno.Command(program!, {
      args,
      clearEnv: true,
      env: { ...cleanEnvironment(), ...options.env },
      cwd: options.cwd ?? this.folder,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const feeding = options.stdin === undefined ? undefined : feed(child.stdin, options.stdin);
    const done = child.output();
    try {
      const { code, stdout, stderr } = await within(
        done,
        `the end of ${command.join(" ").slice(0, 200)}`,
        options.timeoutMs ?? processMs,
      );
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    } finally {
      tryKill(child.pid, "SIGKILL");
      await Promise.allSettled([done, feeding]);
    }
  }

  /** Called when the test is over, last one first, before the processes are ended. */
  defer(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  /** What every process said last, for a test that failed. */
  async report(): Promise<string> {
    const parts = this.#processes.map(async (process) =>
      `--- ${process.name}\n${(await process.errors()).split("\n").slice(-15).join("\n")}`
    );
    return (await Promise.all(parts)).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = await Promise.allSettled(this.#ends.reverse().map((end) => end()));
    for (const process of this.#processes) process.killFamily();
    await Promise.all(this.#processes.map((process) => process.status));
    await removeFolder(this.folder);
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }
}

/** A file that goes away by itself while its folder is removed must not fail the test. */
async function removeFolder(path: string): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || attempt === 3) throw error;
      if (await Deno.stat(path).then(() => false, () => true)) return;
    }
  }
}

async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

interface ProcessParts {
  readonly child: Deno.ChildProcess;
  readonly outPath: string;
  readonly errPath: string;
}

/** One running program. */
export class Process {
  readonly name: string;
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  ended = false;
  readonly #parts: ProcessParts;

  constructor(name: string, parts: ProcessParts) {
    this.name = name;
    this.pid = parts.child.pid;
    this.#parts = parts;
    this.status = parts.child.status.then((status) => {
      this.ended = true;
      return status;
    });
  }

  output(): Promise<string> {
    return readOrNothing(this.#parts.outPath);
  }

  errors(): Promise<string> {
    return readOrNothing(this.#parts.errPath);
  }

  /** The first whole line of standard error that fits. Errors: when the process ends, or the time is up, without it. */
  async line(fits: RegExp, timeoutMs = processMs): Promise<string> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const over = this.ended;
      const text = await this.errors();
      const lines = text.split("\n");
      if (!over) lines.pop();
      const found = lines.find((line) => fits.test(line));
      if (found !== undefined) return found;
      if (over || performance.now() > end) {
        const why = over ? "ended" : `went on for ${timeoutMs} ms`;
        throw new Error(`${this.name} ${why} without a line like ${fits}; it said:\n${text}`);
      }
      await pause(lookMs);
    }
  }

  signal(name: Deno.Signal): void {
    if (!this.ended) tryKill(this.pid, name);
  }

  /** SIGKILL to the process and all below it, which would outlive it otherwise. */
  killFamily(): void {
    if (this.ended) return;
    for (const pid of [...descendants(this.pid), this.pid]) tryKill(pid, "SIGKILL");
  }

  /** Waits for the end. Shape: the exit code, as a shell would give it. */
  async exited(timeoutMs = processMs): Promise<number> {
    return (await within(this.status, `the end of ${this.name}`, timeoutMs)).code;
  }

  /** Memory held by the process. Units: bytes. */
  get rssBytes(): number {
    return residentBytes(this.pid);
  }

  get children(): readonly number[] {
    return childrenOf(this.pid);
  }
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Looks again and again until something is so. Errors: when the time is up. */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string | (() => string),
  timeoutMs = processMs,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) {
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === "string" ? what : what()}`);
    }
    await pause(lookMs);
  }
}

/** This test run's environment without anything that would change how mesher or a client behaves. */
function cleanEnvironment(): Record<string, string> {
  const steers =
    /^(mesher_.*|paas_cse_.*|cse_.*|cas_.*|service_name|service_ports|app_id|version|environment|md|(https?|all|no|ftp)_proxy)$/i;
  return {
    ...Object.fromEntries(
      Object.entries(Deno.env.toObject()).filter(([name]) => !steers.test(name)),
    ),
    NO_COLOR: "1",
  };
}
