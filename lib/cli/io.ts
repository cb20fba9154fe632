/** What every command gets from outside: arguments, environment, outputs, files. */

export interface Io {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Undefined when there is no such file. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

/** Exit codes, the same in every command. */
export const exit = { ok: 0, failed: 1, usage: 2 } as const;
