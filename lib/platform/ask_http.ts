/** One request to an address of mesher itself, past every proxy that the environment names. */
import type { Address } from "../core/address.ts";
import { connected } from "./late_connection.ts";

export interface AskedAnswer {
  readonly status: number;
  readonly body: string;
}

export interface AskOptions {
  readonly path: string;
  /** GET when left out. */
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** An answer whose body is read as it comes. */
export interface OpenAnswer {
  readonly status: number;
  /** Shape: texts as they come; ends with the answer. Errors: those of reading, the abort of the signal, a cut. */
  readonly texts: AsyncGenerator<string>;
}

const maxHeadBytes = 64 * 1024;
/** Thousands of endpoints fit; more than this is not what was asked for. */
const maxBytes = 64 * 1024 * 1024;

/** Asks. Errors: what connecting and reading throws, an answer that is no HTTP, the abort of the signal. */
export async function askHttp(address: Address, options: AskOptions): Promise<AskedAnswer> {
  const { status, texts } = await openHttp(address, options);
  const parts: string[] = [];
  let length = 0;
  for await (const text of texts) {
    parts.push(text);
    length += text.length;
    if (length > maxBytes) throw new Error("the answer is too long");
  }
  return { status, body: parts.join("") };
}

/** Asks and hands back what has come when the head is there. Errors: as `askHttp`. */
export async function openHttp(address: Address, options: AskOptions): Promise<OpenAnswer> {
  const { signal } = options;
  const exchange = new Exchange(await connected(() => dial(address), signal), signal);
  try {
    await exchange.send(requestText(options));
    const status = await exchange.head();
    return { status, texts: exchange.texts() };
  } catch (error) {
    exchange.close();
    throw error;
  }
}

function dial(address: Address): Promise<Deno.Conn> {
  return "path" in address
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.host, port: address.port });
}

/** HTTP/1.0: the answer ends with the connection and comes in no pieces. */
function requestText({ path, method = "GET", fields = {}, body }: AskOptions): string {
  const lines = [`${method} ${path} HTTP/1.0`, "Host: localhost"];
  for (const [name, value] of Object.entries(fields)) lines.push(`${name}: ${value}`);
  if (body !== undefined) {
    const length = new TextEncoder().encode(body).length;
    lines.push("Content-Type: application/json", `Content-Length: ${length}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

class Exchange {
  readonly #connection: Deno.Conn;
  readonly #signal: AbortSignal;
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #abort = () => this.close();
  #open = true;
  /** Of the body, what came with the head. */
  #early = new Uint8Array(0);
  #length: number | undefined;

  constructor(connection: Deno.Conn, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
    // Closing is the only way to end a read that is under way.
    signal.addEventListener("abort", this.#abort, { once: true });
    if (signal.aborted) this.close();
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    if (this.#open) this.#connection.close();
    this.#open = false;
  }

  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) {
      at += await this.#within(() => this.#connection.write(bytes.subarray(at)));
    }
  }

  /** Shape: the status. */
  async head(): Promise<number> {
    let bytes = new Uint8Array(0);
    for (;;) {
      const part = await this.#read();
      const whole = new Uint8Array(bytes.length + (part?.length ?? 0));
      whole.set(bytes);
      if (part !== undefined) whole.set(part, bytes.length);
      bytes = whole;
      const text = new TextDecoder("latin1").decode(bytes.subarray(0, maxHeadBytes));
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) {
        if (part !== undefined && text.length < maxHeadBytes) continue;
        throw new Error("the answer is not HTTP");
      }
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
      if (status === undefined) throw new Error("the answer is not HTTP");
      const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1];
      if (length !== undefined) this.#length = Number(length);
      this.#early = bytes.subarray(end + 4);
      return Number(status);
    }
  }

  async *texts(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let length = 0;
    try {
      for (
        let part: Uint8Array | undefined = this.#early;
        part !== undefined;
        part = await this.#read()
      ) {
        length += part.length;
        const text = decoder.decode(part, { stream: true });
        if (text !== "") yield text;
      }
      if (length < (this.#length ?? 0)) throw new Error("the answer was cut");
    } finally {
      this.close();
    }
  }

  /** Shape: undefined at the end; the bytes hold until the next read. */
  async #read(): Promise<Uint8Array | undefined> {
    const count = await this.#within(() => this.#connection.read(this.#buffer));
    return count === null ? undefined : this.#buffer.subarray(0, count);
  }

  /** What the system says of a connection that was closed here would hide why. */
  async #within<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    }
  }
}
