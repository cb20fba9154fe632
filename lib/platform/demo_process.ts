/** A process of the demo, with its log lines read and its whole family ended with it. */

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

interface Waiter {
  readonly text: string;
  readonly found: (line: string) => void;
}

/** Lines that are remembered to explain a failure. */
const keptLines = 20;

export class DemoProcess {
  readonly name: string;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #stateDir: string;
  readonly #finished: Promise<void>;
  readonly #stopReading = new AbortController();
  /** Of the application, where this is a sidecar that started one. */
  #appPid: number | undefined;
  #ended = false;

  constructor(
    command: readonly string[],
    options: { name: string; env: Readonly<Record<string, string>>; ended: () => void },
  ) {
    this.name = options.name;
    this.#stateDir = Deno.makeTempDirSync({ prefix: "mesher-demo-" });
    const [program, ...args] = command;
    this.#child = new Deno.Command(program!, {
      args,
      env: { NO_COLOR: "1", MESHER_STATE_DIR: this.#stateDir, ...options.env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    // Reading is broken off when the process has ended.
    this.#read().catch(() => {});
    this.#finished = this.#child.status.then(() => {
      this.#ended = true;
      // Whatever the process left behind may hold its output open; nobody reads it any more.
      this.#stopReading.abort();
      for (const waiter of this.#waiters) waiter.found("");
      Deno.removeSync(this.#stateDir, { recursive: true });
      options.ended();
    });
  }

  async #read(): Promise<void> {
    let rest = "";
    const texts = this.#child.stderr.pipeThrough(new TextDecoderStream(), {
      signal: this.#stopReading.signal,
    });
    for await (const text of texts) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#note(line);
    }
  }

  #note(line: string): void {
    this.#lines.push(line);
    const started = /the application was started pid=(\d+)/.exec(line);
    if (started) this.#appPid = Number(started[1]);
    if (this.#lines.length > keptLines) this.#lines.shift();
    for (const waiter of this.#waiters) if (line.includes(waiter.text)) waiter.found(line);
  }

  /** Waits for a log line. Errors: when the process ends or the time is up, with its last lines. */
  async untilLine(text: string, timeoutMs: number): Promise<{ line: string; pid: number }> {
    const seen = this.#lines.find((line) => line.includes(text));
    if (seen !== undefined) return { line: seen, pid: this.pid };
    const found = Promise.withResolvers<string>();
    const waiter = { text, found: found.resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => found.resolve(""), timeoutMs);
    const line = await found.promise;
    clearTimeout(timer);
    this.#waiters.delete(waiter);
    if (line !== "") return { line, pid: this.pid };
    throw new Error(`${this.name} did not say "${text}":\n${this.#lines.join("\n")}`);
  }

  /** SIGKILL also ends the application of a sidecar, which would outlive it otherwise. */
  kill(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#ended) return;
    const app = signal === "SIGKILL" && this.#appPid !== undefined ? [this.#appPid] : [];
    for (const pid of [this.pid, ...app]) {
      try {
        Deno.kill(pid, signal);
      } catch {
        // It has ended in the meantime.
      }
    }
  }

  /** Ends it in order, or not, if it takes too long. */
  async end(): Promise<void> {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), 5000);
    await this.#finished;
    clearTimeout(timer);
  }
}
