/** Messages that take a data thread long: large sets come in step by step, between turns of the loop. */
import type { ClusterChange, ThreadMessage } from "../../plane/messages.ts";

/** A change that comes in. */
export interface Incoming {
  /** Takes far less than a millisecond. Shape: whether it was the last one. */
  step(): boolean;
}

/** What is handled in one step. */
export type WholeMessage = Exclude<ThreadMessage, { kind: "cluster_change" }>;

export interface ArrivalsOptions {
  /** Handles a message whose time has come. */
  readonly handle: (message: WholeMessage) => void;
  /** Shape: undefined when the change fits nothing here and is passed over. */
  readonly begin: (change: ClusterChange) => Incoming | undefined;
  readonly net: {
    now(): number;
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
    /** Undefined before its first step, and for one that fits nothing here. */
    incoming: Incoming | undefined;
    begun: boolean;
  };

/** When so much of a turn is over, further steps wait for the next one. */
const turnMs = 1;
/** So many steps are taken without a rest: some sets, but not all of a large registry. */
const eagerSteps = 24;
/**
 * Between steps of a long line nobody waits for. Without it memory grows faster than the engine can look through it
 * beside the calls, and then it stops them to catch up.
 */
const restMs = 4;

/**
 * Shape: messages about one service keep their order, and a policy comes after the sets that were sent before it; all
 * else is handled at once. A set becomes visible as a whole, with its last step; until then the one before is used.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #changes = new Map<string, Extract<Job, { kind: "change" }>>();
  #queue: Job[] = [];
  #running = false;
  /** In line. */
  #policies = 0;
  /** What small changes took of the turn that began then. */
  #turnAtMs = NaN;
  #tookMs = 0;

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

  /** A small one is taken in at once, unless many have come together. */
  #change(change: ClusterChange): void {
    if (change.added.kind === "few" && this.#takenAtOnce(change)) return;
    const job: Job = { kind: "change", change, behind: [], incoming: undefined, begun: false };
    this.#changes.set(change.service, job);
    this.#enqueue(job);
  }

  #takenAtOnce(change: ClusterChange): boolean {
    const { begin, net } = this.#options;
    if (net.now() !== this.#turnAtMs) {
      this.#turnAtMs = net.now();
      this.#tookMs = 0;
    }
    if (this.#tookMs > turnMs) return false;
    const fromMs = net.sinceTurn();
    begin(change)?.step();
    this.#tookMs += net.sinceTurn() - fromMs;
    return true;
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    if (!this.#running) this.#run();
  }

  async #run(): Promise<void> {
    const { net } = this.#options;
    this.#running = true;
    let steps = 0;
    while (this.#queue.length > 0) {
      if (steps < eagerSteps || this.#awaited()) await net.turn();
      else await net.sleep(restMs);
      while (this.#queue.length > 0) {
        this.#step(this.#queue[0]!);
        steps++;
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
    if (!job.begun) job.incoming = this.#options.begin(job.change);
    job.begun = true;
    if (job.incoming?.step() === false) return;
    this.#queue.shift();
    this.#changes.delete(job.change.service);
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
