/** Calls through a sidecar, and plain programs to be called, for tests with real processes. */
import type { Lab } from "./process.ts";
import { rawClient, type RawPeer } from "./raw.ts";

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A keep-alive connection to a proxy that repeats nothing by itself, so that every call counts exactly once. */
export class ProxyClient {
  readonly #port: number;
  #peer: RawPeer | undefined;
  /** How many connections were made. */
  connections = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Errors: when the connection cannot be made or ends before the answer is whole. */
  async call(
    method: string,
    url: string,
    options: { readonly body?: string; readonly fields?: readonly string[] } = {},
  ): Promise<Answer> {
    const { body, fields = [] } = options;
    // A connection that the proxy has closed in the meantime is no failure; one that it closes on a request is.
    if (this.#peer?.end !== undefined) this.close();
    if (this.#peer === undefined) {
      this.#peer = await rawClient(this.#port);
      this.connections++;
    }
    const peer = this.#peer;
    const lines = [`${method} ${url} HTTP/1.1`, `Host: ${new URL(url).host}`, ...fields];
    if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
    peer.send(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
    try {
      const answer = await readAnswer(peer);
      if (/\r\nconnection: *close\r\n/i.test(answer.head)) this.close();
      return answer;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#peer?.close();
    this.#peer = undefined;
  }
}

async function readAnswer(peer: RawPeer): Promise<Answer> {
  const head = await peer.head();
  const status = Number(head.slice(9, 12));
  if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
    let body = "";
    for (;;) {
      const size = parseInt(await peer.until("\r\n"), 16);
      body += await peer.take(size);
      await peer.until("\r\n");
      if (size === 0) return { status, head, body };
    }
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return { status, head, body: await peer.take(Number(length ?? 0)) };
}

/** One call on a connection of its own. */
export async function callOnce(
  port: number,
  url: string,
  options: {
    readonly method?: string;
    readonly body?: string;
    readonly fields?: readonly string[];
  } = {},
): Promise<Answer> {
  const client = new ProxyClient(port);
  try {
    return await client.call(options.method ?? "GET", url, options);
  } finally {
    client.close();
  }
}

/** A plain HTTP server of the test's own; ends with the lab. Shape: its port. */
export function serveApp(
  lab: Lab,
  handler: (request: Request) => Response | Promise<Response>,
): number {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  lab.defer(() => server.shutdown());
  return server.addr.port;
}
