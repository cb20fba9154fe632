/** The log: one line per event on standard error, written beside the work and never in its way. */
import type { Logger } from "../core/ports.ts";
import { LineQueue, type LineSink } from "./line_queue.ts";

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

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format?: LogFormat;
  /** Standard error when left out. */
  readonly sink?: LineSink;
  readonly wall?: () => number;
  /** Lines beyond this many waiting bytes are dropped and counted. */
  readonly maxWaitingBytes?: number;
}

/** A logger with a queue. `flush` waits for what is queued, at most `timeoutMs`. */
export interface QueuedLogger extends Logger {
  /** Lines that standard error did not take. */
  readonly dropped: number;
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
  const wall = options.wall ?? Date.now;
  let lowest = rank[options.level];

  function line(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) {
    return formatEntry({ level, message, fields, wallMs: wall() }, format);
  }

  // When standard error is gone (closed by whoever read it) there is nobody to tell, and the work goes on.
  const queue = new LineQueue({
    sink: options.sink ?? Deno.stderr,
    ...(options.maxWaitingBytes === undefined ? {} : { maxWaitingBytes: options.maxWaitingBytes }),
    caughtUp: (lines) =>
      line("warn", "log lines were dropped, standard error was stuck", { lines }),
  });

  function log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    if (rank[level] <= lowest) queue.push(() => line(level, message, fields));
  }

  return {
    error: (message, fields) => log("error", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    info: (message, fields) => log("info", message, fields),
    debug: (message, fields) => log("debug", message, fields),
    setLevel(level) {
      lowest = rank[level];
    },
    get dropped() {
      return queue.dropped;
    },
    flush: (timeoutMs) => queue.flush(timeoutMs),
  };
}
