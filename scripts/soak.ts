/** A soak: mixed traffic through a real sidecar for minutes, and what it holds on to meanwhile and afterwards. */
import { Workplace } from "./bench/children.ts";
import { gaugeSums, growth, restingGauges, type Sample, takeSample } from "./soak/samples.ts";
import { runTraffic, type Tally } from "./soak/traffic.ts";
import { startWorld, type World, type WorldOptions } from "./soak/world.ts";

const usage =
  `deno run -A scripts/soak.ts [--minutes N] [--rate N] [--net native|portable] [--threads N]
  Sends mixed traffic (default: 10 minutes, 2000 calls a second) through a sidecar from source and prints a summary
  in Markdown. Exit code 1: calls failed that must not, or something was still open at the end.`;

const sampleMs = 5000;
/** How long everything may take to close once nobody calls any more. */
const restMs = 30_000;

export interface SoakPlan extends WorldOptions {
  readonly forMs: number;
  readonly rate: number;
  readonly sampleMs: number;
}

export interface SoakResult {
  readonly tally: Tally;
  readonly samples: readonly Sample[];
  readonly tookMs: number;
  readonly churned: number;
  /** Before the traffic and after its end. */
  readonly descriptors: readonly [before: number, after: number];
  readonly restRssKib: number;
  /** Gauges that did not come to rest. */
  readonly open: ReadonlyMap<string, number>;
  readonly crashed: boolean;
}

/** Runs one soak. Errors: something could not be started. */
export async function soak(plan: SoakPlan): Promise<SoakResult> {
  const place = new Workplace();
  try {
    const world = await startWorld(place, plan);
    const { pid } = world.sidecar;
    const tally: Tally = { calls: 0, byKind: new Map(), errors: new Map() };
    const before = await takeSample(pid, 0);
    const samples: Sample[] = [];
    const begunMs = performance.now();
    const sampling = setInterval(() => {
      takeSample(pid, tally.calls).then((sample) => samples.push(sample));
    }, plan.sampleMs);
    try {
      await runTraffic(world, tally, { rate: plan.rate, untilMs: begunMs + plan.forMs });
    } finally {
      clearInterval(sampling);
    }
    const tookMs = performance.now() - begunMs;
    const open = await untilRest(world);
    const after = await takeSample(pid, tally.calls);
    return {
      tally,
      samples,
      tookMs,
      churned: world.churned,
      descriptors: [before.descriptors, after.descriptors],
      restRssKib: after.rssKib,
      open,
      crashed: world.sidecar.exited,
    };
  } finally {
    await place.close();
  }
}

/** Waits until nothing is open any more. Shape: what still is when the time is up. */
async function untilRest(world: World): Promise<ReadonlyMap<string, number>> {
  const endMs = performance.now() + restMs;
  for (;;) {
    const page = await fetch(`http://127.0.0.1:${world.admin}/metrics`);
    const sums = gaugeSums(await page.text(), restingGauges);
    const open = new Map([...sums].filter(([, value]) => value !== 0));
    if (open.size === 0 || performance.now() > endMs) return open;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Whether nothing happened that must not. */
export function isClean(result: SoakResult): boolean {
  return result.tally.errors.size === 0 && result.open.size === 0 && !result.crashed;
}

/** Every tenth value, so that a line can be told from a wave. */
function tenths(values: readonly number[]): readonly number[] {
  const at = (tenth: number) => values[Math.floor(tenth * (values.length - 1) / 10)];
  return Array.from({ length: 11 }, (_, tenth) => at(tenth) ?? 0);
}

/** The summary in Markdown. Shape: pure. */
export function soakReport(plan: SoakPlan, result: SoakResult): string {
  const { tally, samples, descriptors: [before, after] } = result;
  const mib = (kib: number) => (kib / 1024).toFixed(1);
  const rss = samples.map(({ rssKib }) => rssKib);
  const late = rss.slice(Math.floor(rss.length / 2));
  const peak = Math.max(0, ...samples.map(({ descriptors }) => descriptors));
  const seconds = result.tookMs / 1000;
  const rows = [
    ["calls", `${tally.calls} in ${seconds.toFixed(0)} s, ${(tally.calls / seconds).toFixed(0)}/s`],
    ["sockets, threads", `${plan.net}, ${plan.threads}`],
    ["changes of the registry", `${result.churned}`],
    [
      "RSS first, highest, last sample",
      [rss[0] ?? 0, Math.max(...rss), rss.at(-1) ?? 0].map(mib)
        .join(", ") + " MiB",
    ],
    ["RSS by tenths of the time", tenths(rss).map(mib).join(", ") + " MiB"],
    ["RSS in the second half", `${mib(Math.min(...late))} to ${mib(Math.max(...late))} MiB`],
    ["growth in the second half", `${growth(samples).toFixed(2)} MiB per million calls`],
    ["RSS at rest", `${mib(result.restRssKib)} MiB`],
    ["descriptors before, most, at rest", `${before}, ${peak}, ${after}`],
    [
      "open at rest",
      result.open.size === 0
        ? "nothing"
        : [...result.open].map(([name, value]) => `${name} ${value}`).join(", "),
    ],
    ["the sidecar", result.crashed ? "ENDED" : "served to the end"],
  ];
  const table = (title: string, entries: Iterable<readonly [string, number]>) =>
    `\n| ${title} | calls |\n|---|---|\n` +
    [...entries].sort(([, a], [, b]) => b - a).map(([name, count]) => `| ${name} | ${count} |`)
      .join("\n");
  return [
    "| soak | |\n|---|---|",
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    table("kind", tally.byKind),
    tally.errors.size === 0
      ? "\nNo call ended in a way it must not."
      : table("error", tally.errors),
  ].join("\n");
}

function parse(args: readonly string[]): SoakPlan | undefined {
  let minutes = 10, rate = 2000, net: SoakPlan["net"] = "auto", threads = "1";
  for (let at = 0; at < args.length; at += 2) {
    const [flag, value] = [args[at], args[at + 1]];
    if (value === undefined) return undefined;
    if (flag === "--minutes") minutes = Number(value);
    else if (flag === "--rate") rate = Number(value);
    else if (flag === "--threads") threads = value;
    else if (flag === "--net" && (value === "native" || value === "portable")) net = value;
    else return undefined;
  }
  if (!(minutes > 0 && rate > 0)) return undefined;
  return { forMs: minutes * 60_000, rate, net, threads, sampleMs };
}

if (import.meta.main) {
  const plan = parse(Deno.args);
  if (plan === undefined) {
    console.error(usage);
    Deno.exit(2);
  }
  const result = await soak(plan);
  console.log(soakReport(plan, result));
  Deno.exit(isClean(result) ? 0 : 1);
}
