/** The registry's end of watches, in memory: accepts or refuses connections, sends frames, sees what comes back. */
import { acceptOf } from "../../lib/control/registry/watch_socket.ts";
import type { ByteConnection, Dial, DialTarget } from "../../lib/core/ports.ts";

const decoder = new TextDecoder("latin1");

/** How the next connections are met. */
export type Welcome =
  | "accept"
  /** The connection itself is refused. */
  | "refuse"
  /** Nothing ever comes back. */
  | "hang"
  /** The status line of another answer. */
  | number
  /** An upgrade with a wrong key. */
  | "impostor";

/** One connection as the registry sees it. */
export class WatcherEnd implements ByteConnection {
  closed = false;
  head = "";
  /** Bytes that came after the head. */
  readonly received: number[] = [];
  readonly target: DialTarget;
  readonly #welcome: Welcome;
  #pending = new Uint8Array(0);
  #ended = false;
  #wake: () => void = () => {};

  constructor(target: DialTarget, welcome: Welcome) {
    this.target = target;
    this.#welcome = welcome;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.closed) return Promise.reject(new Error("the connection is closed"));
    if (this.head.endsWith("\r\n\r\n")) this.received.push(...bytes);
    else {
      this.head += decoder.decode(bytes);
      if (this.head.endsWith("\r\n\r\n")) this.#answer();
    }
    return Promise.resolve(bytes.length);
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.closed) throw new Error("the connection is closed");
      if (this.#pending.length > 0) {
        const count = Math.min(into.length, this.#pending.length);
        into.set(this.#pending.subarray(0, count));
        this.#pending = this.#pending.slice(count);
        return count;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  /** The registry drops the connection. */
  drop(): void {
    this.#ended = true;
    this.#wake();
  }

  text(text: string): void {
    this.#send(this.#frame(0x81, new TextEncoder().encode(text)));
  }

  ping(): void {
    this.#send(this.#frame(0x89, new Uint8Array(0)));
  }

  #frame(first: number, payload: Uint8Array): Uint8Array {
    const { length } = payload;
    const size = length < 126 ? [length] : [126, length >> 8, length & 255];
    return new Uint8Array([first, ...size, ...payload]);
  }

  #send(bytes: Uint8Array): void {
    this.#pending = new Uint8Array([...this.#pending, ...bytes]);
    this.#wake();
  }

  #answer(): void {
    const welcome = this.#welcome;
    if (welcome === "hang") return;
    if (typeof welcome === "number") {
      this.#send(new TextEncoder().encode(`HTTP/1.1 ${welcome} No\r\nContent-Length: 0\r\n\r\n`));
      return;
    }
    const key = /Sec-WebSocket-Key: (\S+)/.exec(this.head)?.[1] ?? "";
    const accept = welcome === "impostor" ? "bm8=" : acceptOf(key);
    this.#send(new TextEncoder().encode(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    ));
  }
}

export class FakeWatchers {
  readonly connections: WatcherEnd[] = [];
  welcome: Welcome = "accept";

  readonly dial: Dial = (target) => {
    const end = new WatcherEnd(target, this.welcome);
    this.connections.push(end);
    if (this.welcome !== "refuse") return Promise.resolve(end);
    end.close();
    return Promise.reject(new Error("connection refused"));
  };

  get last(): WatcherEnd {
    return this.connections.at(-1)!;
  }

  /** Connections that the client has not closed. */
  get open(): number {
    return this.connections.filter((one) => !one.closed).length;
  }
}
