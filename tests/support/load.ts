/** Open-loop load: requests begin when their time has come, whether or not earlier ones were answered. */
import { head, patienceMs, rawClient, type RawPeer, within } from "./raw.ts";

export interface LoadRequest {
  readonly host: string;
  readonly method?: string;
  readonly path?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

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

export interface LoadOptions {
  readonly perSecond: number;
  readonly request: LoadRequest | ((index: number) => LoadRequest);
  /** How long the caller waits for an answer before it closes its connection. */
  readonly giveUpMs?: number;
}

/** How often it is looked whether requests are due. */
const tickMs = 4;

/** Load on one port. Use with `await using`. */
export class OpenLoop implements AsyncDisposable {
  /** In the order in which they were answered. */
  readonly shots: Shot[] = [];
  readonly #port: number;
  readonly #options: LoadOptions;
  readonly #startMs = performance.now();
  readonly #idle: RawPeer[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** The longest that a request began after it was due: what this process, not the proxy, held up. */
  stallMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #begun = 0;

  constructor(port: number, options: LoadOptions) {
    this.#port = port;
    this.#options = options;
    this.#tick();
  }

  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  #tick(): void {
    const { perSecond } = this.#options;
    while (this.#begun * 1000 / perSecond <= this.elapsedMs) {
      const index = this.#begun++;
      this.stallMs = Math.max(this.stallMs, this.elapsedMs - index * 1000 / perSecond);
      const shot = this.#shoot(index, index * 1000 / perSecond);
      this.#underWay.add(shot);
      shot.finally(() => this.#underWay.delete(shot));
    }
    this.#timer = setTimeout(() => this.#tick(), tickMs);
  }

  async #shoot(index: number, atMs: number): Promise<void> {
    const { giveUpMs = patienceMs, request } = this.#options;
    const { body, fields = [], host, method = "GET", path = "/" } = typeof request === "function"
      ? request(index)
      : request;
    const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
    let peer: RawPeer | undefined;
    let answered = { head: "", body: "" };
    try {
      while ((peer = this.#idle.pop()) !== undefined && peer.end !== undefined);
      peer ??= await rawClient(this.#port);
      peer.send(
        head(`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...fields, ...length) + (body ?? ""),
      );
      answered = await within(peer.message(), "an answer", giveUpMs);
      peer.all = "";
      if (/\r\nconnection: *close\r\n/i.test(answered.head)) peer.close();
      else this.#idle.push(peer);
    } catch {
      peer?.close();
    }
    this.shots.push({
      atMs,
      latencyMs: this.elapsedMs - atMs,
      status: Number(answered.head.slice(9, 12)),
      ...answered,
    });
  }

  /** The moment so long after its beginning. Units: milliseconds. */
  async at(ms: number): Promise<void> {
    const leftMs = ms - this.elapsedMs;
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
  }

  /** Begins no more requests, and waits for what is under way. Shape: all shots by the time they were due. */
  async stop(): Promise<readonly Shot[]> {
    clearTimeout(this.#timer);
    await Promise.all(this.#underWay);
    for (const peer of this.#idle.splice(0)) peer.close();
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
