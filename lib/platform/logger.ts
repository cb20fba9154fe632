/** The log: one line per event on standard error, written beside the work and never in its way. */
import { joined } from "../core/bytes.ts";
import type { Logger } from "../core/ports.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogFormat = "plain" | "json";

const rank: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Units: milliseconds since 1970. */
  readonly wallMs: number;
}

/**
 * One entry as one line, without the line's end.
 *
 * Shape: pure; never throws, whatever the fields hold. Line breaks inside are escaped.
 */
export function formatEntry(entry: LogEntry, format: LogFormat): string {
  const time = isoTime(entry.wallMs);
  if (format === "json") {
    const line: Record<string, unknown> = { time, level: entry.level, message: entry.message };
    for (const [name, value] of safeEntries(entry.fields)) {
      // The three fixed names keep their meaning.
      line[name in line ? `field_${name}` : name] = value;
    }
    return JSON.stringify(line);
  }
  let line = `${time} ${entry.level.padEnd(5)} ${oneLine(entry.message)}`;
  for (const [name, value] of safeEntries(entry.fields)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    line += ` ${name}=${/^[^\s"=\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text)}`;
  }
  return line;
}

function isoTime(wallMs: number): string {
  const date = new Date(wallMs);
  return Number.isNaN(date.getTime()) ? "-" : date.toISOString();
}

/** Fields with values that JSON can hold; undefined ones are left out. */
function safeEntries(fields: Readonly<Record<string, unknown>>): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (const name of Object.keys(fields)) {
    const value = safeValue(fields, name);
    if (value !== undefined) entries.push([name, value]);
  }
  return entries;
}

function safeValue(fields: Readonly<Record<string, unknown>>, name: string): unknown {
  try {
    const value = fields[name];
    if (value === undefined) return undefined;
    if (value instanceof Error) return describeError(value);
    const text = JSON.stringify(value);
    return text === undefined ? String(value) : JSON.parse(text);
  } catch {
    // A cycle, a big integer, a getter that throws.
    return "(not printable)";
  }
}

function describeError(error: Error): string {
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.name}: ${error.message}${cause}`;
}

/** Control characters as escapes, so that no one can forge a line. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1));
}

/** Where the lines go. Shape: resolves with the number of bytes taken, like a Deno writer. */
export interface LogSink {
  write(bytes: Uint8Array): Promise<number>;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format?: LogFormat;
  /** Standard error when left out. */
  readonly sink?: LogSink;
  readonly wall?: () => number;
  /** Lines beyond this many waiting bytes are dropped and counted. */
  readonly maxWaitingBytes?: number;
}

/** A logger with a queue. `flush` waits for what is queued, at most `timeoutMs`. */
export interface QueuedLogger extends Logger {
  setLevel(level: LogLevel): void;
  flush(timeoutMs: number): Promise<void>;
}

/**
 * Makes the logger of a process.
 *
 * Shape: the calls return at once and never throw. When the sink is stuck the queue fills up to its bound, further
 * lines are dropped, and their number is logged when the sink moves again.
 */
export function createLogger(options: LoggerOptions): QueuedLogger {
  const format = options.format ?? "plain";
  const sink = options.sink ?? Deno.stderr;
  const wall = options.wall ?? Date.now;
  const maxWaitingBytes = options.maxWaitingBytes ?? 1024 * 1024;
  const encoder = new TextEncoder();
  let lowest = rank[options.level];
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let writing: Promise<void> | undefined;

  function line(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) {
    const entry: LogEntry = { level, message, fields, wallMs: wall() };
    return encoder.encode(formatEntry(entry, format) + "\n");
  }

  function log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    if (rank[level] > lowest) return;
    if (waitingBytes >= maxWaitingBytes) {
      dropped++;
      return;
    }
    const bytes = line(level, message, fields);
    waiting.push(bytes);
    waitingBytes += bytes.length;
    writing ??= drain();
  }

  async function drain(): Promise<void> {
    // Lines of one turn are written together; and `writing` is set before this can end.
    await null;
    try {
      while (waiting.length > 0) {
        const batch = joined(waiting);
        waiting = [];
        for (let at = 0; at < batch.length;) at += await sink.write(batch.subarray(at));
        waitingBytes -= batch.length;
        if (dropped > 0 && waiting.length === 0) {
          const bytes = line("warn", "log lines were dropped, standard error was stuck", {
            lines: dropped,
          });
          dropped = 0;
          waiting.push(bytes);
          waitingBytes += bytes.length;
        }
      }
    } catch {
      // Standard error is gone (closed by whoever read it): there is nobody to tell, and the work goes on.
      waiting = [];
      waitingBytes = 0;
    } finally {
      writing = undefined;
    }
  }

  return {
    error: (message, fields) => log("error", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    info: (message, fields) => log("info", message, fields),
    debug: (message, fields) => log("debug", message, fields),
    setLevel(level) {
      lowest = rank[level];
    },
    async flush(timeoutMs) {
      if (!writing) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
      await Promise.race([writing, late]);
      clearTimeout(timer);
    },
  };
}
