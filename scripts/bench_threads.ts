/** What more data threads bring: the same load against sidecars that differ in MESHER_THREADS only, in alternation. */
import { type Child, findProgram, freePorts, Workplace } from "./bench/children.ts";
import { runLoad, waitUntilServing } from "./bench/load.ts";
import { mesherCommand, startOrigin } from "./bench/peers.ts";
import { cpuUs, rssKib, stealTicks } from "./bench/process_cost.ts";
import { loadReport, median, noiseWarning, pairedRatios, type Sample } from "./bench/report.ts";

const usage = `deno run -A scripts/bench_threads.ts [--rounds N] [--seconds N] [--threads 1,2,auto]
  Load generator (wrk), origin (nginx) and sidecars share the processors of this machine: with few of them a second
  thread takes its time from the other two. Read the requests per second together with the processor time per request.`;

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);
const connections = [32, 256, 1000];

interface Runner {
  readonly name: string;
  readonly port: number;
  readonly child: Child;
  /** Of the time of all data threads in one round: the part of the busiest. */
  readonly busiest: number[];
}

/** Processor time of each data thread. Units: clock ticks. Shape: empty where there is no /proc. */
function threadTicks(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`);
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      const isData = text.includes("(worker-") || text.includes("(data-");
      return isData ? [Number(fields[11]) + Number(fields[12])] : [];
    });
  } catch {
    return [];
  }
}

async function start(place: Workplace, threads: string, originPort: number): Promise<Runner> {
  const [port, admin] = freePorts(2);
  const plan = await mesherCommand(`threads-${threads}`, { place, root }, {
    service: { name: "Origin", port: originPort },
    env: {
      MESHER_OUTBOUND: `127.0.0.1:${port}`,
      MESHER_ADMIN: `127.0.0.1:${admin}`,
      MESHER_THREADS: threads,
    },
  });
  const child = place.start(`threads-${threads}`, plan.command, plan);
  await waitUntilServing(port!, { timeoutMs: 30_000, gone: () => child.exited });
  return { name: `${threads} thread(s)`, port: port!, child, busiest: [] };
}

async function measure(
  runner: Runner,
  run: { place: Workplace; wrk: string; connections: number; round: number; seconds: number },
): Promise<Sample> {
  const { child, port } = runner;
  const ticks = threadTicks(child.pid);
  const before = await cpuUs(child.pid);
  const result = await runLoad(run.place, { ...run, port });
  const after = await cpuUs(child.pid);
  const used = threadTicks(child.pid).map((one, index) => one - (ticks[index] ?? 0));
  const sum = used.reduce((total, one) => total + one, 0);
  if (sum > 0) runner.busiest.push(Math.max(...used) / sum);
  return {
    peer: runner.name,
    connections: run.connections,
    round: run.round,
    requestsPerSecond: result.requests / (result.durationUs / 1_000_000),
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    cpuUsPerRequest: before === undefined || after === undefined
      ? undefined
      : (after - before) / result.requests,
    rssKib: await rssKib(child.pid),
    errors: result.errors,
  };
}

async function bench(
  place: Workplace,
  { rounds, seconds, threads }: { rounds: number; seconds: number; threads: readonly string[] },
): Promise<number> {
  const [wrk, nginx] = [await findProgram("wrk"), await findProgram("nginx")];
  if (wrk === undefined || nginx === undefined) {
    console.error("wrk and nginx are needed and nothing is installed by itself");
    return 1;
  }
  const origin = await startOrigin(place, nginx);
  const runners: Runner[] = [];
  for (const each of threads) runners.push(await start(place, each, origin.port));
  for (const { port } of runners) await runLoad(place, { wrk, port, connections: 256, seconds: 2 });
  const samples: Sample[] = [];
  const stealBefore = await stealTicks();
  for (let round = 0; round < rounds; round++) {
    for (const count of connections) {
      for (let turn = 0; turn < runners.length; turn++) {
        const runner = runners[(turn + round) % runners.length]!;
        samples.push(await measure(runner, { place, wrk, connections: count, round, seconds }));
      }
    }
  }
  const stealAfter = await stealTicks();
  console.log(
    `${navigator.hardwareConcurrency} processors, Deno ${Deno.version.deno}, ${rounds} round(s) of ` +
      `${seconds} s, medians; load, origin and sidecars share the machine\n`,
  );
  console.log(`${loadReport(samples)}\n`);
  const [first, ...others] = runners;
  for (const other of others) {
    for (const count of connections) {
      const block = samples.filter((one) => one.connections === count);
      const pair = { peer: other.name, against: first!.name };
      const ratio = (value: (one: Sample) => number | undefined) =>
        median(pairedRatios(block, pair, value))?.toFixed(2) ?? "-";
      console.log(
        `${pair.peer} against ${pair.against}, c=${count}: req/s ${
          ratio((one) => one.requestsPerSecond)
        }, CPU per request ${ratio((one) => one.cpuUsPerRequest)}, p99 ${
          ratio((one) => one.p99Us)
        }`,
      );
    }
  }
  for (const { name, busiest } of runners) {
    const share = median(busiest);
    if (share !== undefined) {
      console.log(
        `${name}: the busiest data thread had ${Math.round(share * 100)} % of their time`,
      );
    }
  }
  const steal = (stealAfter.steal - stealBefore.steal) /
    Math.max(1, stealAfter.total - stealBefore.total);
  const noise = noiseWarning(samples, steal);
  if (noise !== undefined) console.log(`\n${noise}`);
  return 0;
}

/** Shape: undefined for anything that is not understood. */
function parse(args: readonly string[]) {
  const plan = { rounds: 5, seconds: 2, threads: ["1", "2"] };
  for (let at = 0; at < args.length; at += 2) {
    const [flag, value = ""] = [args[at], args[at + 1]];
    if (flag === "--threads" && /^(\d+|auto)(,(\d+|auto))*$/.test(value)) {
      plan.threads = value.split(",");
    } else if (flag === "--rounds" && Number(value) >= 1) plan.rounds = Number(value);
    else if (flag === "--seconds" && Number(value) >= 1) plan.seconds = Number(value);
    else return undefined;
  }
  return plan;
}

if (import.meta.main) {
  const plan = parse(Deno.args);
  if (plan === undefined) {
    console.error(usage);
    Deno.exit(2);
  }
  const place = new Workplace();
  let code = 1;
  try {
    code = await bench(place, plan);
  } finally {
    await place.close();
  }
  Deno.exit(code);
}
