/** Two sidecars between a caller and a backend that takes its time, against the same calls without them. */
import { freePorts, type Workplace } from "./children.ts";
import { runLoad, waitUntilServing } from "./load.ts";
import { mesherCommand } from "./peers.ts";
import type { HopSample } from "./report.ts";

const connections = 5;
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

/** Shape: one sample per round; direct and proxied runs alternate. */
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
  for (const [port, child] of [[backend, slow], [outbound, nearest]] as const) {
    await waitUntilServing(port, { timeoutMs: startMs, gone: () => child.exited });
  }
  const samples: HopSample[] = [];
  const load = (port: number) => runLoad(place, { ...plan, port, connections });
  await load(outbound);
  for (let round = 0; round < plan.rounds; round++) {
    progress(`round ${round + 1} of ${plan.rounds}, two hops`);
    const direct = await load(backend);
    const proxied = await load(outbound);
    const rate = (one: typeof direct) => one.requests / one.durationUs;
    samples.push({
      lostPercent: (1 - rate(proxied) / rate(direct)) * 100,
      addedMs: (proxied.p50Us - direct.p50Us) / 1000,
    });
  }
  return samples;
}
