/** Two data planes without sockets: one is handed whole sets, the other what is really sent to a data thread. */
import { DataPlane } from "../../lib/data/plane.ts";
import type { Net } from "../../lib/data/net/socket.ts";
import { ClusterPosts, type HeldSets } from "../../lib/plane/cluster_posts.ts";
import { counterBytes } from "../../lib/plane/counters.ts";
import { limitBytes } from "../../lib/plane/limits.ts";
import type { ClusterSnapshot, FromThread, ThreadMessage } from "../../lib/plane/messages.ts";
import { defaultPolicy } from "./policy.ts";

/** Turns that come when they are told to; time stands still. */
export class HeldTurns {
  #waiting: (() => void)[] = [];
  #elapsedMs = 0;

  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  readonly net = {
    kind: "portable",
    now: () => 1000,
    // Every step takes so long that the next one has to wait for its turn.
    sinceTurn: () => this.#elapsedMs += 2,
    turn: () => this.#wait(),
    sleep: () => this.#wait(),
  } as unknown as Net;

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** One turn for all that wait. */
  async next(): Promise<void> {
    this.#elapsedMs = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    for (let hop = 0; hop < 4; hop++) await null;
  }
}

export interface PaperPlane {
  readonly plane: DataPlane;
  readonly turns: HeldTurns;
  readonly counters: Float64Array;
  readonly posted: FromThread[];
}

/** A data plane that listens nowhere. */
export function paperPlane(clusters: readonly ClusterSnapshot[]): PaperPlane {
  const turns = new HeldTurns();
  const posted: FromThread[] = [];
  const counters = new SharedArrayBuffer(counterBytes);
  const plane = new DataPlane({
    net: turns.net,
    start: structuredClone({
      kind: "start",
      thread: 0,
      net: "portable",
      wakeFd: -1,
      sequence: new SharedArrayBuffer(4),
      counters,
      descriptors: new SharedArrayBuffer(0),
      limits: new SharedArrayBuffer(limitBytes),
      originMs: performance.timeOrigin,
      listeners: [],
      policy: defaultPolicy,
      clusters,
    }),
    post: (message) => posted.push(message),
    random: () => 0.5,
  });
  return { plane, turns, counters: new Float64Array(counters), posted };
}

export class PlanePair {
  whole!: PaperPlane;
  sent!: PaperPlane;
  readonly #posts = new ClusterPosts([]);
  readonly #sets = new Map<string, ClusterSnapshot>();
  #held!: HeldSets;

  constructor() {
    this.restart();
  }

  /** Both threads died; others begin with all that there is to know. */
  restart(): void {
    this.whole = paperPlane([...this.#sets.values()]);
    const { clusters, held } = this.#posts.begin();
    this.#held = held;
    this.sent = paperPlane(clusters);
    for (const service of this.#posts.missing(held)) this.#sendNext(service);
  }

  #sendNext(service: string): void {
    const message = this.#posts.next(this.#held, service);
    if (message !== undefined) this.sent.plane.receive(structuredClone(message));
  }

  /** A message never arrives. */
  lose(cluster: ClusterSnapshot): void {
    this.#sets.set(cluster.service, cluster);
    this.#posts.put(cluster);
    this.#posts.next(this.#held, cluster.service);
    this.whole.plane.receive({ kind: "cluster", cluster: structuredClone(cluster) });
  }

  post(message: ThreadMessage): void {
    this.whole.plane.receive(structuredClone(message));
    if (message.kind === "cluster") {
      const { cluster } = message;
      this.#sets.set(cluster.service, cluster);
      this.#posts.put(cluster);
      return this.#sendNext(cluster.service);
    }
    if (message.kind === "cluster_gone") {
      this.#sets.delete(message.service);
      this.#posts.delete(message.service);
      this.#held.delete(message.service);
    }
    this.sent.plane.receive(structuredClone(message));
  }

  /** Lets so many turns pass, and answers what the thread asks for. */
  async turn(count = 1): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      await this.sent.turns.next();
      this.#fillGaps();
    }
  }

  #fillGaps(): void {
    for (const message of this.sent.posted.splice(0)) {
      if (message.kind !== "cluster_gap") continue;
      this.#held.delete(message.service);
      this.#sendNext(message.service);
    }
  }

  /** Lets turns pass until everything has come in. */
  async settle(): Promise<void> {
    this.#fillGaps();
    while (this.sent.turns.waiting) await this.turn();
  }
}
