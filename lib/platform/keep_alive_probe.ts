/** Finds out how long a program keeps a connection on which nothing is asked. */

/** Units: milliseconds. */
export type KeepAliveFound =
  /** It said so by a Keep-Alive field. */
  | { readonly kind: "said"; readonly idleMs: number }
  /** It closed after so long without a request. */
  | { readonly kind: "closed"; readonly idleMs: number }
  /** Still open after so long. */
  | { readonly kind: "kept"; readonly idleMs: number }
  /** It wants a connection for each request. */
  | { readonly kind: "never" }
  | { readonly kind: "failed"; readonly why: string };

export interface KeepAliveTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const maxHead = 64 * 1024;
/** The answer itself may take so long. Units: milliseconds. */
const answerMs = 3000;
/** An end this soon after the answer belongs to the answer. Units: milliseconds. */
const atOnceMs = 50;

/** Asks once and then waits for the other side to close, at most `holdMs`. Shape: never rejects. */
export async function probeKeepAlive(
  { host, port, path }: KeepAliveTarget,
  holdMs: number,
): Promise<KeepAliveFound> {
  const answered = AbortSignal.timeout(answerMs);
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname: host, port, signal: answered });
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
  // Closing is the only way to end a read that is under way.
  let open = true;
  const close = () => {
    if (open) connection.close();
    open = false;
  };
  let timer = setTimeout(close, answerMs);
  let head = "";
  let lastByteMs = performance.now();
  const endMs = lastByteMs + answerMs + holdMs;
  try {
    const name = host.includes(":") ? `[${host}]` : host;
    const request =
      `GET ${path} HTTP/1.1\r\nHost: ${name}:${port}\r\nUser-Agent: mesher-check\r\n` +
      "Accept: */*\r\nConnection: keep-alive\r\n\r\n";
    const bytes = new TextEncoder().encode(request);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    const buffer = new Uint8Array(16 * 1024);
    while (performance.now() < endMs) {
      const count = await connection.read(buffer);
      const nowMs = performance.now();
      if (count === null) return ended(head, nowMs - lastByteMs);
      lastByteMs = nowMs;
      if (head.length < maxHead && !head.includes("\r\n\r\n")) {
        head += new TextDecoder("latin1").decode(buffer.subarray(0, count));
        const said = saidBy(head);
        if (said !== undefined) return said;
      }
      clearTimeout(timer);
      timer = setTimeout(close, Math.min(holdMs, Math.max(0, endMs - nowMs)));
    }
    return { kind: "kept", idleMs: holdMs };
  } catch (error) {
    // The own close: nothing came within the time.
    if (!open && head.includes("\r\n\r\n")) return { kind: "kept", idleMs: holdMs };
    if (!open) return { kind: "failed", why: "it did not answer in time" };
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
    close();
  }
}

function ended(head: string, idleMs: number): KeepAliveFound {
  if (!head.includes("\r\n\r\n")) return { kind: "failed", why: "the answer is not HTTP" };
  return idleMs < atOnceMs ? { kind: "never" } : { kind: "closed", idleMs };
}

/** Shape: undefined while the head is not whole, and when it says nothing. */
function saidBy(head: string): KeepAliveFound | undefined {
  const end = head.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const fields = head.slice(0, end + 2);
  const close = /\r\nconnection:[^\r\n]*\bclose\b/i.test(fields);
  if (close || /^HTTP\/1\.0/.test(fields) && !/\r\nconnection:[^\r\n]*keep-alive/i.test(fields)) {
    return { kind: "never" };
  }
  const seconds = /\r\nkeep-alive:[^\r\n]*\btimeout=(\d+)/i.exec(fields)?.[1];
  return seconds === undefined ? undefined : { kind: "said", idleMs: Number(seconds) * 1000 };
}
