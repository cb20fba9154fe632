/** How soon a sidecar serves, what it holds while nobody calls, and what each waiting connection adds. */
import { type PeerContext, startMesher } from "./peers.ts";
import { rssKib } from "./process_cost.ts";

const connections = 4000;
/** The engine compiles what is hot after some thousands of requests; that memory is no connection's. */
const warming = { connections: 500, requests: 40 } as const;
/** Long enough for the sidecar to see that the work is over and to give back what it took. */
const settleMs = 45_000;
/** Long enough for it to give back what only its start took. */
const startedMs = 4000;

const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: Origin\r\n\r\n");

export interface IdleFigures {
  /** From exec to the first proxied answer. Units: milliseconds. */
  readonly startMs: number;
  /** Resident memory before anybody else called. Shape: undefined where it cannot be measured. */
  readonly rssKib: number | undefined;
  /** Resident memory for each connection that waits for its next request. */
  readonly connectionKib: number | undefined;
}

/**
 * Asks a process of its own: one that has carried full load gives memory back while this one measures. It is not the
 * first of the run, so the runtime has the sources in its cache.
 */
export async function measureIdle(
  context: PeerContext,
  progress: (text: string) => void,
): Promise<IdleFigures> {
  progress(`${connections} idle connections`);
  const peer = await startMesher("mesher", context, "idle");
  const { startMs, child: { pid } } = peer;
  await pause(startedMs);
  const rss = await rssKib(pid);
  // A first crowd makes the process take what it keeps anyway.
  for (const conn of await open(peer.port, warming)) conn.close();
  await settled();
  const before = await rssKib(pid);
  const conns = await open(peer.port, { connections, requests: 1 });
  await settled();
  const after = await rssKib(pid);
  for (const conn of conns) conn.close();
  return {
    startMs,
    rssKib: rss,
    connectionKib: before === undefined || after === undefined
      ? undefined
      : (after - before) / connections,
  };
}

function settled(): Promise<void> {
  return pause(settleMs);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Connections that have had so many answers each, one after the other. */
async function open(
  port: number,
  count: { readonly connections: number; readonly requests: number },
): Promise<Deno.Conn[]> {
  const conns: Deno.Conn[] = [];
  const buffer = new Uint8Array(4096);
  for (let index = 0; index < count.connections; index++) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    for (let sent = 0; sent < count.requests; sent++) {
      await conn.write(request);
      await conn.read(buffer);
    }
    conns.push(conn);
  }
  return conns;
}
