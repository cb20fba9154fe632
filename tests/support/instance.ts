/** A scripted instance of a service: answers with its name, and counts what comes. */
import { pickPort } from "./ports.ts";
import { answer, type RawPeer, RawUpstream } from "./raw.ts";

/** One request as it arrived. */
export interface Arrival {
  readonly head: string;
  readonly body: string;
  readonly atMs: number;
}

/** Answers every request the same way until the test changes that. Use with `await using`. */
export class Instance implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly arrivals: Arrival[] = [];
  /** Requests under way, and the most there were at a time since that was set to 0 last. */
  open = 0;
  peak = 0;
  /** How long each request takes. */
  delayMs = 0;
  status = "200 OK";
  fields: readonly string[] = [];
  /** Refuses connections. */
  stopped = false;
  /** While set, requests wait for it before they are answered. */
  held: Promise<void> | undefined;
  #upstream: RawUpstream;

  private constructor(name: string, upstream: RawUpstream) {
    this.name = name;
    this.port = upstream.port;
    this.#upstream = upstream;
    upstream.serve((peer) => this.#serve(peer));
  }

  static async start(name: string, port = pickPort()): Promise<Instance> {
    return new Instance(name, await RawUpstream.listen(port));
  }

  get count(): number {
    return this.arrivals.length;
  }

  get connections(): readonly RawPeer[] {
    return this.#upstream.connections;
  }

  async #serve(peer: RawPeer): Promise<void> {
    while (await peer.begun()) {
      const request = await peer.message().catch(() => undefined);
      if (request === undefined) break;
      this.arrivals.push({ ...request, atMs: performance.now() });
      this.open++;
      this.peak = Math.max(this.peak, this.open);
      if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
      await this.held;
      this.open--;
      peer.send(answer(this.name, this.status, ...this.fields));
    }
    peer.close();
  }

  /** Refuses connections from now on and ends those that are there. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.#upstream.close();
  }

  /** Takes no more connections; those that are there stay. */
  stopListening(): void {
    this.#upstream.stopListening();
  }

  /** Listens again where it did before. */
  async restart(): Promise<void> {
    this.#upstream = await RawUpstream.listen(this.port);
    this.stopped = false;
    this.#upstream.serve((peer) => this.#serve(peer));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#upstream.close();
  }
}

/** Several instances. Use with `await using`. */
export class Instances implements AsyncDisposable {
  readonly all: readonly Instance[];

  private constructor(all: readonly Instance[]) {
    this.all = all;
  }

  static async start(...names: readonly string[]): Promise<Instances> {
    return new Instances(await Promise.all(names.map((name) => Instance.start(name))));
  }

  get ports(): readonly number[] {
    return this.all.map(({ port }) => port);
  }

  /** Requests that reached each of them. */
  get counts(): readonly number[] {
    return this.all.map(({ count }) => count);
  }

  get total(): number {
    return this.counts.reduce((sum, each) => sum + each, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((each) => each[Symbol.asyncDispose]()));
  }
}
