/** Runs a program of the build to its end. */

export interface Attempt {
  readonly success: boolean;
  /** What it printed on both outputs. */
  readonly said: string;
}

/** Shape: never throws; a program that cannot be started is an attempt that failed. */
export async function run(
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
  },
): Promise<Attempt> {
  const [program, ...args] = command;
  try {
    const { success, stdout, stderr } = await new Deno.Command(program!, {
      args,
      cwd: options.cwd,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(options.timeoutMs === undefined
        ? {}
        : { signal: AbortSignal.timeout(options.timeoutMs) }),
    }).output();
    const decoder = new TextDecoder();
    return { success, said: (decoder.decode(stdout) + decoder.decode(stderr)).trim() };
  } catch (error) {
    return { success: false, said: error instanceof Error ? error.message : String(error) };
  }
}
