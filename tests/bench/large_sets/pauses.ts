/** Calls through a real data thread while large sets come or change, and the longest turns of that thread. */
import { openLibc } from "../../../lib/plane/libc.ts";
import type { ClusterSnapshot } from "../../../lib/plane/messages.ts";
import { Supervisor } from "../../../lib/plane/supervisor.ts";
import { defaultPolicy } from "../../support/policy.ts";
import { ControlHalf, quietLogger } from "./control.ts";
import { memory, ms, row } from "./figures.ts";
import type { Job } from "./peer.ts";
import { LargeRegistry } from "./registry.ts";
import type { Turns } from "./watched_thread.ts";

const probe = "Probe";

interface Peer {
  readonly worker: Worker;
  ask<T>(job: Job): Promise<T>;
}

function startPeer(): Peer {
  const worker = new Worker(new URL("./peer.ts", import.meta.url), { type: "module" });
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

/** One data thread, a program behind it and a caller before it. */
class Stage {
  readonly origin = startPeer();
  readonly caller = startPeer();
  supervisor!: Supervisor;
  #turns: Turns[] = [];

  async start(): Promise<number> {
    this.supervisor = await Supervisor.start({
      threads: 1,
      net: openLibc() === undefined ? "portable" : "native",
      listeners: [{ role: "outbound", address: { host: "127.0.0.1", port: 0 } }],
      policy: defaultPolicy,
      clusters: [],
      module: new URL("./watched_thread.ts", import.meta.url),
      logger: quietLogger,
      received: (message) => {
        if (message.kind === "trouble") this.#turns.push(JSON.parse(message.message));
      },
    });
    return await this.origin.ask<number>({ kind: "serve" });
  }

  /** How long calls took. Units: milliseconds. */
  async call(forMs: number): Promise<readonly number[]> {
    const outbound = this.supervisor.address("outbound")!;
    if ("path" in outbound) throw new Error("unreachable");
    return await this.caller.ask<number[]>({
      kind: "call",
      port: outbound.port,
      host: probe,
      forMs,
    });
  }

  /** The turns since the last look, in words. */
  turns(): string {
    const turns = this.#turns;
    this.#turns = [];
    if (turns.length === 0) return "turns unknown";
    const most = (of: "longestMs" | "busiestMs") =>
      Math.max(...turns.map((each) => each[of])).toFixed(1);
    const sum = (of: "over2" | "over10" | "busyOver10") =>
      turns.reduce((total, each) => total + each[of], 0);
    return `longest turn ${most("longestMs")} ms, ${most("busiestMs")} ms of work; ${
      sum("over2")
    } over 2 ms, ${sum("over10")} over 10 ms, ${sum("busyOver10")} with so much work; ` +
      `thread's heap ${turns.at(-1)!.heapMiB} MiB`;
  }

  async stop(): Promise<void> {
    await this.supervisor.stop();
    for (const { worker } of [this.origin, this.caller]) worker.terminate();
  }
}

function probeCluster(port: number): ClusterSnapshot {
  const one = { host: "127.0.0.1", port, instanceId: "p", version: "1.0.0", mesher: false };
  return { service: probe, block: 1, endpoints: [one], unusable: [] };
}

/**
 * All sets at once, in a thread that had none of them; then all of them with one change each; then all of them with
 * other instances.
 */
export async function measureBurst(
  { services, size }: { readonly services: number; readonly size: number },
): Promise<void> {
  const title = `${services} x ${size} at once`;
  const registry = new LargeRegistry(services, size);
  const stage = new Stage();
  const clusters: ClusterSnapshot[] = [];
  const control = new ControlHalf(registry, (cluster) => clusters.push(cluster));
  await control.followAll();
  const port = await stage.start();
  stage.supervisor.post({ kind: "cluster", cluster: probeCluster(port) });
  await stage.call(2000);
  stage.turns();
  row(`${title}: calls at rest`, `${ms(await stage.call(4000))}; ${stage.turns()}`);
  for (const what of ["first sets", "one change in each", "all instances are others"] as const) {
    if (what !== "first sets") {
      clusters.length = 0;
      for (const name of registry.services) {
        if (what === "one change in each") registry.exchange(name);
        else registry.exchangeAll(name);
        await control.refresh(name);
      }
    }
    const calls = stage.call(10_000);
    // By then the connections are there, and what came before them is told.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    stage.turns();
    const from = performance.now();
    for (const cluster of clusters) stage.supervisor.post({ kind: "cluster", cluster });
    const postedMs = performance.now() - from;
    row(
      `${title}: calls, ${what}`,
      `${ms(await calls)}; ${stage.turns()}; control posted for ${postedMs.toFixed(0)} ms`,
    );
  }
  row(`${title}: memory of the process`, `${memory().rss} MiB`);
  await control.cache.stop();
  await stage.stop();
}

/** Calls while services of `size` change, `rate` of them a second. */
export async function measurePauses(
  { services, size, used, rate }: {
    readonly services: number;
    readonly size: number;
    readonly used: number;
    readonly rate: number;
  },
): Promise<void> {
  const forMs = 15_000;
  const empty = memory();
  const registry = new LargeRegistry(services, size);
  const before = memory();
  const held = new Set(registry.services.slice(0, used));
  const stage = new Stage();
  const port = await stage.start();
  let posts = 0;
  const control = new ControlHalf(registry, (cluster) => {
    if (!held.has(cluster.service)) return;
    posts++;
    stage.supervisor.post({ kind: "cluster", cluster });
  });
  stage.supervisor.post({ kind: "cluster", cluster: probeCluster(port) });
  await control.followAll();
  await stage.call(3000);
  stage.turns();
  const quiet = await stage.call(5000);
  const full = memory();
  const title = `${services} x ${size} in control, ${used} of them in the thread`;
  row(
    `${title}: memory`,
    `control's heap ${full.heap - before.heap} MiB (the mock itself ${
      before.heap - empty.heap
    }), process ${full.rss} MiB`,
  );
  row(`${title}: calls at rest`, `${ms(quiet)}; ${stage.turns()}`);
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
  const busy = await stage.call(forMs);
  over = true;
  await changing;
  row(
    `${title}: calls while ${(updates * 1000 / forMs).toFixed(0)} services a second change`,
    `${ms(busy)}; ${stage.turns()}; ${posts} posts`,
  );
  await control.cache.stop();
  await stage.stop();
}
