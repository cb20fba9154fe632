/** `deno task bench`: mesher beside nginx, HAProxy and Envoy in one run on this machine. It reports, it does not judge. */
import { parseArgs, usage } from "./bench/options.ts";
import { findProgram, Workplace } from "./bench/children.ts";
import { measureHops } from "./bench/hops.ts";
import { measureIdle } from "./bench/idle.ts";
import { measureAdmin, measureBodies, measureLoad } from "./bench/measure.ts";
import { largeBody, type Missing, type Peer, startOrigin, startPeer } from "./bench/peers.ts";
import { stealTicks } from "./bench/process_cost.ts";
import { barReport, bodyReport, hopComparison, loadReport, noiseWarning } from "./bench/report.ts";

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Runs the whole comparison. Shape: the exit code; 1 when mesher itself could not be measured. */
async function bench(args: readonly string[], place: Workplace): Promise<number> {
  const options = parseArgs(args);
  if (options.kind === "help") {
    console.log(usage);
    return 0;
  }
  if (options.kind === "wrong") {
    console.error(`${options.message}\n\n${usage}`);
    return 2;
  }
  const [wrk, nginx] = [await findProgram("wrk"), await findProgram("nginx")];
  if (wrk === undefined || nginx === undefined) {
    console.error(
      "The load generator wrk and nginx as origin are needed and nothing is installed by itself; " +
        "on Debian: apt-get install wrk nginx-light haproxy",
    );
    return 1;
  }
  const progress = (text: string) => console.error(`  ${text}`);
  const origin = await startOrigin(place, nginx);
  const peers: Peer[] = [origin];
  const missing: Missing[] = [];
  const binary = options.binary === undefined ? {} : { binary: options.binary };
  for (const name of options.peers) {
    if (name === "origin") continue;
    const peer = await startPeer(name, { place, originPort: origin.port, root, ...binary });
    if ("reason" in peer) missing.push(peer);
    else peers.push(peer);
  }
  for (const { name, reason } of missing) console.log(`missing: ${name}: ${reason}`);

  const mesher = peers.find((one) => one.name === "mesher");
  const stealBefore = await stealTicks();
  const plan = { ...options, wrk, progress };
  const load = await measureLoad(place, peers, plan);
  const bodies = await measureBodies(peers, plan);
  const adminP99Ms = mesher && await measureAdmin(place, mesher, plan);
  const context = { place, originPort: origin.port, root, ...binary };
  const idle = mesher && await measureIdle(context, progress);
  const hops = mesher && await measureHops({ place, root, ...plan });
  const stealAfter = await stealTicks();

  console.log(
    `\n${navigator.hardwareConcurrency} processors, Deno ${Deno.version.deno}, ` +
      `${options.rounds} round(s) of ${options.seconds} s, medians; ` +
      "load, origin and proxy share the machine\n",
  );
  console.log(loadReport(load.samples) + "\n");
  console.log(bodyReport(bodies.samples, largeBody.bytes / 1024 / 1024) + "\n");
  for (const [what, { failures }] of [["load", load], ["large body", bodies]] as const) {
    for (const [name, reason] of failures) console.log(`failed: ${name}, ${what}: ${reason}\n`);
  }
  if (mesher) {
    console.log(barReport({
      load: load.samples,
      bodies: bodies.samples,
      idleRssMib: idle?.rssKib === undefined ? undefined : idle.rssKib / 1024,
      startMs: idle?.startMs,
      adminP99Ms,
      idleConnectionKib: idle?.connectionKib,
      hops: hops ?? [],
    }));
    const comparison = hopComparison(hops ?? []);
    if (comparison !== undefined) console.log(`\n${comparison}`);
    console.log(
      "\nRatios are taken round by round and then their median. Not measured here: " +
        "updates of large registries.",
    );
  }
  const steal = (stealAfter.steal - stealBefore.steal) /
    Math.max(1, stealAfter.total - stealBefore.total);
  const noise = noiseWarning(load.samples, steal);
  if (noise !== undefined) console.log(`\n${noise}`);
  const measured = mesher && !load.failures.has("mesher") && !bodies.failures.has("mesher");
  return options.peers.includes("mesher") && !measured ? 1 : 0;
}

if (import.meta.main) {
  const place = new Workplace();
  let code = 1;
  for (const [name, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(name, () => {
      place.close().finally(() => Deno.exit(128 + number));
    });
  }
  try {
    code = await bench(Deno.args, place);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  } finally {
    await place.close();
  }
  Deno.exit(code);
}
