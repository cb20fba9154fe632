/** The load: wrk for small answers, one plain connection for a large body. */
import type { Workplace } from "./children.ts";

/** Units: `Us` microseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  /** Connect, read, write errors, time-outs and answers that were no success. */
  readonly errors: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const resultScript = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;

export interface LoadPlan {
  readonly wrk: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
}

/** One run of wrk with one thread against 127.0.0.1. Every peer gets the same request bytes. */
export async function runLoad(place: Workplace, plan: LoadPlan): Promise<LoadResult> {
  const script = `${place.folder}/result.lua`;
  await Deno.writeTextFile(script, resultScript);
  const output = await place.run([
    plan.wrk,
    "-t1",
    `-c${plan.connections}`,
    `-d${plan.seconds}s`,
    "--timeout",
    "10s",
    "-H",
    "Host: Origin",
    "-s",
    script,
    `http://127.0.0.1:${plan.port}/`,
  ]);
  return parseLoad(output);
}

/** Reads the line that the script printed. Errors: when it is not there. */
export function parseLoad(output: string): LoadResult {
  const match = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output);
  if (!match) throw new Error(`wrk printed no result:\n${output}`);
  const [requests, durationUs, errors, p50Us, p99Us] = match.slice(1).map(Number);
  return {
    requests: requests!,
    durationUs: durationUs!,
    errors: errors!,
    p50Us: p50Us!,
    p99Us: p99Us!,
  };
}

/**
 * Downloads one large body and counts its bytes.
 *
 * Units: milliseconds. Errors: an answer other than 200, or a body of another length.
 */
export async function download(
  port: number,
  what: { readonly path: string; readonly bytes: number },
): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET ${what.path} HTTP/1.1\r\nHost: Origin\r\nConnection: close\r\n\r\n`;
  const beganMs = performance.now();
  // A proxy that stalls must not stall the whole comparison.
  const late = setTimeout(() => connection.close(), 60_000);
  const buffer = new Uint8Array(1024 * 1024);
  let head = "";
  let bodyBytes = -1;
  try {
    await connection.write(new TextEncoder().encode(request));
    while (bodyBytes < what.bytes) {
      const count = await connection.read(buffer);
      if (count === null) break;
      if (bodyBytes >= 0) bodyBytes += count;
      else {
        head += new TextDecoder("latin1").decode(buffer.subarray(0, count));
        const end = head.indexOf("\r\n\r\n");
        if (end >= 0) bodyBytes = head.length - end - 4;
      }
    }
  } finally {
    clearTimeout(late);
  }
  const tookMs = performance.now() - beganMs;
  if (!/^HTTP\/1\.1 200 /.test(head) || bodyBytes !== what.bytes) {
    throw new Error(`download failed after ${bodyBytes} bytes: ${head.split("\r\n")[0]}`);
  }
  return tookMs;
}

/** Waits until a request through the port is answered with 200. Units: milliseconds it took. Errors: too late. */
export async function waitUntilServing(
  port: number,
  options: { readonly timeoutMs: number; readonly gone: () => boolean },
): Promise<number> {
  const beganMs = performance.now();
  const buffer = new Uint8Array(4096);
  while (performance.now() - beganMs < options.timeoutMs && !options.gone()) {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      const request = "GET / HTTP/1.1\r\nHost: Origin\r\nConnection: close\r\n\r\n";
      await connection.write(new TextEncoder().encode(request));
      const late = setTimeout(() => connection.close(), 2_000);
      const count = await connection.read(buffer).finally(() => clearTimeout(late));
      const head = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
      if (head.startsWith("HTTP/1.1 200")) return performance.now() - beganMs;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(options.gone() ? "it ended" : `no answer within ${options.timeoutMs} ms`);
}
