/** What the program may ask about the machine and itself. */

/** Name of this host, at most 64 characters as registries want it. */
export function hostName(): string {
  return Deno.hostname().slice(0, 64) || "localhost";
}

/** 1 in a container whose first process this is. */
export function ownPid(): number {
  return Deno.pid;
}

export function standardInputIsTerminal(): boolean {
  return Deno.stdin.isTerminal();
}

export const platform = {
  os: Deno.build.os,
  arch: Deno.build.arch,
  deno: Deno.version.deno,
  v8: Deno.version.v8,
} as const;

/**
 * The command line that starts this program again.
 *
 * Shape: the compiled binary alone, or Deno with the module it runs.
 */
export function ownCommand(): readonly string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", "--quiet", new URL(Deno.mainModule).pathname];
}

export function standardOutputIsTerminal(): boolean {
  return Deno.stdout.isTerminal();
}
