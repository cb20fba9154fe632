/** What can be seen of a running sidecar: sampled once a second, fed by what the data threads report, bounded. */
import { LiveFeed, type LiveSource } from "../control/api/live.ts";
import type { BlockTable } from "../control/telemetry/blocks.ts";
import { EndpointWatch, type WatchedEndpoint } from "../control/telemetry/endpoint_events.ts";
import type { ThreadReader } from "../control/telemetry/endpoint_state.ts";
import { FailureRing } from "../control/telemetry/failures.ts";
import { History } from "../control/telemetry/history.ts";
import type { Clock } from "../core/ports.ts";
import type { ClusterSnapshot, FromThread, ThreadMessage } from "../plane/messages.ts";
import { recordsIn } from "../plane/record_batch.ts";
import { Observers } from "./observers.ts";
import { Questions } from "./questions.ts";

export interface InsightOptions {
  readonly blocks: BlockTable;
  readonly clusters: () => ReadonlyMap<string, ClusterSnapshot>;
  readonly reader: ThreadReader;
  /** Sum of a slot over all threads. */
  readonly counter: (slot: number) => number;
  /** To every data thread. */
  readonly post: (message: ThreadMessage) => void;
  /** Of the policy that a thread starts with now. */
  readonly revision: () => number;
  readonly live: (insight: Insight) => LiveSource;
  readonly clock: Clock;
}

/** The two clocks never run quite alike; a difference by less is none. Units: milliseconds. */
const noticedMs = 250;

export class Insight {
  readonly history: History;
  readonly failures = new FailureRing();
  readonly watch: EndpointWatch;
  readonly observers: Observers;
  readonly questions: Questions;
  readonly live: LiveFeed;
  /** Newest policy in force, thread by thread. */
  readonly acknowledged: number[] = [];
  readonly #options: InsightOptions;
  #wallOffsetMs: number;

  constructor(options: InsightOptions) {
    const { blocks, clusters, reader, clock, post } = options;
    this.#options = options;
    this.#wallOffsetMs = clock.wall() - clock.now();
    this.history = new History({ entries: () => blocks.entries() }, clock.now());
    this.watch = new EndpointWatch({ clusters, reader });
    this.observers = new Observers({ post: (observe) => post({ kind: "observe", observe }) });
    this.questions = new Questions({
      post: (question) => post({ kind: "explain", question }),
      threads: () => reader.threads,
    });
    this.live = new LiveFeed(options.live(this));
  }

  get reader(): ThreadReader {
    return this.#options.reader;
  }

  /** A second has passed. */
  second(): void {
    const { clock, counter } = this.#options;
    this.history.sample(counter, clock.now());
    this.watch.sample(clock.now(), clock.wall());
    const offsetMs = clock.wall() - clock.now();
    if (Math.abs(offsetMs - this.#wallOffsetMs) > noticedMs) this.#wallOffsetMs = offsetMs;
    this.live.tick();
  }

  /** Takes what concerns it of a thread's messages. */
  received(message: FromThread, thread: number): void {
    switch (message.kind) {
      case "failures":
        return this.failures.add(message);
      case "records":
        return this.observers.received({ ...message, records: recordsIn(message.batch) });
      case "explained":
        return this.questions.answered(message, thread);
      case "acknowledged":
        this.acknowledged[thread] = message.revision;
        return;
      case "started":
        this.acknowledged[thread] = this.#options.revision();
        return this.observers.repeat();
    }
  }

  /** A moment of the monotonic clock as one of the wall. Shape: the same each time it is asked. */
  wallOf(atMs: number): number {
    return Math.round(this.#wallOffsetMs + atMs);
  }

  /** The endpoints of a service. Shape: a set that was posted since the last look is looked at now. */
  endpointsOf(service: string): readonly WatchedEndpoint[] {
    const { clock, clusters } = this.#options;
    const snapshot = clusters().get(service);
    if (snapshot === undefined) return [];
    if (!this.watch.knows(snapshot)) this.watch.sample(clock.now(), clock.wall());
    return this.watch.of(service);
  }

  /** Ends everybody who listens. */
  close(): void {
    this.live.close();
    this.observers.close();
  }
}
