/**
 * Load on one port: open-loop, where requests begin when their time has come whether or not earlier ones were answered,
 * and in volleys, as quick as they are answered.
 */
import { head, patienceMs, rawClient, type RawPeer, within } from "./raw.ts";

export interface LoadRequest {
  readonly host: string;
  readonly method?: string;
  readonly path?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

/** The same request each time, or another one by its number. */
export type LoadRequests = LoadRequest | ((index: number) => LoadRequest);

/** What became of one request. */
export interface Shot {
  /** When it was due, from the beginning of the load. Units: milliseconds. */
  readonly atMs: number;
  /** From when it was due to the end of its answer, so that a stall counts for all that it held up. */
  readonly latencyMs: number;
  /** 0: the connection ended, or the caller gave up. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Callers with connections that they keep. */
class Callers {
  readonly #port: number;
  readonly #idle: RawPeer[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Shape: status 0 when no answer came in time. */
  async ask(request: LoadRequest, giveUpMs: number): Promise<Omit<Shot, "atMs" | "latencyMs">> {
    const { body, fields = [], host, method = "GET", path = "/" } = request;
    const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
    let peer: RawPeer | undefined;
    try {
      while ((peer = this.#idle.pop()) !== undefined && peer.end !== undefined);
      peer ??= await rawClient(this.#port);
      peer.send(
        head(`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...fields, ...length) + (body ?? ""),
      );
      const answered = await within(peer.message(), "an answer", giveUpMs);
      peer.all = "";
      if (/\r\nconnection: *close\r\n/i.test(answered.head)) peer.close();
      else this.#idle.push(peer);
      return { status: Number(answered.head.slice(9, 12)), ...answered };
    } catch {
      peer?.close();
      return { status: 0, head: "", body: "" };
    }
  }

  close(): void {
    for (const peer of this.#idle.splice(0)) peer.close();
  }
}

function requestOf(requests: LoadRequests, index: number): LoadRequest {
  return typeof requests === "function" ? requests(index) : requests;
}

export interface VolleyOptions {
  readonly count: number;
  /** Requests that are under way at a time. */
  readonly atATime?: number;
  readonly request: LoadRequests;
}

/**
 * Sends so many requests, each as soon as one before it was answered: for what is counted and not timed.
 *
 * Shape: in the order in which they were begun.
 */
export async function volley(
  port: number,
  { atATime = 4, count, request }: VolleyOptions,
): Promise<readonly Shot[]> {
  const callers = new Callers(port);
  const shots: Shot[] = [];
  const startMs = performance.now();
  let begun = 0;
  const caller = async () => {
    while (begun < count) {
      const index = begun++;
      const atMs = performance.now() - startMs;
      const answered = await callers.ask(requestOf(request, index), patienceMs);
      shots[index] = { atMs, latencyMs: performance.now() - startMs - atMs, ...answered };
    }
  };
  await Promise.all(Array.from({ length: atATime }, caller));
  callers.close();
  return shots;
}

export interface LoadOptions {
  readonly perSecond: number;
  readonly request: LoadRequests;
  /** How long the caller waits for an answer before it closes its connection. */
  readonly giveUpMs?: number;
}

/** How often it is looked whether requests are due. */
const tickMs = 4;

/** Open-loop load. Use with `await using`. */
export class OpenLoop implements AsyncDisposable {
  /** In the order in which they were answered. */
  readonly shots: Shot[] = [];
  /** When it began, on the clock of `performance.now()`. Units: milliseconds. */
  readonly startMs = performance.now();
  readonly #callers: Callers;
  readonly #options: LoadOptions;
  /** Requests without an answer yet, and when each was due. */
  readonly #underWay = new Map<Promise<void>, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #begun = 0;

  constructor(port: number, options: LoadOptions) {
    this.#callers = new Callers(port);
    this.#options = options;
    this.#tick();
  }

  get elapsedMs(): number {
    return performance.now() - this.startMs;
  }

  #tick(): void {
    const { perSecond } = this.#options;
    while (this.#begun * 1000 / perSecond <= this.elapsedMs) {
      const index = this.#begun++;
      const atMs = index * 1000 / perSecond;
      const shot = this.#shoot(index, atMs);
      this.#underWay.set(shot, atMs);
      shot.finally(() => this.#underWay.delete(shot));
    }
    this.#timer = setTimeout(() => this.#tick(), tickMs);
  }

  async #shoot(index: number, atMs: number): Promise<void> {
    const { giveUpMs = patienceMs, request } = this.#options;
    const answered = await this.#callers.ask(requestOf(request, index), giveUpMs);
    this.shots.push({ atMs, latencyMs: this.elapsedMs - atMs, ...answered });
  }

  /** The moment so long after its beginning. Units: milliseconds. */
  async at(ms: number): Promise<void> {
    const leftMs = ms - this.elapsedMs;
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
  }

  /**
   * The longest that a request took which was under way since a moment; one without an answer counts as what it has
   * waited so far.
   *
   * Shape: of a load to which nothing happens it is what the machine may have held up beside it, in the test, the
   * proxy's thread or the instances. Units: milliseconds; the moment is one of `performance.now()`.
   */
  slowestMs(sinceMs = 0): number {
    let longestMs = 0;
    for (const { atMs, latencyMs } of this.shots) {
      if (this.startMs + atMs + latencyMs > sinceMs) longestMs = Math.max(longestMs, latencyMs);
    }
    for (const atMs of this.#underWay.values()) {
      longestMs = Math.max(longestMs, this.elapsedMs - atMs);
    }
    return longestMs;
  }

  /** Begins no more requests, and waits for what is under way. Shape: all shots by the time they were due. */
  async stop(): Promise<readonly Shot[]> {
    clearTimeout(this.#timer);
    await Promise.all(this.#underWay.keys());
    this.#callers.close();
    return this.shots.toSorted((a, b) => a.atMs - b.atMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Those that were due within a stretch of the load. Units: milliseconds. */
export function between(shots: readonly Shot[], fromMs: number, toMs = Infinity): readonly Shot[] {
  return shots.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
}

/** How many had each status. */
export function statuses(shots: readonly Shot[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of shots) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Share of shots that fit. */
export function share(shots: readonly Shot[], fits: (shot: Shot) => boolean): number {
  return shots.length === 0 ? 0 : shots.filter(fits).length / shots.length;
}

/** A quantile of the latencies. Units: milliseconds, rounded. */
export function latency(shots: readonly Shot[], quantile: number): number {
  const sorted = shots.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0);
}
