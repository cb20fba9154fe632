/** Two sidecars between a caller and a backend that takes its time, against the same calls without them. */
import { type Child, freePorts, type Workplace } from "./children.ts";
import { type LoadResult, runLoad, waitUntilServing } from "./load.ts";
import { haproxyCommand, mesherCommand } from "./peers.ts";
import type { HopCost, HopSample } from "./report.ts";

const connections = 5;
/** Connections of the warm-up: as many requests as the engine needs to compile what is hot, in one measurement's time. */
const warmingConnections = 64;
const startMs = 20_000;

export interface HopsPlan {
  readonly place: Workplace;
  readonly root: string;
  readonly binary?: string;
  readonly wrk: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly progress: (text: string) => void;
}

/** Shape: one sample per round; direct runs, two sidecars and, where there is one, two HAProxies alternate. */
export async function measureHops(plan: HopsPlan): Promise<readonly HopSample[]> {
  const { place, root, progress } = plan;
  const [backend = 0, inbound = 0, outbound = 0, ...others] = freePorts(6);
  const script = `${root}scripts/bench/slow_backend.ts`;
  const slow = place.start("slow-backend", [Deno.execPath(), "run", "-A", script, `${backend}`]);
  const provider = await mesherCommand("hop-provider", plan, {
    service: { name: "Nobody", port: 9 },
    env: {
      MESHER_SERVICE: "Origin",
      MESHER_PORTS: `rest:${backend}`,
      MESHER_INBOUND: `127.0.0.1:${inbound}`,
      MESHER_OUTBOUND: `127.0.0.1:${others[0]}`,
      MESHER_ADMIN: `127.0.0.1:${others[1]}`,
    },
  });
  const consumer = await mesherCommand("hop-consumer", plan, {
    service: { name: "Origin", port: inbound },
    env: { MESHER_OUTBOUND: `127.0.0.1:${outbound}`, MESHER_ADMIN: `127.0.0.1:${others[2]}` },
  });
  place.start("hop-provider-sidecar", provider.command, provider);
  const nearest = place.start("hop-consumer-sidecar", consumer.command, consumer);
  const peer = await startHaproxies(place, backend);
  const serving = [[backend, slow], [outbound, nearest], ...(peer ? [peer] : [])] as const;
  for (const [port, child] of serving) {
    await waitUntilServing(port, { timeoutMs: startMs, gone: () => child.exited });
  }
  const samples: HopSample[] = [];
  const load = (port: number) => runLoad(place, { ...plan, port, connections });
  for (const [port] of serving) {
    await runLoad(place, { ...plan, port, connections: warmingConnections });
  }
  for (let round = 0; round < plan.rounds; round++) {
    progress(`round ${round + 1} of ${plan.rounds}, two hops`);
    const direct = await load(backend);
    const proxied = await load(outbound);
    samples.push({
      ...costOf(proxied, direct),
      ...(peer ? { haproxies: costOf(await load(peer[0]), direct) } : {}),
    });
  }
  return samples;
}

/** Two HAProxies in a row before the backend. Shape: the port of the first; undefined when there is no HAProxy. */
async function startHaproxies(
  place: Workplace,
  backend: number,
): Promise<readonly [number, Child] | undefined> {
  const [first = 0, second = 0] = freePorts(2);
  const near = await haproxyCommand(place, { port: first, target: second });
  const far = await haproxyCommand(place, { port: second, target: backend });
  if (near === undefined || far === undefined) return undefined;
  place.start("hop-haproxy-far", far);
  return [first, place.start("hop-haproxy-near", near)];
}

function costOf(proxied: LoadResult, direct: LoadResult): HopCost {
  const rate = (one: LoadResult) => one.requests / one.durationUs;
  return {
    lostPercent: (1 - rate(proxied) / rate(direct)) * 100,
    addedMs: (proxied.p50Us - direct.p50Us) / 1000,
  };
}
