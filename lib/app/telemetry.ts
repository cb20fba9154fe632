/** Where records of requests go: into the access log and to the collector of traces; and what the metrics show of it. */
import { parseAccessLogFormat } from "../core/access_log_format.ts";
import type { Clock, Fetch, Random } from "../core/ports.ts";
import type { Config } from "../config/schema.ts";
import { type LineMaker, lineMaker, logRequest } from "../control/telemetry/access_log.ts";
import type { ThreadReader } from "../control/telemetry/endpoint_state.ts";
import { parseHeaderLines } from "../control/telemetry/header_lines.ts";
import type { Resource } from "../control/telemetry/otlp.ts";
import { Pulse } from "../control/telemetry/pulse.ts";
import type { GaugeValues } from "../control/telemetry/samples.ts";
import { type SpanCounts, SpanExporter } from "../control/telemetry/span_exporter.ts";
import type { FailureReport } from "../plane/messages.ts";
import type { ObservePolicy, RequestRecord } from "../plane/observe.ts";
import { AppendFile } from "../platform/append_file.ts";
import { LineQueue, type LineSink } from "../platform/line_queue.ts";
import type { QueuedLogger } from "../platform/logger.ts";
import type { ProcessStats } from "../platform/process_stats.ts";

export interface TelemetryOptions {
  readonly logger: QueuedLogger;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: Fetch;
  /** Undefined when there is no such file. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** Where the access log goes when no file is named. */
  readonly stdout: LineSink;
  readonly stats: () => ProcessStats;
  readonly reader: ThreadReader;
  readonly hostName: string;
  /** Tells this process from others of its service. */
  readonly instance: string;
  /** Of mesher itself. */
  readonly version: string;
}

interface AccessLog {
  readonly line: LineMaker;
  readonly lines: LineQueue;
  readonly close: () => void;
}

/** How long the last lines and spans may take. Units: milliseconds. */
const closeMs = 1_000;
/** Of an access log for failures only: no request is ever drawn for it, but the data threads know that there is one. */
const leastShare = Number.MIN_VALUE;
const none: SpanCounts = { sent: 0, full: 0, refused: 0, unreachable: 0, waiting: 0 };

export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #pulse: Pulse;
  #config: Config;
  #exporter: SpanExporter | undefined;
  #log: AccessLog | undefined;
  /** The present ones, and those that others have replaced and that are not done yet. */
  readonly #exporters = new Set<SpanExporter>();
  readonly #lines = new Set<LineQueue>();
  /** Of those that are done. */
  #spansBefore = none;
  #linesBefore = 0;
  readonly #ending = new Set<Promise<void>>();
  #failuresDropped = 0;
  #recordsDropped = 0;

  constructor(config: Config, options: TelemetryOptions) {
    this.#options = options;
    this.#pulse = new Pulse(options.clock, options.reader);
    this.#config = config;
    this.#startTracing();
    this.#startLog();
  }

  /** What the data threads have to report for all this. */
  get wanted(): Omit<ObservePolicy, "taps"> {
    const { tracing, accessLog } = this.#config;
    return {
      logShare: accessLog.enabled ? Math.max(leastShare, accessLog.sharePercent / 100) : 0,
      ...(tracing.endpoint === "" ? {} : {
        tracing: {
          share: tracing.samplePercent / 100,
          perSecond: tracing.perSecond,
          write: tracing.propagate,
        },
      }),
    };
  }

  /** Takes over another configuration; what has been counted stays. */
  apply(config: Config): void {
    const before = this.#config;
    this.#config = config;
    if (differ(before.tracing, config.tracing)) {
      this.#endTracing();
      this.#startTracing();
    }
    if (differ(before.accessLog, config.accessLog)) {
      this.#endLog();
      this.#startLog();
    }
  }

  #startTracing(): void {
    const { endpoint, format, headersFile } = this.#config.tracing;
    if (endpoint === "") return;
    const { logger, clock, random, fetch } = this.#options;
    this.#exporter = new SpanExporter({
      endpoint: tracesUrl(endpoint, format),
      format,
      resource: this.#resource(),
      headers: () => this.#headers(headersFile),
      fetch,
      clock,
      random,
      logger,
    });
    this.#exporters.add(this.#exporter);
  }

  #resource(): Resource {
    const { service, version, app, environment } = this.#config;
    const { hostName, instance } = this.#options;
    return {
      service: service ?? "mesher",
      version,
      instance,
      namespace: app,
      environment,
      host: hostName,
      mesherVersion: this.#options.version,
    };
  }

  async #headers(path: string): Promise<Readonly<Record<string, string>>> {
    if (path === "") return {};
    const wrong = (why: string) => new Error(`tracing.headers_file ${path}: ${why}`);
    let text: string | undefined;
    try {
      text = await this.#options.readFile(path);
    } catch {
      throw wrong("it cannot be read");
    }
    if (text === undefined) throw wrong("there is no such file");
    try {
      return parseHeaderLines(text);
    } catch (error) {
      throw wrong(error instanceof Error ? error.message : String(error));
    }
  }

  #startLog(): void {
    const { enabled, file: path, format: text } = this.#config.accessLog;
    const format = parseAccessLogFormat(text);
    // The schema has refused texts that are no format.
    if (!enabled || typeof format === "string") return;
    const { logger, stdout } = this.#options;
    const file = path === "" ? undefined : new AppendFile(path);
    const where = path === "" ? "standard output" : path;
    const lines = new LineQueue({
      sink: file ?? stdout,
      caughtUp: (lines) => {
        logger.warn(`lines of the access log were dropped, ${where} was stuck`, { lines });
        return undefined;
      },
      failed: (error) => logger.warn(`the access log cannot be written to ${where}`, { error }),
    });
    this.#log = { line: lineMaker(format), lines, close: () => file?.close() };
    this.#lines.add(lines);
  }

  #endTracing(): void {
    const exporter = this.#exporter;
    if (exporter === undefined) return;
    this.#exporter = undefined;
    this.#later(exporter.close(closeMs), () => {
      this.#exporters.delete(exporter);
      this.#spansBefore = sum([this.#spansBefore, exporter.counts]);
    });
  }

  #endLog(): void {
    const log = this.#log;
    if (log === undefined) return;
    this.#log = undefined;
    this.#later(log.lines.flush(closeMs), () => {
      log.close();
      this.#lines.delete(log.lines);
      this.#linesBefore += log.lines.dropped;
    });
  }

  #later(end: Promise<void>, ended: () => void): void {
    const over = end.then(() => {
      ended();
      this.#ending.delete(over);
    });
    this.#ending.add(over);
  }

  /** Takes a batch of a data thread; `dropped` requests had no room in it. */
  records({ records, dropped }: {
    readonly records: Iterable<RequestRecord>;
    readonly dropped: number;
  }): void {
    this.#recordsDropped += dropped;
    const log = this.#log;
    const exporter = this.#exporter;
    if (log === undefined && exporter === undefined) return;
    for (const record of records) {
      if (log !== undefined) logRequest(log.lines, log.line, record);
      exporter?.add(record);
    }
  }

  /** Counts what a data thread could not report; the failures themselves go into the log elsewhere. */
  failures({ dropped }: {
    readonly failures: readonly FailureReport[];
    readonly dropped: number;
  }): void {
    this.#failuresDropped += dropped;
  }

  /** What the metrics show of this, of the event loops and of the process. */
  gauges(): GaugeValues {
    const stats = this.#options.stats();
    const spans = sum([this.#spansBefore, ...[...this.#exporters].map(({ counts }) => counts)]);
    const lines = [...this.#lines].reduce((sum, { dropped }) => sum + dropped, this.#linesBefore);
    return {
      mesher_data_thread_turn_age_seconds: this.#pulse.turnAgesMs().map((ms, thread) => ({
        labels: { thread: String(thread) },
        value: ms / 1000,
      })),
      mesher_control_loop_delay_seconds: this.#pulse.loopDelayMs / 1000,
      mesher_log_lines_dropped_total: this.#options.logger.dropped,
      mesher_access_log_lines_dropped_total: lines,
      mesher_records_dropped_total: [
        { labels: { kind: "failures" }, value: this.#failuresDropped },
        { labels: { kind: "requests" }, value: this.#recordsDropped },
      ],
      mesher_spans_sent_total: spans.sent,
      mesher_spans_dropped_total: [
        { labels: { reason: "queue_full" }, value: spans.full },
        { labels: { reason: "refused" }, value: spans.refused },
        { labels: { reason: "unreachable" }, value: spans.unreachable },
      ],
      mesher_spans_waiting: spans.waiting,
      process_cpu_seconds_total: stats.cpuSeconds,
      process_resident_memory_bytes: stats.residentBytes,
      process_open_fds: stats.openFds,
      process_max_fds: stats.maxFds,
    };
  }

  /** Sends and writes what waits, as far as that goes in a second. */
  async close(): Promise<void> {
    this.#endTracing();
    this.#endLog();
    await this.#pulse.stop();
    await Promise.all(this.#ending);
  }
}

/** Shape: the path that the protocol names where the address has none. */
export function tracesUrl(endpoint: string, format: "otlp" | "zipkin"): string {
  const url = new URL(endpoint);
  if (url.pathname === "/") url.pathname = format === "otlp" ? "/v1/traces" : "/api/v2/spans";
  return url.href;
}

function differ(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}

function sum(all: readonly SpanCounts[]): SpanCounts {
  return all.reduce((a, b) => ({
    sent: a.sent + b.sent,
    full: a.full + b.full,
    refused: a.refused + b.refused,
    unreachable: a.unreachable + b.unreachable,
    waiting: a.waiting + b.waiting,
  }), none);
}
