/** One GET to an address on this machine, past every proxy that the environment names. */
import type { Address } from "../core/address.ts";

export interface AskedAnswer {
  readonly status: number;
  readonly body: string;
}

const maxBytes = 64 * 1024;

/** Asks. Errors: what connecting and reading throws, an answer that is no HTTP, the abort of the signal. */
export async function askHttp(
  address: Address,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<AskedAnswer> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const connecting: Promise<Deno.Conn> = "path" in address
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.host, port: address.port });
  let over = false;
  // A connection that comes too late is of no use to anybody.
  connecting.then((connection) => over && connection.close(), () => {});
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  let connection: Deno.Conn | undefined;
  try {
    connection = await Promise.race([connecting, aborted.promise]);
    return await Promise.race([ask(connection, path), aborted.promise]);
  } finally {
    over = true;
    signal.removeEventListener("abort", abort);
    connection?.close();
  }
}

/** HTTP/1.0: the answer ends with the connection and comes in no pieces. */
async function ask(connection: Deno.Conn, path: string): Promise<AskedAnswer> {
  const request = new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
  for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
  const buffer = new Uint8Array(4096);
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < maxBytes) {
    const length = await connection.read(buffer);
    if (length === null) break;
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  const bodyAt = text.indexOf("\r\n\r\n");
  if (status === undefined || bodyAt < 0) throw new Error("the answer is not HTTP");
  return { status: Number(status), body: text.slice(bodyAt + 4) };
}
