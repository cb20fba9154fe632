/** One raw client connection of a soak: exact requests out, whole answers in, every wait bounded. */

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();
/** How long an answer may take before it counts as hung. Units: milliseconds. */
const patienceMs = 15_000;

export interface Answer {
  readonly status: number;
  readonly bytes: number;
  /** The answer said that nothing follows on this connection. */
  readonly last: boolean;
}

export class Connection {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(16 * 1024);
  #pending = "";
  #late = false;
  closed = false;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    conn.setNoDelay(true);
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#conn.close();
  }

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let sent = 0; sent < bytes.length;) sent += await this.#conn.write(bytes.subarray(sent));
  }

  async #more(): Promise<void> {
    const count = await this.#conn.read(this.#buffer);
    if (count === null) throw new Error("ended early");
    this.#pending += decoder.decode(this.#buffer.subarray(0, count));
  }

  /** Everything up to and with a mark. */
  async #until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#pending.indexOf(mark);
      if (at >= 0) return this.#cut(at + mark.length);
      await this.#more();
    }
  }

  async #take(count: number): Promise<string> {
    while (this.#pending.length < count) await this.#more();
    return this.#cut(count);
  }

  #cut(count: number): string {
    const text = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    return text;
  }

  /** Closes the connection if what runs takes too long. */
  async #bounded<T>(run: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#late = true;
      this.close();
    }, patienceMs);
    try {
      return await run();
    } catch (error) {
      throw this.#late ? new Error(`no answer within ${patienceMs} ms`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Bytes of no message, as they were sent through a tunnel. */
  raw(count: number): Promise<string> {
    return this.#bounded(() => this.#take(count));
  }

  head(): Promise<string> {
    return this.#bounded(() => this.#until("\r\n\r\n"));
  }

  /** One whole answer. Errors: the connection ended early, or nothing came for too long. */
  answer(): Promise<Answer> {
    return this.#bounded(async () => {
      const head = await this.#until("\r\n\r\n");
      const status = Number(head.slice(9, 12));
      const last = /\r\nconnection: *close\r\n/i.test(head);
      if (!/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        return { status, bytes: (await this.#take(length)).length, last };
      }
      let bytes = 0;
      for (;;) {
        const size = parseInt(await this.#until("\r\n"), 16);
        await this.#take(size + 2);
        if (size === 0) return { status, bytes, last };
        bytes += size;
      }
    });
  }
}
