/** The application that `mesher run` starts: its environment, its signals, its exit code. */
import { onSignals } from "./signals.ts";

/** Hosts that an application reaches without a proxy, whatever else is configured. */
const neverProxied = ["localhost", "127.0.0.1", "::1"] as const;

/** Signals that are handed on to the application. */
const forwardedSignals = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
] as const satisfies readonly Deno.Signal[];

/**
 * The variables to set for an application so that its HTTP calls go through the proxy.
 *
 * Shape: pure; only what is set beside the inherited environment. Hosts that are already exempt stay so.
 */
export function proxyEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  proxyUrl: string,
): Record<string, string> {
  const exempt = new Set<string>();
  for (const list of [inherited["no_proxy"], inherited["NO_PROXY"]]) {
    for (const host of (list ?? "").split(",")) {
      if (host.trim() !== "") exempt.add(host.trim());
    }
  }
  for (const host of neverProxied) exempt.add(host);
  const noProxy = [...exempt].join(",");
  return { http_proxy: proxyUrl, HTTP_PROXY: proxyUrl, no_proxy: noProxy, NO_PROXY: noProxy };
}

export interface AppCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the inherited environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A running application. */
export interface RunningApp {
  readonly pid: number;
  /** The code to exit with: the application's own, or 128 plus the number of the signal that ended it. */
  readonly exitCode: Promise<number>;
  /** Sends a signal; nothing happens when the application is gone. */
  signal(name: Deno.Signal): void;
}

/** Shape: `code` is what a shell exits with: 127 when there is no such program, 126 when it cannot be run. */
export type AppStart =
  | { readonly kind: "started"; readonly app: RunningApp }
  | { readonly kind: "failed"; readonly code: 126 | 127; readonly message: string };

/** Starts the application with this process's own standard input and outputs. */
export function startApp(what: AppCommand): AppStart {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(what.command, {
      args: [...what.args],
      env: { ...what.env },
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    const reason = missing
      ? "there is no such program in PATH"
      : error instanceof Error
      ? error.message
      : String(error);
    const message = `cannot start "${what.command}": ${reason}`;
    return { kind: "failed", code: missing ? 127 : 126, message };
  }
  return {
    kind: "started",
    app: {
      pid: child.pid,
      exitCode: child.status.then((status) => status.code),
      signal(name) {
        try {
          child.kill(name);
        } catch {
          // It has ended in the meantime.
        }
      },
    },
  };
}

export interface ForwardOptions {
  /** Signals to hand on; all of `forwardedSignals` when left out. */
  readonly names?: readonly Deno.Signal[];
  /** Told of every signal, before it is handed on. */
  readonly seen?: (name: Deno.Signal) => void;
  /** Whether a terminal is attached; asked of standard input when left out. */
  readonly terminal?: boolean;
}

/**
 * Hands signals on to the application until the function that comes back is called.
 *
 * Shape: with a terminal attached, SIGINT and SIGQUIT are only reported: the terminal sends them to the application
 * itself, and many programs take a second one as "at once".
 */
export function forwardSignals(app: RunningApp, options: ForwardOptions = {}): () => void {
  const terminal = options.terminal ?? Deno.stdin.isTerminal();
  const handlers: Partial<Record<Deno.Signal, () => void>> = {};
  for (const name of options.names ?? forwardedSignals) {
    handlers[name] = () => {
      options.seen?.(name);
      if (terminal && (name === "SIGINT" || name === "SIGQUIT")) return;
      app.signal(name);
    };
  }
  return onSignals(handlers);
}
