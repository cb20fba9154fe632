/** A relay in front of the registry that writes down what the chassis programs ask and what they are told. */
import type { Lab } from "./process.ts";

export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** Undefined until the answer is there. */
  status?: number;
}

const requestLine = /(GET|PUT|POST|DELETE) (\S+) HTTP\/1\.1\r\n/g;
const statusLine = /HTTP\/1\.1 (\d{3})[^\r\n]*\r\n/g;

/** Bytes pass unchanged. Ends with the lab. */
export class RegistryWire {
  readonly exchanges: Exchange[] = [];
  readonly port: number;
  /** Where the registry listens; may change while it is away. */
  registryPort: number;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #relays = new Set<Promise<void>>();

  constructor(lab: Lab, registryPort: number) {
    this.registryPort = registryPort;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    const accepting = this.#accept();
    lab.defer(async () => {
      this.#listener.close();
      for (const conn of this.#open) close(conn);
      await accepting;
      await Promise.all(this.#relays);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The registry itself, for questions of the test's own. */
  get direct(): string {
    return `http://127.0.0.1:${this.registryPort}`;
  }

  /** Answered calls that fit, in the order they were asked. */
  seen(method: string, path: RegExp): readonly Exchange[] {
    return this.exchanges.filter((one) =>
      one.method === method && one.status !== undefined && path.test(one.path)
    );
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        const relay = this.#relay(conn).finally(() => this.#relays.delete(relay));
        this.#relays.add(relay);
      }
    } catch {
      // The listener was closed while it waited.
    }
  }

  async #relay(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let registry: Deno.TcpConn | undefined;
    try {
      registry = await Deno.connect({ hostname: "127.0.0.1", port: this.registryPort });
      this.#open.add(registry);
      const asked: Exchange[] = [];
      await Promise.all([
        pump(
          client,
          registry,
          reading(requestLine, ([, method = "", path = ""]) => {
            const exchange: Exchange = { method, path };
            this.exchanges.push(exchange);
            asked.push(exchange);
          }),
        ),
        pump(
          registry,
          client,
          reading(statusLine, ([, status]) => {
            const exchange = asked.shift();
            if (exchange !== undefined) exchange.status = Number(status);
          }),
        ),
      ]);
    } catch {
      // The registry is away, or either side has cut the connection: the other one is told by the close below.
    } finally {
      for (const conn of [client, registry]) {
        if (conn === undefined) continue;
        this.#open.delete(conn);
        close(conn);
      }
    }
  }
}

/** Looks for lines in a stream whose pieces may end anywhere. */
function reading(pattern: RegExp, found: (match: RegExpExecArray) => void): (text: string) => void {
  let pending = "";
  return (text) => {
    pending += text;
    let end = 0;
    for (const match of pending.matchAll(pattern)) {
      found(match);
      end = match.index + match[0].length;
    }
    // A line that has only begun is shorter than this.
    pending = pending.slice(Math.max(end, pending.length - 4096));
  };
}

async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  look: (text: string) => void,
): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  const decoder = new TextDecoder("latin1");
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return await to.closeWrite();
      look(decoder.decode(buffer.subarray(0, count)));
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch (error) {
    // What one direction suffers ends both.
    close(from);
    close(to);
    throw error;
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed by the other direction.
  }
}
