/** Starts programs for tests: output read, waiting bounded, everything ended and removed afterwards. */

const startMs = 20_000;
const onceMs = 90_000;

export interface Started {
  /** What the first group of `until` matched. */
  readonly found: string;
  readonly pid: number;
  /** Sends a signal and waits. Shape: the exit code. */
  end(signal: Deno.Signal): Promise<number>;
}

export interface Programs {
  /** Runs to the end. */
  once(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Runs until a line of its standard error matches. Errors: when it ends before, with what it said. */
  start(
    args: readonly string[],
    options: { env: Readonly<Record<string, string>>; until: RegExp },
  ): Promise<Started>;
  freePort(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

export function startPrograms(program: string): Programs {
  const stateDir = Deno.makeTempDirSync({ prefix: "mesher-test-" });
  const children = new Set<Deno.ChildProcess>();
  const readers: Promise<void>[] = [];
  let files = 0;

  return {
    async once(args, env = {}) {
      const output = await new Deno.Command(program, {
        args: [...args],
        env: { MESHER_STATE_DIR: stateDir, NO_COLOR: "1", ...env },
        stdin: "null",
        signal: AbortSignal.timeout(onceMs),
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
    },

    async start(args, { env, until }) {
      const child = new Deno.Command(program, {
        args: [...args],
        env: { MESHER_STATE_DIR: `${stateDir}/${files++}`, NO_COLOR: "1", ...env },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      children.add(child);
      child.status.then(() => children.delete(child));
      let said = "";
      const found = Promise.withResolvers<string>();
      readers.push((async () => {
        for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
          said += text;
          const match = until.exec(said);
          if (match) found.resolve(match[1]!);
        }
        found.reject(new Error(`${args.join(" ")} ended and said:\n${said}`));
      })());
      const timer = setTimeout(
        () => found.reject(new Error(`${args.join(" ")} did not say ${until}:\n${said}`)),
        startMs,
      );
      try {
        return {
          found: await found.promise,
          pid: child.pid,
          async end(signal) {
            child.kill(signal);
            return (await child.status).code;
          },
        };
      } finally {
        clearTimeout(timer);
      }
    },

    freePort() {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      return listener.addr.port;
    },

    async [Symbol.asyncDispose]() {
      for (const child of [...children]) {
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await child.status;
        clearTimeout(timer);
      }
      await Promise.all(readers);
      Deno.removeSync(stateDir, { recursive: true });
    },
  };
}
