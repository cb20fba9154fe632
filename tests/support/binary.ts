/** Starts programs for tests: output read, waiting bounded, everything ended and removed afterwards. */
import { pickPort } from "./ports.ts";
import { processMs, until } from "./process.ts";

const onceMs = 90_000;

export type Environment = Readonly<Record<string, string>>;

export interface ProgramOptions {
  readonly env?: Environment;
  readonly cwd?: string;
  /** In front of the program: `prlimit`, `setpriv` and the like. */
  readonly under?: readonly string[];
  /** How long every wait may take. Units: milliseconds. */
  readonly timeoutMs?: number;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  /** What the first group of `until` matched. */
  readonly found: string;
  readonly pid: number;
  /** What it wrote to its standard error so far. */
  said(): string;
  /** Waits for a line of its standard error. Shape: the first group. Errors: the end, or the time is up. */
  untilSaid(fits: RegExp): Promise<string>;
  signal(name: Deno.Signal): void;
  /** The exit code, once it has ended. */
  exited(): Promise<number>;
  /** Sends a signal and waits. Shape: the exit code. */
  end(signal: Deno.Signal): Promise<number>;
}

export interface Programs {
  /** A folder for this test alone that every user may read. */
  readonly folder: string;
  /** Runs to the end. */
  once(args: readonly string[], env?: Environment, options?: ProgramOptions): Promise<Ended>;
  /** Runs until a line of its standard error matches. Errors: when it ends before, with what it said. */
  start(
    args: readonly string[],
    options: ProgramOptions & { readonly until: RegExp },
  ): Promise<Started>;
  freePort(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Variables that would change how the program behaves, or where it keeps its files. */
const steering = /^(mesher_.*|(https?|all|no)_proxy|notify_socket|xdg_cache_home)$/i;

export function startPrograms(program: string): Programs {
  const folder = Deno.makeTempDirSync({ prefix: "mesher-test-" });
  Deno.chmodSync(folder, 0o755);
  const running = new Set<Deno.ChildProcess>();
  const readers: Promise<void>[] = [];
  let files = 0;

  const command = (args: readonly string[], { env, cwd, under = [] }: ProgramOptions) => {
    const [first, ...rest] = [...under, program, ...args];
    return [first!, {
      args: rest,
      clearEnv: true,
      env: {
        ...Object.fromEntries(
          Object.entries(Deno.env.toObject()).filter(([name]) => !steering.test(name)),
        ),
        MESHER_STATE_DIR: `${folder}/state-${files++}`,
        NO_COLOR: "1",
        ...env,
      },
      stdin: "null" as const,
      ...(cwd === undefined ? {} : { cwd }),
    }] as const;
  };

  return {
    folder,

    async once(args, env = {}, options = {}) {
      const [first, rest] = command(args, { ...options, env });
      const output = await new Deno.Command(first, {
        ...rest,
        signal: AbortSignal.timeout(onceMs),
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
    },

    async start(args, options) {
      const [first, rest] = command(args, options);
      const child = new Deno.Command(first, { ...rest, stdout: "null", stderr: "piped" }).spawn();
      running.add(child);
      const { timeoutMs = processMs } = options;
      let ended = false;
      child.status.then(() => {
        ended = true;
        running.delete(child);
      });
      let said = "";
      readers.push((async () => {
        for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said += text;
      })());
      const name = `${first} ${args.join(" ")}`;
      const untilSaid = (fits: RegExp) => {
        let over = false;
        return until(
          () => {
            const found = fits.exec(said);
            if (found !== null) return found[1] ?? found[0];
            if (over) throw new Error(`${name} ended without ${fits}; it said:\n${said}`);
            over = ended;
            return undefined;
          },
          () => `${fits} from ${name}; it said:\n${said}`,
          timeoutMs,
        );
      };
      const exited = async () => {
        const late = AbortSignal.timeout(timeoutMs);
        const tooLate = Promise.withResolvers<never>();
        tooLate.promise.catch(() => {});
        const fail = () => tooLate.reject(new Error(`${name} does not end; it said:\n${said}`));
        late.addEventListener("abort", fail, { once: true });
        try {
          return (await Promise.race([child.status, tooLate.promise])).code;
        } finally {
          late.removeEventListener("abort", fail);
        }
      };
      return {
        found: await untilSaid(options.until),
        pid: child.pid,
        said: () => said,
        untilSaid,
        signal: (name) => child.kill(name),
        exited,
        end(signal) {
          child.kill(signal);
          return exited();
        },
      };
    },

    freePort: pickPort,

    async [Symbol.asyncDispose]() {
      for (const child of [...running]) {
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await child.status;
        clearTimeout(timer);
      }
      await Promise.all(readers);
      Deno.removeSync(folder, { recursive: true });
    },
  };
}
