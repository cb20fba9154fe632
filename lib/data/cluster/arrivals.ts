/** Messages that take a data thread long: large sets come in a piece at a time, between turns of the loop. */
import { pieceCount, pieceOf } from "../../plane/cluster_change.ts";
import type { ClusterChange, EndpointSnapshot, ThreadMessage } from "../../plane/messages.ts";

/** What takes a change in. */
export interface Incoming {
  take(records: readonly EndpointSnapshot[]): void;
  finish(): void;
}

/** What is handled in one step. */
export type WholeMessage = Exclude<ThreadMessage, { kind: "cluster_change" }>;

export interface ArrivalsOptions {
  /** Handles a message whose time has come. */
  readonly handle: (message: WholeMessage) => void;
  /** Shape: undefined when the change fits nothing here and is passed over. */
  readonly begin: (change: ClusterChange) => Incoming | undefined;
  readonly net: {
    turn(): Promise<void>;
    sleep(ms: number): Promise<void>;
    sinceTurn(): number;
  };
}

type Job =
  | { readonly kind: "message"; readonly message: WholeMessage }
  | {
    readonly kind: "change";
    readonly change: ClusterChange;
    /** Messages about the same service that came after it. */
    readonly behind: ThreadMessage[];
    incoming: Incoming | undefined;
    pieces: number;
  };

/** When so much of a turn is over, further pieces wait for the next one. */
const turnMs = 1;
/** So many pieces come in without a rest: some sets, but not all of a large registry. */
const eagerPieces = 24;
/**
 * Between pieces of a long line nobody waits for. Without it memory grows faster than the engine can look through it
 * beside the calls, and then it stops them to catch up.
 */
const restMs = 4;

/**
 * Shape: messages about one service keep their order, and a policy comes after the sets that were sent before it; all
 * else is handled at once. A set becomes visible as a whole, with its last piece; until then the one before is used.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #changes = new Map<string, Extract<Job, { kind: "change" }>>();
  #queue: Job[] = [];
  #running = false;
  /** In line. */
  #policies = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** How many messages wait for their turn, those behind others not counted. */
  get waiting(): number {
    return this.#queue.length;
  }

  receive(message: ThreadMessage): void {
    const service = serviceOf(message);
    const pending = service === undefined ? undefined : this.#changes.get(service);
    if (pending !== undefined) {
      pending.behind.push(message);
      // Requests wait for the answer.
      if (message.kind === "resolved") {
        this.#queue = [pending, ...this.#queue.filter((job) => job !== pending)];
      }
    } else if (message.kind === "cluster_change") {
      this.#change(message.change);
    } else if (message.kind === "policy" && this.#queue.length > 0) {
      this.#policies++;
      this.#enqueue({ kind: "message", message });
    } else this.#options.handle(message);
  }

  /** A small one is taken in at once. */
  #change(change: ClusterChange): void {
    const { added, service } = change;
    if (added.kind === "few") {
      const incoming = this.#options.begin(change);
      incoming?.take(added.records);
      incoming?.finish();
      return;
    }
    const job: Job = { kind: "change", change, behind: [], incoming: undefined, pieces: 0 };
    this.#changes.set(service, job);
    this.#enqueue(job);
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    if (!this.#running) this.#run();
  }

  async #run(): Promise<void> {
    const { net } = this.#options;
    this.#running = true;
    let pieces = 0;
    while (this.#queue.length > 0) {
      if (pieces < eagerPieces || this.#awaited()) await net.turn();
      else await net.sleep(restMs);
      while (this.#queue.length > 0) {
        this.#step(this.#queue[0]!);
        pieces++;
        if (net.sinceTurn() > turnMs) break;
      }
    }
    this.#running = false;
  }

  /** Whether something that came later waits for what is in line. */
  #awaited(): boolean {
    const [first] = this.#queue;
    return this.#policies > 0 || first?.kind === "change" && first.behind.length > 0;
  }

  #step(job: Job): void {
    if (job.kind === "message") {
      this.#queue.shift();
      this.#policies--;
      return this.#options.handle(job.message);
    }
    const { added, service } = job.change;
    if (job.pieces === 0) job.incoming = this.#options.begin(job.change);
    if (job.incoming !== undefined) {
      job.incoming.take(pieceOf(added, job.pieces++));
      if (job.pieces < pieceCount(added)) return;
      job.incoming.finish();
    }
    this.#queue.shift();
    this.#changes.delete(service);
    for (const message of job.behind) this.receive(message);
  }

  /** Drops what is still waiting. */
  stop(): void {
    this.#queue = [];
    this.#changes.clear();
    this.#policies = 0;
  }
}

/** The service whose set has to be there before the message means anything. */
function serviceOf(message: ThreadMessage): string | undefined {
  switch (message.kind) {
    case "cluster":
      return message.cluster.service;
    case "cluster_change":
      return message.change.service;
    case "cluster_gone":
    case "verdict":
      return message.service;
    case "resolved":
      return message.resolution.kind === "service" ? message.resolution.service : undefined;
    default:
      return undefined;
  }
}
