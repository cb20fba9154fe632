/** What is looked at while a soak runs: memory, descriptors and the sidecar's own gauges; and the line through it. */
import { rssKib } from "../bench/process_cost.ts";

/** Gauges that have to be 0 once nobody calls any more. */
export const restingGauges = [
  "mesher_client_connections_open",
  "mesher_upstream_connections_idle",
  "mesher_tunnels_open",
  "mesher_requests_open",
  "mesher_requests_queued",
  "mesher_inbound_connections_open",
] as const;

export interface Sample {
  readonly atMs: number;
  /** Calls begun until then. */
  readonly calls: number;
  readonly rssKib: number;
  readonly descriptors: number;
}

export async function takeSample(pid: number, calls: number): Promise<Sample> {
  return {
    atMs: performance.now(),
    calls,
    rssKib: await rssKib(pid) ?? 0,
    descriptors: descriptorsOf(pid),
  };
}

function descriptorsOf(pid: number): number {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  } catch {
    return 0;
  }
}

/** Slope of the straight line closest to the points; 0 without any spread. Source: least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  let above = 0, below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

/** Growth of memory in the second half. Units: MiB per million calls. */
export function growth(samples: readonly Sample[]): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  return slope(half.map(({ calls, rssKib }) => [calls / 1e6, rssKib / 1024]));
}

/** Sums of gauges in a page of metrics, whatever their labels. Shape: pure. Errors: a name is not on the page. */
export function gaugeSums(page: string, names: readonly string[]): Map<string, number> {
  const sums = new Map<string, number>(names.map((name) => [name, 0]));
  const missing = names.filter((name) => !page.includes(`# TYPE ${name} `));
  if (missing.length > 0) throw new Error(`the metrics have no ${missing.join(", ")}`);
  for (const line of page.split("\n")) {
    const name = /^[a-z0-9_]+/.exec(line)?.[0] ?? "";
    const before = sums.get(name);
    if (before === undefined || line.startsWith("#")) continue;
    sums.set(name, before + Number(line.slice(line.lastIndexOf(" ") + 1)));
  }
  return sums;
}
