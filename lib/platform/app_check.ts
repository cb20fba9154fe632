/** Runs one check of the own application over a real connection. */
import { formatHostPort } from "../core/address.ts";
import type { CheckOutcome, CheckSpec, RunCheck } from "../core/check.ts";
import { formatDuration } from "../core/duration.ts";

/** More of an answer than this is not looked at. */
const maxHeadBytes = 64 * 1024;
const maxBodyBytes = 64 * 1024;

type HttpCheck = Extract<CheckSpec, { type: "http" }>;

/**
 * Connects, and for an HTTP check asks with one GET and judges status and body.
 *
 * Shape: never rejects. Written by hand because `fetch` would obey proxy variables, follow up on cached connections
 * and decode the body; a redirect is an answer like any other.
 */
export const runAppCheck: RunCheck = async (spec, timeoutMs) => {
  const host = spec.host ?? "127.0.0.1";
  const address = formatHostPort(host, spec.port);
  const signal = AbortSignal.timeout(timeoutMs);
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname: host, port: spec.port, signal });
  } catch (error) {
    return { ok: false, detail: connectFailure(error, { address, timeoutMs, signal }) };
  }
  // Closing is the only way to end a read that is under way.
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    connection.close();
  };
  if (signal.aborted) close();
  signal.addEventListener("abort", close);
  try {
    if (spec.type === "tcp") return { ok: true, detail: "connected" };
    return await checkHttp(spec, { connection, address, timeoutMs, signal });
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
};

function connectFailure(
  error: unknown,
  exchange: { readonly address: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): string {
  const { address, timeoutMs, signal } = exchange;
  if (signal.aborted) return `${address} did not accept within ${formatDuration(timeoutMs)}`;
  if (error instanceof Deno.errors.ConnectionRefused) {
    return `connection refused: nothing listens on ${address}`;
  }
  return `cannot connect to ${address}: ${error instanceof Error ? error.message : String(error)}`;
}

interface Exchange {
  readonly connection: Deno.TcpConn;
  readonly address: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function checkHttp(spec: HttpCheck, exchange: Exchange): Promise<CheckOutcome> {
  const { connection, address, timeoutMs, signal } = exchange;
  const request = `GET ${spec.path} HTTP/1.1\r\nHost: ${address}\r\nUser-Agent: mesher-check\r\n` +
    "Accept: */*\r\nConnection: close\r\n\r\n";
  const answer = new Answer();
  try {
    const bytes = new TextEncoder().encode(request);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    const buffer = new Uint8Array(16 * 1024);
    while (!answer.complete) {
      const count = await connection.read(buffer);
      if (count === null) break;
      answer.take(buffer.subarray(0, count));
    }
  } catch {
    // Cut off or out of time: what has arrived may still be enough.
  }
  if (answer.status === undefined) {
    if (answer.fault !== undefined) return { ok: false, detail: answer.fault };
    return {
      ok: false,
      detail: signal.aborted
        ? `no answer within ${formatDuration(timeoutMs)}`
        : "the connection was closed before an answer",
    };
  }
  return judge(spec, answer.status, answer.body());
}

function judge(spec: HttpCheck, status: number, body: string): CheckOutcome {
  if (status < spec.statusMin || status > spec.statusMax) {
    const expected = spec.statusMin === spec.statusMax
      ? `${spec.statusMin}`
      : `${spec.statusMin} to ${spec.statusMax}`;
    return { ok: false, detail: `status ${status}, expected ${expected}` };
  }
  if (spec.body === undefined) return { ok: true, detail: `status ${status}` };
  let pattern: RegExp;
  try {
    pattern = new RegExp(spec.body);
  } catch {
    return { ok: false, detail: `/${spec.body}/ is not a regular expression` };
  }
  return pattern.test(body)
    ? { ok: true, detail: `status ${status}, body matches` }
    : { ok: false, detail: `status ${status}, but the body does not match /${spec.body}/` };
}

/** An HTTP/1 answer as it arrives, kept up to its bounds. */
class Answer {
  status: number | undefined;
  fault: string | undefined;
  #bytes = new Uint8Array(0);
  #bodyAt = -1;
  #contentLength: number | undefined;
  #chunked = false;

  take(bytes: Uint8Array): void {
    const whole = new Uint8Array(this.#bytes.length + bytes.length);
    whole.set(this.#bytes);
    whole.set(bytes, this.#bytes.length);
    this.#bytes = whole;
    while (this.#bodyAt < 0 && this.fault === undefined && this.#readHead());
  }

  /** True when nothing that could still arrive would change the verdict. */
  get complete(): boolean {
    if (this.fault !== undefined) return true;
    if (this.#bodyAt < 0) return false;
    const have = this.#bytes.length - this.#bodyAt;
    if (have >= maxBodyBytes) return true;
    if (this.#chunked) return decodeChunks(this.#bytes.subarray(this.#bodyAt)).complete;
    return this.#contentLength !== undefined && have >= this.#contentLength;
  }

  body(): string {
    if (this.#bodyAt < 0) return "";
    const raw = this.#bytes.subarray(this.#bodyAt, this.#bodyAt + maxBodyBytes);
    const end = this.#contentLength ?? raw.length;
    return new TextDecoder().decode(
      this.#chunked ? decodeChunks(raw).data : raw.subarray(0, end),
    );
  }

  /** Reads one head when it is whole. Shape: true when it was an interim one and another may follow. */
  #readHead(): boolean {
    const text = latin1(this.#bytes.subarray(0, maxHeadBytes));
    const end = /\r?\n\r?\n/.exec(text);
    if (!end) {
      if (!"HTTP/1.".startsWith(text.slice(0, 7))) this.fault = "the answer is not HTTP";
      else if (text.length >= maxHeadBytes) this.fault = "the head of the answer is too long";
      return false;
    }
    const lines = text.slice(0, end.index).split(/\r?\n/);
    const status = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(lines[0]!);
    if (!status) {
      this.fault = "the answer is not HTTP";
      return false;
    }
    const rest = end.index + end[0].length;
    if (status[1]!.startsWith("1") && status[1] !== "101") {
      this.#bytes = this.#bytes.slice(rest);
      return true;
    }
    this.status = Number(status[1]);
    this.#bodyAt = rest;
    for (const line of lines.slice(1)) {
      const [name, value = ""] = line.split(/:\s*/, 2);
      if (/^content-length$/i.test(name!) && /^\d+$/.test(value)) {
        this.#contentLength = Number(value);
      } else if (/^transfer-encoding$/i.test(name!)) this.#chunked = /chunked/i.test(value);
    }
    if (this.status === 204 || this.status === 304 || this.status === 101) this.#contentLength = 0;
    return false;
  }
}

/** The data of a chunked body as far as it has arrived. */
function decodeChunks(raw: Uint8Array): { readonly data: Uint8Array; readonly complete: boolean } {
  const data = new Uint8Array(raw.length);
  let length = 0;
  for (let at = 0;;) {
    const lineEnd = raw.indexOf(10, at);
    if (lineEnd < 0) return { data: data.subarray(0, length), complete: false };
    const size = Number.parseInt(latin1(raw.subarray(at, lineEnd)), 16);
    // The last chunk, or text that is no chunk size: nothing more can be understood.
    if (!(size > 0)) return { data: data.subarray(0, length), complete: true };
    const chunk = raw.subarray(lineEnd + 1, lineEnd + 1 + size);
    data.set(chunk, length);
    length += chunk.length;
    at = lineEnd + 1 + size + 2;
  }
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
