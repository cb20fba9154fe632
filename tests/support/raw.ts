/** Raw TCP for both sides of a proxy under test: exact bytes out, exact bytes in, every wait bounded. */
import { Buffer } from "node:buffer";
import net from "node:net";

/** How long a test waits for something that has to happen, on a slow machine too. Units: milliseconds. */
export const patienceMs = 20_000;

/** Rejects when the promise takes too long; `what` may say how far things have come. */
export async function within<T>(
  promise: Promise<T>,
  what: string | (() => string),
  ms = patienceMs,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${ms} ms for ${typeof what === "string" ? what : what()}`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a connection ended: in order, or by a reset. */
export type End = "end" | "reset";

/** One raw connection. Text is latin-1: one character is one byte. */
export class RawPeer {
  /** Received and not taken yet. */
  pending = "";
  /** Everything ever received. */
  all = "";
  end: End | undefined;
  readonly #socket: net.Socket;
  readonly #changed = new Set<() => void>();

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      const text = bytes.toString("latin1");
      this.pending += text;
      this.all += text;
      this.#notify();
    });
    socket.on("end", () => this.#finish("end"));
    socket.on("error", () => this.#finish("reset"));
    socket.on("close", () => this.#finish("end"));
  }

  #finish(how: End): void {
    this.end ??= how;
    this.#notify();
  }

  #notify(): void {
    for (const changed of [...this.#changed]) changed();
  }

  get localPort(): number {
    return this.#socket.localPort!;
  }

  send(data: string | Uint8Array): void {
    this.#socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** Ends the own side; reading goes on. */
  endWrite(): void {
    this.#socket.end();
  }

  /** Closes both sides in order. */
  close(): void {
    this.#socket.end();
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Reads no more, so that the sender meets backpressure. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    const wait = Promise.withResolvers<T>();
    const check = () => {
      const found = look();
      if (found !== undefined) {
        // What comes in the same turn is the next one's.
        this.#changed.delete(check);
        wait.resolve(found);
      } else if (this.end !== undefined) {
        wait.reject(
          new Error(`the connection's ${this.end} came before ${what}; got ${this.#seen()}`),
        );
      }
    };
    this.#changed.add(check);
    check();
    try {
      return await within(wait.promise, () => `${what}; got ${this.#seen()}`);
    } finally {
      this.#changed.delete(check);
    }
  }

  #seen(): string {
    return JSON.stringify(this.pending.slice(0, 2000));
  }

  /** Exactly so many bytes. */
  take(count: number): Promise<string> {
    return this.#until(() => this.#cut(count), `${count} bytes`);
  }

  #cut(count: number): string | undefined {
    if (this.pending.length < count) return undefined;
    const text = this.pending.slice(0, count);
    this.pending = this.pending.slice(count);
    return text;
  }

  /** Everything up to and with a mark. */
  until(mark: string): Promise<string> {
    return this.#until(() => {
      const at = this.pending.indexOf(mark);
      return at < 0 ? undefined : this.#cut(at + mark.length);
    }, JSON.stringify(mark));
  }

  /** A head up to and with its empty line. */
  head(): Promise<string> {
    return this.until("\r\n\r\n");
  }

  /** A message whose body has a Content-Length, or none. */
  async message(): Promise<{ readonly head: string; readonly body: string }> {
    const head = await this.head();
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    return { head, body: length === undefined ? "" : await this.take(Number(length)) };
  }

  /** What is left until the connection ends, and how it ends. */
  async rest(): Promise<{ readonly text: string; readonly end: End }> {
    const end = await this.closed();
    const text = this.pending;
    this.pending = "";
    return { text, end };
  }

  /** Waits as long as it takes until there is something to take. Shape: false when the connection ended before. */
  begun(): Promise<boolean> {
    const wait = Promise.withResolvers<boolean>();
    const check = () => {
      if (this.pending !== "") wait.resolve(true);
      else if (this.end !== undefined) wait.resolve(false);
    };
    this.#changed.add(check);
    check();
    return wait.promise.finally(() => this.#changed.delete(check));
  }

  /** Resolves when the peer has ended its side or the connection broke. */
  closed(): Promise<End> {
    return this.#until(() => this.end, "the end of the connection");
  }
}

/** Connects a raw client. */
export async function rawClient(port: number, host = "127.0.0.1"): Promise<RawPeer> {
  const socket = net.connect({ port, host, allowHalfOpen: true });
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    }),
    `a connection to ${host}:${port}`,
  );
  return new RawPeer(socket);
}

/** A listening socket whose connections do what the test says. */
export class RawUpstream {
  readonly connections: RawPeer[] = [];
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #fresh: RawPeer[] = [];
  readonly #waiting: ((peer: RawPeer) => void)[] = [];
  #served: ((peer: RawPeer) => Promise<void>) | undefined;

  private constructor() {
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      const peer = new RawPeer(socket);
      this.connections.push(peer);
      // A peer that goes away in the middle is part of many stories; the checks look at what it got.
      if (this.#served !== undefined) this.#served(peer).catch(() => {});
      else {
        const waiting = this.#waiting.shift();
        if (waiting !== undefined) waiting(peer);
        else this.#fresh.push(peer);
      }
    });
  }

  static async listen(port = 0, host = "127.0.0.1"): Promise<RawUpstream> {
    const upstream = new RawUpstream();
    await new Promise<void>((resolve, reject) => {
      upstream.#server.once("error", reject);
      upstream.#server.listen(port, host, resolve);
    });
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** The next connection that nobody has taken yet. */
  accept(): Promise<RawPeer> {
    const fresh = this.#fresh.shift();
    if (fresh !== undefined) return Promise.resolve(fresh);
    const wait = Promise.withResolvers<RawPeer>();
    this.#waiting.push(wait.resolve);
    return within(wait.promise, "a connection to the upstream").finally(() => {
      const index = this.#waiting.indexOf(wait.resolve);
      if (index >= 0) this.#waiting.splice(index, 1);
    });
  }

  /** Whether a connection has come that nobody has taken. */
  get unexpected(): boolean {
    return this.#fresh.length > 0;
  }

  /** From now on every connection is served by the function. */
  serve(peer: (peer: RawPeer) => Promise<void>): void {
    this.#served = peer;
  }

  /** Answers every request whose body has a length: with the text that the function makes of it. */
  answer(make: (request: { readonly head: string; readonly body: string }) => string): void {
    this.serve(async (peer) => {
      while (await peer.begun()) peer.send(make(await peer.message()));
    });
  }

  /** Takes no more connections; those that are there stay. */
  stopListening(): void {
    this.#server.close();
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await within(closed, "the upstream's end");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Lines with CR LF, and the empty line behind them. */
export function head(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A complete answer with a length. */
export function answer(body: string, status = "200 OK", ...fields: readonly string[]): string {
  return head(`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`) + body;
}
