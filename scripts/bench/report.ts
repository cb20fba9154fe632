/** From samples to the printed tables: medians, spreads, ratios. Pure. */

/** One run of the load against one peer. Units as in the names; CPU time per request where it could be read. */
export interface Sample {
  readonly peer: string;
  readonly connections: number;
  readonly round: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuUsPerRequest: number | undefined;
  readonly rssKib: number | undefined;
  readonly errors: number;
}

/** One download of the large body. */
export interface BodySample {
  readonly peer: string;
  readonly round: number;
  readonly megabytesPerSecond: number;
  readonly cpuMs: number | undefined;
  readonly rssGrowthKib: number | undefined;
}

/** The middle value, of an even number the mean of the two middle ones. Shape: undefined of nothing. */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((one) => one !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** How far the values lie apart, as a share of their median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (!middle) return 0;
  return (Math.max(...values) - Math.min(...values)) / middle;
}

/** A spread of request rates above this makes small differences meaningless. */
const wideSpread = 0.25;

interface Pairable {
  readonly peer: string;
  readonly round: number;
}

/**
 * Ratios of one peer to another, of values taken in the same round, so that drift of the machine cancels out.
 *
 * Shape: one ratio per round in which both have a value.
 */
export function pairedRatios<S extends Pairable>(
  samples: readonly S[],
  pair: { readonly peer: string; readonly against: string },
  value: (sample: S) => number | undefined,
): number[] {
  const ratios: number[] = [];
  for (const sample of samples) {
    if (sample.peer !== pair.peer) continue;
    const other = samples.find((one) => one.peer === pair.against && one.round === sample.round);
    const above = value(sample);
    const below = other && value(other);
    if (above !== undefined && below) ratios.push(above / below);
  }
  return ratios;
}

function shown(value: number | undefined, digits: number, unit = ""): string {
  return value === undefined ? "-" : value.toFixed(digits) + unit;
}

/** Columns padded to their widest cell; the first one to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
    ).join("  ").trimEnd()
  ).join("\n");
}

/** One block per number of connections with the medians of every peer. */
export function loadReport(samples: readonly Sample[]): string {
  const blocks: string[] = [];
  for (const connections of unique(samples.map((one) => one.connections))) {
    const block = samples.filter((one) => one.connections === connections);
    const rows = [[
      `c=${connections}`,
      "req/s",
      "spread",
      "p50 ms",
      "p99 ms",
      "CPU us/req",
      "RSS MiB",
      "errors",
    ]];
    for (const peer of unique(block.map((one) => one.peer))) {
      const own = block.filter((one) => one.peer === peer);
      const middle = (value: (one: Sample) => number | undefined) => median(own.map(value));
      rows.push([
        peer,
        shown(middle((one) => one.requestsPerSecond), 0),
        shown(spread(own.map((one) => one.requestsPerSecond)) * 100, 0, " %"),
        shown(middle((one) => one.p50Us / 1000), 3),
        shown(middle((one) => one.p99Us / 1000), 2),
        shown(middle((one) => one.cpuUsPerRequest), 1),
        shown(middle((one) => one.rssKib && one.rssKib / 1024), 0),
        String(own.reduce((sum, one) => sum + one.errors, 0)),
      ]);
    }
    blocks.push(table(rows));
  }
  return blocks.join("\n\n");
}

export function bodyReport(samples: readonly BodySample[], mebibytes: number): string {
  const rows = [[`${mebibytes} MiB body`, "MB/s", "spread", "CPU ms", "RSS growth MiB"]];
  for (const peer of unique(samples.map((one) => one.peer))) {
    const own = samples.filter((one) => one.peer === peer);
    rows.push([
      peer,
      shown(median(own.map((one) => one.megabytesPerSecond)), 0),
      shown(spread(own.map((one) => one.megabytesPerSecond)) * 100, 0, " %"),
      shown(median(own.map((one) => one.cpuMs)), 0),
      shown(median(own.map((one) => one.rssGrowthKib && one.rssGrowthKib / 1024)), 1),
    ]);
  }
  return table(rows);
}

/** One line of the table of bars. Shape: `atLeast` bars are better high, `atMost` bars better low. */
interface Bar {
  readonly what: string;
  readonly bar: { readonly atLeast: number } | { readonly atMost: number };
  readonly digits?: number;
  readonly unit?: string;
  /** One value per round. */
  readonly values: readonly number[];
}

export interface BarInput {
  readonly load: readonly Sample[];
  readonly bodies: readonly BodySample[];
  /** Single figures of mesher itself. */
  readonly idleRssMib: number | undefined;
  readonly startMs: number | undefined;
  readonly adminP99Ms: number | undefined;
  /** Growth of the process by one client connection that waits for its next request. */
  readonly idleConnectionKib: number | undefined;
  readonly hops: readonly HopSample[];
}

/** What two proxies in a row cost at a backend that takes its time. */
export interface HopCost {
  /** Share of the throughput, in percent. */
  readonly lostPercent: number;
  readonly addedMs: number;
}

/** One round without proxies, one through two sidecars and, where there is one, one through two HAProxies. */
export interface HopSample extends HopCost {
  readonly haproxies?: HopCost;
}

/** The bars of the design against what was measured, each with the range over the rounds. */
export function barReport(input: BarInput): string {
  const rows = [["mesher", "measured", "lowest", "highest", "must", ""]];
  for (const { what, bar, digits = 2, unit = "", values } of bars(input)) {
    const middle = median(values);
    const must = "atLeast" in bar ? `>= ${bar.atLeast}${unit}` : `<= ${bar.atMost}${unit}`;
    const met = middle === undefined
      ? "not measured"
      : ("atLeast" in bar ? middle >= bar.atLeast : middle <= bar.atMost)
      ? "met"
      : "MISSED";
    rows.push([
      what,
      shown(middle, digits, unit),
      values.length > 1 ? shown(Math.min(...values), digits) : "",
      values.length > 1 ? shown(Math.max(...values), digits) : "",
      must,
      met,
    ]);
  }
  return table(rows);
}

function bars(input: BarInput): Bar[] {
  const at = (connections: number) => input.load.filter((one) => one.connections === connections);
  const ratio = (connections: number, peer: string, against: string) => ({
    rate: pairedRatios(at(connections), { peer, against }, (one) => one.requestsPerSecond),
    cpu: pairedRatios(at(connections), { peer, against }, (one) => one.cpuUsPerRequest),
    p99: pairedRatios(at(connections), { peer, against }, (one) => one.p99Us),
  });
  const list: Bar[] = [];
  for (const connections of [32, 256]) {
    const { rate, cpu } = ratio(connections, "mesher", "haproxy");
    const portable = ratio(connections, "portable", "haproxy").rate;
    const c = `c=${connections}`;
    list.push(
      { what: `req/s to HAProxy, ${c}`, bar: { atLeast: 1 }, values: rate },
      { what: `CPU per request to HAProxy, ${c}`, bar: { atMost: 1 }, values: cpu },
      { what: `portable sockets, req/s to HAProxy, ${c}`, bar: { atLeast: 0.7 }, values: portable },
      {
        what: `req/s to Apache Mesher (taken as 0.26 of HAProxy), ${c}`,
        bar: { atLeast: 3.5 },
        values: rate.map((one) => one / 0.26),
      },
      {
        what: `req/s to Envoy, ${c}`,
        bar: { atLeast: 2 },
        values: ratio(connections, "mesher", "envoy").rate,
      },
    );
  }
  for (const [connections, most] of [[32, 1.5], [256, 1.5], [1000, 2]] as const) {
    const values = ratio(connections, "mesher", "haproxy").p99;
    list.push({ what: `p99 to HAProxy, c=${connections}`, bar: { atMost: most }, values });
  }
  for (const peer of ["mesher", "portable"]) {
    const own = at(512).filter((one) => one.peer === peer);
    const what = `p99 to p50, c=512${peer === "mesher" ? "" : ", portable sockets"}`;
    list.push({ what, bar: { atMost: 8 }, values: own.map((one) => one.p99Us / one.p50Us) });
  }
  const bodyPair = { peer: "mesher", against: "haproxy" };
  const growth = input.bodies.filter((one) => one.peer === "mesher").map((one) => one.rssGrowthKib)
    .filter((one) => one !== undefined).map((one) => one / 1024);
  const single = (value: number | undefined) => value === undefined ? [] : [value];
  list.push(
    {
      what: "large body, speed to HAProxy",
      bar: { atLeast: 1 },
      values: pairedRatios(input.bodies, bodyPair, (one) => one.megabytesPerSecond),
    },
    {
      what: "large body, CPU to HAProxy",
      bar: { atMost: 0.6 },
      values: pairedRatios(input.bodies, bodyPair, (one) => one.cpuMs),
    },
    {
      what: "large body, RSS growth",
      bar: { atMost: 16 },
      digits: 1,
      unit: " MiB",
      values: growth,
    },
    {
      what: "RSS idle",
      bar: { atMost: 85 },
      digits: 0,
      unit: " MiB",
      values: single(input.idleRssMib),
    },
    {
      what: "start to first proxied request",
      bar: { atMost: 250 },
      digits: 0,
      unit: " ms",
      values: single(input.startMs),
    },
    {
      what: "RSS per idle connection",
      bar: { atMost: 4 },
      digits: 1,
      unit: " KiB",
      values: single(input.idleConnectionKib),
    },
    {
      what: "two hops, c=5, slow backend: throughput lost",
      bar: { atMost: 7 },
      digits: 1,
      unit: " %",
      values: input.hops.map((one) => one.lostPercent),
    },
    {
      what: "two hops, c=5, slow backend: time added",
      bar: { atMost: 0.3 },
      unit: " ms",
      values: input.hops.map((one) => one.addedMs),
    },
    {
      what: "admin answer p99 under load",
      bar: { atMost: 50 },
      digits: 1,
      unit: " ms",
      values: single(input.adminP99Ms),
    },
  );
  return list;
}

/** What two HAProxies in a row cost in the same rounds. Shape: undefined when there were none. */
export function hopComparison(hops: readonly HopSample[]): string | undefined {
  const costs = hops.flatMap(({ haproxies }) => haproxies ?? []);
  if (costs.length === 0) return undefined;
  const lost = median(costs.map((one) => one.lostPercent));
  const added = median(costs.map((one) => one.addedMs));
  return `Two HAProxies in place of two sidecars, same rounds: throughput lost ${
    shown(lost, 1, " %")
  }, time added ${shown(added, 2, " ms")}.`;
}

/** A sentence when the machine was too noisy for fine differences. Shape: undefined when it was calm. */
export function noiseWarning(samples: readonly Sample[], stealShare: number): string | undefined {
  const wide: string[] = [];
  for (const connections of unique(samples.map((one) => one.connections))) {
    for (const peer of unique(samples.map((one) => one.peer))) {
      const rates = samples.filter((one) => one.peer === peer && one.connections === connections)
        .map((one) => one.requestsPerSecond);
      const share = spread(rates);
      if (share > wideSpread) wide.push(`${peer} c=${connections} ${(share * 100).toFixed(0)} %`);
    }
  }
  const parts: string[] = [];
  if (wide.length > 0) parts.push(`request rates of one peer lie far apart (${wide.join(", ")})`);
  if (stealShare > 0.02) {
    parts.push(`${(stealShare * 100).toFixed(0)} % of the processor time went to other guests`);
  }
  if (parts.length === 0) return undefined;
  return `The machine was noisy: ${parts.join("; ")}. Only large differences count.`;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
