/** A bare HTTP/1.1 and web socket client over TCP, for requests that a tidy client would not send. */
import { assert } from "@test/assert";
import { patienceMs } from "../support/raw.ts";

export interface WireRequest {
  readonly method: string;
  /** Sent as it is, `//` and all. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sends one request on a connection of its own and reads the whole answer. */
export async function request(port: number, asked: WireRequest): Promise<WireResponse> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const body = encoder.encode(asked.body ?? "");
  const headers: Record<string, string> = { "Connection": "close", ...asked.headers };
  if (asked.body !== undefined) headers["Content-Length"] = String(body.length);
  const sent = writeAll(conn, [headText(asked, headers), body]);
  const reader = new Reader(conn);
  const response = await readResponse(reader, asked.method);
  await sent;
  return response;
}

/** Opens a web socket. Shape: the socket is undefined when the answer is not 101. */
export async function openSocket(
  port: number,
  asked: Pick<WireRequest, "path" | "headers">,
): Promise<{ response: WireResponse; socket: WireSocket | undefined }> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const headers = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))),
    ...asked.headers,
  };
  await writeAll(conn, [headText({ method: "GET", path: asked.path }, headers)]);
  const reader = new Reader(conn);
  const response = await readResponse(reader, "GET");
  if (response.status === 101) return { response, socket: new WireSocket(conn, reader) };
  conn.close();
  return { response, socket: undefined };
}

/** The client's end of a web socket. Closes itself when the other side does. */
export class WireSocket {
  readonly #conn: Deno.TcpConn;
  readonly #frames: string[] = [];
  readonly #pongs: string[] = [];
  readonly #reading: Promise<void>;
  #closeCode: number | undefined;
  #notify: () => void = () => {};

  constructor(conn: Deno.TcpConn, reader: Reader) {
    this.#conn = conn;
    this.#reading = this.#read(reader);
  }

  /** The next text frame that nobody has taken yet. Errors: when none comes in time. */
  async nextFrame(withinMs: number): Promise<string> {
    await this.#until(() => this.#frames.length > 0, withinMs, "a text frame");
    return this.#frames.shift()!;
  }

  /** Everything that the server had sent before it read this call's ping. */
  async framesSoFar(): Promise<readonly string[]> {
    const mark = String(this.#pongs.length + 1);
    await writeAll(this.#conn, [frame(0x9, encoder.encode(mark))]);
    await this.#until(() => this.#pongs.includes(mark), 5_000, "a pong");
    return this.#frames.splice(0);
  }

  /** The code with which the server closed; 1006 when it did so without one. */
  async closeCode(withinMs: number): Promise<number> {
    await this.#until(() => this.#closeCode !== undefined, withinMs, "the end of the connection");
    return this.#closeCode!;
  }

  async send(text: string): Promise<void> {
    await writeAll(this.#conn, [frame(0x1, encoder.encode(text))]);
  }

  /** Ends the connection, if it is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closeCode === undefined) {
      await writeAll(this.#conn, [frame(0x8, new Uint8Array([3, 232]))]).catch(() => {});
    }
    await this.#reading;
    this.#conn.close();
  }

  async #read(reader: Reader): Promise<void> {
    try {
      while (this.#closeCode === undefined) {
        const [first = 0, second = 0] = await reader.take(2);
        let length = second & 0x7f;
        if (length === 126) length = new DataView((await reader.take(2)).buffer).getUint16(0);
        else if (length === 127) throw new Error("a frame of more than 64 KiB");
        const payload = await reader.take(length);
        const opcode = first & 0xf;
        if (opcode === 0x1) this.#frames.push(decoder.decode(payload));
        else if (opcode === 0xa) this.#pongs.push(decoder.decode(payload));
        else if (opcode === 0x8) {
          this.#closeCode = length < 2 ? 1005 : payload[0]! * 256 + payload[1]!;
          await writeAll(this.#conn, [frame(0x8, payload.slice(0, 2))]).catch(() => {});
        }
        this.#notify();
      }
    } catch {
      this.#closeCode ??= 1006;
      this.#notify();
    }
  }

  /** The registry's clock stands still meanwhile, so that a recorded time is no more than a bound; ours is wider. */
  async #until(met: () => boolean, recordedMs: number, what: string): Promise<void> {
    const withinMs = recordedMs + patienceMs;
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, withinMs);
    const startedAt = performance.now();
    while (!met()) {
      const changed = Promise.withResolvers<void>();
      this.#notify = changed.resolve;
      await Promise.race([changed.promise, deadline.promise]);
      assert(met() || performance.now() - startedAt < withinMs - 1, `${what} did not come`);
    }
    clearTimeout(timer);
  }
}

function headText(asked: WireRequest, headers: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries({ "Host": "registry.test", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return encoder.encode(`${asked.method} ${asked.path} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

async function readResponse(reader: Reader, method: string): Promise<WireResponse> {
  let status = 0;
  const headers = new Headers();
  for (let line = await reader.line(); line !== ""; line = await reader.line()) {
    if (status === 0) status = Number(line.split(" ")[1]);
    else {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }
  const without = method === "HEAD" || status === 304 || status === 101;
  return { status, headers, body: without ? "" : decoder.decode(await readBody(reader, headers)) };
}

async function readBody(reader: Reader, headers: Headers): Promise<Uint8Array> {
  const length = headers.get("Content-Length");
  if (length !== null) return await reader.take(Number(length));
  assert.equal(headers.get("Transfer-Encoding"), "chunked");
  const chunks: number[] = [];
  for (;;) {
    const size = parseInt(await reader.line(), 16);
    chunks.push(...await reader.take(size));
    await reader.line();
    if (size === 0) return new Uint8Array(chunks);
  }
}

/** Bytes of a connection, by line or by number. */
class Reader {
  readonly #conn: Deno.TcpConn;
  #buffer = new Uint8Array(0);

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  async line(): Promise<string> {
    let end: number;
    while ((end = this.#buffer.indexOf(10)) < 0) await this.#more();
    return decoder.decode((await this.take(end + 1)).subarray(0, end)).replace(/\r$/, "");
  }

  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#buffer.length < count) await this.#more();
    const taken = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.slice(count);
    return taken;
  }

  async #more(): Promise<void> {
    const chunk = new Uint8Array(65_536);
    const count = await this.#conn.read(chunk);
    if (count === null) throw new Error("the connection ended");
    const joined = new Uint8Array(this.#buffer.length + count);
    joined.set(this.#buffer);
    joined.set(chunk.subarray(0, count), this.#buffer.length);
    this.#buffer = joined;
  }
}

/** A client's frame of at most 65,535 bytes; the mask is all zeros, which leaves the payload readable. */
function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const head = payload.length < 126
    ? [0x80 | opcode, 0x80 | payload.length]
    : [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return new Uint8Array([...head, 0, 0, 0, 0, ...payload]);
}

async function writeAll(conn: Deno.TcpConn, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let sent = 0; sent < part.length;) sent += await conn.write(part.subarray(sent));
  }
}
