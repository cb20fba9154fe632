/**
 * Large registries: what an update costs control, the border and a data thread, what a pick costs, and whether calls
 * notice that hundreds of services with thousands of instances change.
 *
 * `deno run -A --v8-flags=--expose-gc tests/bench/large_sets_bench.ts`. It reports, it does not judge.
 */
import { PortableNet } from "../../lib/data/net/portable/net.ts";
import { DataPlane } from "../../lib/data/plane.ts";
import { counterBytes } from "../../lib/plane/counters.ts";
import { openLibc } from "../../lib/plane/libc.ts";
import { limitBytes } from "../../lib/plane/limits.ts";
import type { ClusterSnapshot } from "../../lib/plane/messages.ts";
import { Supervisor } from "../../lib/plane/supervisor.ts";
import { defaultPolicy } from "../support/policy.ts";
import { ControlHalf, quietLogger } from "./large_sets/control.ts";
import type { Job } from "./large_sets/peer.ts";
import { LargeRegistry } from "./large_sets/registry.ts";

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function ms(values: readonly number[]): string {
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(2));
  return `median ${p50}, p99 ${p99}, max ${max} ms`;
}

function row(what: string, figure: string): void {
  console.log(`| ${what} | ${figure} |`);
}

/** Memory after a collection where that can be asked for. Units: MiB. */
function memory(): { readonly rss: number; readonly heap: number } {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { rss: Math.round(rss / 2 ** 20), heap: Math.round(heapUsed / 2 ** 20) };
}

/** A data plane on this thread, without listeners. */
function startPlane(net: PortableNet): DataPlane {
  return new DataPlane({
    net,
    start: {
      kind: "start",
      thread: 0,
      net: "portable",
      wakeFd: -1,
      sequence: new SharedArrayBuffer(4),
      counters: new SharedArrayBuffer(counterBytes),
      descriptors: new SharedArrayBuffer(0),
      limits: new SharedArrayBuffer(limitBytes),
      originMs: performance.timeOrigin,
      listeners: [],
      policy: defaultPolicy,
      clusters: [],
    },
    post: () => {},
    random: Math.random,
  });
}

/** One change after the other: in control, over the border, in a data thread. */
async function measureUpdates(services: number, size: number): Promise<void> {
  const registry = new LargeRegistry(services, size);
  let posted: ClusterSnapshot | undefined;
  const control = new ControlHalf(registry, (cluster) => posted = cluster);
  const net = new PortableNet();
  const plane = startPlane(net);
  for (const name of registry.services) {
    await control.cache.lookup(name);
    await control.feed.settled(name);
    plane.receive({ kind: "cluster", cluster: structuredClone(posted!) });
  }
  const times = {
    changed: [] as number[],
    unchanged: [] as number[],
    clone: [] as number[],
    apply: [] as number[],
    next: [] as number[],
  };
  const rounds = size > 1000 ? 300 : 1000;
  for (let round = 0; round < rounds; round++) {
    const name = registry.services[round % services]!;
    registry.exchange(name);
    posted = undefined;
    times.changed.push(await control.refresh(name));
    if (posted === undefined) throw new Error("the change was not posted");
    times.unchanged.push(await control.refresh(name));
    const cloneFrom = performance.now();
    const cluster = structuredClone(posted as ClusterSnapshot);
    const applyFrom = performance.now();
    plane.receive({ kind: "cluster", cluster });
    const nextFrom = performance.now();
    plane.context.directory.clusters.get(name)!.all.pick(plane.context.pickAny(), undefined);
    times.next.push(performance.now() - nextFrom);
    times.clone.push(applyFrom - cloneFrom);
    times.apply.push(nextFrom - applyFrom);
  }
  const title = `${services} x ${size}`;
  // What comes first runs before the engine has compiled it.
  const warm = (values: readonly number[]) => ms(values.slice(rounds / 10));
  row(`${title}: one change in control, from the answer to the post`, warm(times.changed));
  row(`${title}: an answer without change`, warm(times.unchanged));
  row(`${title}: the border, copying out and in`, warm(times.clone));
  row(`${title}: applied in a data thread`, warm(times.apply));
  row(`${title}: the first pick after it`, warm(times.next));
  const { all } = plane.context.directory.clusters.get(registry.services[0]!)!;
  const picks = 2_000_000;
  let from = performance.now();
  for (let pick = 0; pick < picks; pick++) {
    if (pick === picks / 2) from = performance.now();
    all.pick(plane.context.pickAny(), undefined);
  }
  const pickNs = (performance.now() - from) * 1e6 / (picks / 2);
  row(`${title}: a pick`, `${pickNs.toFixed(0)} ns`);
  plane.stop();
  net.stop();
  await control.cache.stop();
}

function startPeer(): { readonly worker: Worker; ask<T>(job: Job): Promise<T> } {
  const worker = new Worker(new URL("./large_sets/peer.ts", import.meta.url), { type: "module" });
  return {
    worker,
    ask: <T>(job: Job) =>
      new Promise<T>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data as T);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(job);
      }),
  };
}

/** Calls through a real data thread while services of `size` change, `rate` of them a second. */
async function measurePauses(
  { services, size, used, rate }: { services: number; size: number; used: number; rate: number },
): Promise<void> {
  const forMs = 15_000;
  const [origin, caller] = [startPeer(), startPeer()];
  const port = await origin.ask<number>({ kind: "serve" });
  const empty = memory();
  const registry = new LargeRegistry(services, size);
  registry.add("Probe", "127.0.0.1", port);
  const before = memory();
  const held = new Set(["Probe", ...registry.services.slice(0, used)]);
  let posts = 0;
  const control = new ControlHalf(registry, (cluster) => {
    if (!held.has(cluster.service)) return;
    posts++;
    supervisor.post({ kind: "cluster", cluster });
  });
  const supervisor = await Supervisor.start({
    threads: 1,
    net: openLibc() === undefined ? "portable" : "native",
    listeners: [{ role: "outbound", address: { host: "127.0.0.1", port: 0 } }],
    policy: defaultPolicy,
    clusters: [],
    module: new URL("../../lib/data/thread.ts", import.meta.url),
    logger: quietLogger,
    received: () => {},
  });
  await control.cache.lookup("Probe");
  await control.followAll();
  const outbound = supervisor.address("outbound")!;
  if ("path" in outbound) throw new Error("unreachable");
  const probe = { kind: "call", port: outbound.port, host: "Probe" } as const;
  await caller.ask<number[]>({ ...probe, forMs: 2000 });
  const quiet = await caller.ask<number[]>({ ...probe, forMs: 5000 });
  const full = memory();
  const title = `${services} x ${size} in control, ${used} of them in the thread`;
  row(
    `${title}: memory`,
    `control's heap ${full.heap - before.heap} MiB (the mock itself ${
      before.heap - empty.heap
    }), process ${full.rss} MiB`,
  );
  row(`${title}: calls at rest`, ms(quiet));
  posts = 0;
  let updates = 0;
  let over = false;
  const changing = (async () => {
    const begunMs = performance.now();
    while (!over) {
      const name = registry.services[updates % services]!;
      registry.exchange(name);
      await control.refresh(name);
      updates++;
      const waitMs = begunMs + updates * 1000 / rate - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    }
  })();
  const busy = await caller.ask<number[]>({ ...probe, forMs });
  over = true;
  await changing;
  row(
    `${title}: calls while ${(updates * 1000 / forMs).toFixed(0)} services a second change`,
    `${ms(busy)}; ${posts} posts`,
  );
  await control.cache.stop();
  await supervisor.stop();
  for (const { worker } of [origin, caller]) worker.terminate();
}

if (import.meta.main) {
  const all = Deno.args.length === 0;
  const only = (name: string) => all || Deno.args.includes(name);
  console.log("| what | figure |\n|---|---|");
  if (only("many")) await measureUpdates(1000, 10);
  if (only("large")) await measureUpdates(1, 5000);
  if (only("pauses")) {
    await measurePauses({ services: 300, size: 3000, used: 10, rate: 30 });
    await measurePauses({ services: 300, size: 3000, used: 300, rate: 30 });
  }
}
