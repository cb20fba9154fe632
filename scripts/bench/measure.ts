/** The rounds: every peer in turn under the same load, alternated so that drift hits all alike. */
import type { Workplace } from "./children.ts";
import { download, runLoad } from "./load.ts";
import { largeBody, type Peer } from "./peers.ts";
import { cpuUs, rssKib } from "./process_cost.ts";
import type { BodySample, Sample } from "./report.ts";

export interface MeasurePlan {
  readonly wrk: string;
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  /** Told what is being measured. */
  readonly progress: (text: string) => void;
}

/** This many connections show whether some of them starve; only mesher's own sockets are asked. */
const starvationConnections = 512;

/** What was measured, and for whom it could not be. */
export interface Measured<S> {
  readonly samples: readonly S[];
  /** `name: reason`; a peer that fails once is not asked again. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Shape: one sample per round, number of connections and peer. */
export async function measureLoad(
  place: Workplace,
  peers: readonly Peer[],
  plan: MeasurePlan,
): Promise<Measured<Sample>> {
  const samples: Sample[] = [];
  const failures = new Map<string, string>();
  for (const peer of peers) {
    plan.progress(`warming up ${peer.name}`);
    await runLoad(place, { wrk: plan.wrk, port: peer.port, connections: 32, seconds: 1 });
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const connections of plan.connections) {
      for (const peer of rotated(peers, round)) {
        if (connections === starvationConnections && !isMesher(peer)) continue;
        if (failures.has(peer.name)) continue;
        plan.progress(`round ${round + 1} of ${plan.rounds}, c=${connections}, ${peer.name}`);
        await measureOne(place, peer, { plan, connections, round })
          .then((sample) => samples.push(sample), (error) => note(failures, peer, error));
      }
    }
  }
  return { samples, failures };
}

function note(failures: Map<string, string>, peer: Peer, error: unknown): void {
  failures.set(peer.name, error instanceof Error ? error.message : String(error));
}

function isMesher(peer: Peer): boolean {
  return peer.name === "mesher" || peer.name === "portable";
}

async function measureOne(
  place: Workplace,
  peer: Peer,
  at: { readonly plan: MeasurePlan; readonly connections: number; readonly round: number },
): Promise<Sample> {
  const { plan, connections, round } = at;
  const before = await cpuUs(peer.child.pid);
  const result = await runLoad(place, {
    wrk: plan.wrk,
    port: peer.port,
    connections,
    seconds: plan.seconds,
  });
  const after = await cpuUs(peer.child.pid);
  if (peer.child.exited) {
    throw new Error(`${peer.name} died under load:\n${await place.lastLines(peer.child)}`);
  }
  const used = before === undefined || after === undefined ? undefined : after - before;
  return {
    peer: peer.name,
    connections,
    round,
    requestsPerSecond: result.requests / (result.durationUs / 1_000_000),
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    cpuUsPerRequest: used === undefined || result.requests === 0
      ? undefined
      : used / result.requests,
    rssKib: await rssKib(peer.child.pid),
    errors: result.errors,
  };
}

/** Large bodies, one at a time. The first of every peer only warms up. */
export async function measureBodies(
  peers: readonly Peer[],
  plan: Pick<MeasurePlan, "rounds" | "progress">,
): Promise<Measured<BodySample>> {
  const samples: BodySample[] = [];
  const failures = new Map<string, string>();
  for (let round = -1; round < plan.rounds; round++) {
    for (const peer of rotated(peers, Math.max(0, round))) {
      if (failures.has(peer.name)) continue;
      plan.progress(
        round < 0
          ? `large body, warming up ${peer.name}`
          : `round ${round + 1} of ${plan.rounds}, large body, ${peer.name}`,
      );
      try {
        const sample = await measureBody(peer, round);
        if (round >= 0) samples.push(sample);
      } catch (error) {
        note(failures, peer, error);
      }
    }
  }
  return { samples, failures };
}

async function measureBody(peer: Peer, round: number): Promise<BodySample> {
  const cpuBefore = await cpuUs(peer.child.pid);
  const rssBefore = await rssKib(peer.child.pid);
  const tookMs = await download(peer.port, largeBody);
  const cpuAfter = await cpuUs(peer.child.pid);
  const rssAfter = await rssKib(peer.child.pid);
  return {
    peer: peer.name,
    round,
    megabytesPerSecond: largeBody.bytes / 1_000 / tookMs,
    cpuMs: cpuBefore === undefined || cpuAfter === undefined
      ? undefined
      : (cpuAfter - cpuBefore) / 1000,
    rssGrowthKib: rssBefore === undefined || rssAfter === undefined
      ? undefined
      : Math.max(0, rssAfter - rssBefore),
  };
}

/**
 * How long the admin API takes to answer while the data path is busy.
 *
 * Units: milliseconds, the 99th percentile. Shape: undefined when the peer has no admin API or it does not answer.
 */
export async function measureAdmin(
  place: Workplace,
  peer: Peer,
  plan: Pick<MeasurePlan, "wrk" | "seconds" | "progress">,
): Promise<number | undefined> {
  if (peer.adminPort === undefined) return undefined;
  plan.progress(`admin API of ${peer.name} under load`);
  let loading = true;
  const load = runLoad(place, {
    wrk: plan.wrk,
    port: peer.port,
    connections: 256,
    seconds: plan.seconds,
  }).finally(() => loading = false);
  const tookMs: number[] = [];
  try {
    while (loading) {
      const beganMs = performance.now();
      const answer = await fetch(`http://127.0.0.1:${peer.adminPort}/healthz`);
      await answer.arrayBuffer();
      tookMs.push(performance.now() - beganMs);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } catch {
    tookMs.length = 0;
  }
  await load;
  tookMs.sort((a, b) => a - b);
  return tookMs[Math.ceil(tookMs.length * 0.99) - 1];
}

/** Every peer comes first in some round. */
function rotated<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
