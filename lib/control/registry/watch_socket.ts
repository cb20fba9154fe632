/** One web socket that only listens, over an injected connection: handshake, frames, answers to pings. */
import type { ByteConnection, Random } from "../../core/ports.ts";
import { sha1Hex } from "../../core/sha1.ts";
import { closeFrame, FrameReader, pongFrame, type WatchFrame } from "./watch_frames.ts";

/** The handshake was answered with something else than an upgrade. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export interface HandshakeOptions {
  /** Value of the Host field. */
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly random: Random;
}

const maxHeadBytes = 16 * 1024;
/** An event carries one instance. */
const maxMessageBytes = 1024 * 1024;
/** RFC 6455 section 1.3. */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The listening end. Close it in any case; that ends a `next` under way. */
export class WatchSocket {
  readonly #connection: ByteConnection;
  readonly #random: Random;
  readonly #frames = new FrameReader(maxMessageBytes);
  readonly #chunk = new Uint8Array(16 * 1024);

  private constructor(connection: ByteConnection, random: Random, rest: Uint8Array) {
    this.#connection = connection;
    this.#random = random;
    this.#frames.push(rest);
  }

  /** Errors: HandshakeError; what the connection says. The connection stays the caller's until this succeeds. */
  static async open(connection: ByteConnection, options: HandshakeOptions): Promise<WatchSocket> {
    const { host, path, headers, random } = options;
    const key = btoa(String.fromCharCode(...randomBytes(16, random)));
    const lines = Object.entries({
      Host: host,
      ...headers,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": key,
    }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await writeAll(connection, new TextEncoder().encode(`GET ${path} HTTP/1.1\r\n${lines}\r\n`));
    const { head, rest } = await readHead(connection);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
    if (status !== 101) {
      throw new HandshakeError(status, `the watch was answered with ${status || "nonsense"}`);
    }
    const accept = /\r\nsec-websocket-accept:[ \t]*(\S+)/i.exec(head)?.[1];
    if (accept !== acceptOf(key)) {
      throw new HandshakeError(0, "the watch was accepted by something that speaks no web socket");
    }
    return new WatchSocket(connection, random, rest);
  }

  /**
   * The next frame; pings have been answered.
   *
   * Shape: undefined when the connection ended without a close frame.
   * Errors: FrameError; what the connection says, also after `close`.
   */
  async next(): Promise<WatchFrame | undefined> {
    for (;;) {
      const frame = this.#frames.next();
      if (frame?.kind === "ping") {
        await writeAll(this.#connection, pongFrame(frame.payload, randomBytes(4, this.#random)));
      }
      if (frame) return frame;
      const count = await this.#connection.read(this.#chunk);
      if (count === null) return undefined;
      this.#frames.push(this.#chunk.subarray(0, count));
    }
  }

  /** Says goodbye as far as that goes without waiting, and closes. */
  close(): void {
    this.#connection.write(closeFrame(randomBytes(4, this.#random))).catch(() => {});
    this.#connection.close();
  }
}

async function readHead(
  connection: ByteConnection,
): Promise<{ readonly head: string; readonly rest: Uint8Array }> {
  const head = new Uint8Array(maxHeadBytes);
  for (let length = 0; length < maxHeadBytes;) {
    const count = await connection.read(head.subarray(length));
    if (count === null) break;
    length += count;
    const text = String.fromCharCode(...head.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), rest: head.slice(end + 4, length) };
  }
  throw new HandshakeError(0, "the watch was answered with no whole head");
}

/** The answer that only a web socket server gives to a key. */
export function acceptOf(key: string): string {
  const bytes = sha1Hex(key + acceptSuffix).replace(
    /../g,
    (pair) => String.fromCharCode(parseInt(pair, 16)),
  );
  return btoa(bytes);
}

function randomBytes(count: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
}

async function writeAll(connection: ByteConnection, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}
