/** Measures the embedded registry: 1,000 services with 10 instances each, heartbeats every 30 s, and how long finds take. */
import { createEmbeddedRegistry } from "../lib/control/embedded/embedded.ts";
import { realClock } from "../lib/platform/real_clock.ts";
import { quantiles, registryReport } from "./bench/registry_report.ts";
import { watchMachine } from "./bench/timer_lag.ts";

const services = 1_000;
const instancesEach = 10;
const heartbeatMs = 30_000;
const usualSeconds = 30;
const findsPerSecond = 200;
const changesPerSecond = 5;
const quiet = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

interface Registered {
  readonly service: string;
  readonly path: string;
}

const usage = `deno run -A scripts/bench_registry.ts [--seconds N]

Fills an embedded registry over HTTP with ${services} services of ${instancesEach} instances, keeps their heartbeats
going for N seconds (${usualSeconds}), changes ${changesPerSecond} instances a second and sends ${findsPerSecond} finds a second on an open
schedule. Prints one JSON line with the figures, then what they mean. Client and registry share one process and its one
thread, so findMs holds the client's work and that of the machine's other programs, too. handleMs is the registry's
share of a find; noopMs is a call that needs no data at all, for comparison; timerLateMs is how late the timers of a
thread came that had nothing else to do, and says how noisy the machine was.`;

async function main(): Promise<void> {
  const seconds = readSeconds(Deno.args);
  if (seconds === undefined) {
    console.log(usage);
    return;
  }
  const registry = createEmbeddedRegistry({
    clock: realClock,
    random: Math.random,
    logger: quiet,
    selfAddress: "127.0.0.1:30100",
    version: "bench",
  });
  await registry.start();
  const handleMs: number[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const beganMs = performance.now();
      const response = await registry.fetch(request);
      if (request.url.includes("/registry/instances?")) {
        handleMs.push(performance.now() - beganMs);
      }
      return response;
    },
  );
  const base = `http://127.0.0.1:${server.addr.port}/v4/default/registry`;
  const beganMs = performance.now();
  const registered = await fill(base);
  const fillMs = performance.now() - beganMs;
  const endWatch = await watchMachine();
  const measured = await measure(base, registered, seconds * 1000);
  const noise = await endWatch();
  const figures = { ...measured, handleMs: quantiles(handleMs) };
  const { rss, heapUsed } = Deno.memoryUsage();
  console.log(JSON.stringify({
    services: registry.stats().services,
    instances: registry.stats().instances,
    fillSeconds: Math.round(fillMs / 100) / 10,
    ...figures,
    timerLateMs: quantiles(noise.lateMs),
    stealPercent: Math.round(noise.stealShare * 1000) / 10,
    expired: registry.stats().expired,
    rssMib: Math.round(rss / 2 ** 20),
    heapMib: Math.round(heapUsed / 2 ** 20),
  }));
  for (const line of registryReport(figures, noise)) console.log(line);
  await server.shutdown();
  await registry.stop();
}

/** Shape: undefined when something else than a number of seconds is asked for. */
function readSeconds(args: readonly string[]): number | undefined {
  if (args.length === 0) return usualSeconds;
  const seconds = args[0] === "--seconds" && args.length === 2 ? Number(args[1]) : NaN;
  return Number.isInteger(seconds) && seconds > 0 ? seconds : undefined;
}

async function send(method: string, url: string, body?: unknown): Promise<string> {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status} ${text}`);
  return text;
}

async function fill(base: string): Promise<readonly Registered[]> {
  const registered: Registered[] = [];
  const names = Array.from({ length: services }, (_, i) => `service-${i}`);
  const work = async () => {
    for (let service = names.pop(); service !== undefined; service = names.pop()) {
      const record = { appId: "default", serviceName: service, version: "1.0.0" };
      const created = await send("POST", `${base}/microservices`, { service: record });
      const { serviceId } = JSON.parse(created) as { readonly serviceId: string };
      for (let i = 0; i < instancesEach; i++) {
        const answer = await send("POST", `${base}/microservices/${serviceId}/instances`, {
          instance: {
            hostName: `host-${i}`,
            endpoints: [`rest://10.0.${i}.${registered.length % 250}:30103`],
            properties: { mesher: "1" },
          },
        });
        const { instanceId } = JSON.parse(answer) as { readonly instanceId: string };
        const path = `/microservices/${serviceId}/instances/${instanceId}`;
        registered.push({ service, path });
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return registered;
}

async function measure(base: string, registered: readonly Registered[], measureMs: number) {
  const findMs: number[] = [];
  const noopMs: number[] = [];
  const beatMs: number[] = [];
  const failures: string[] = [];
  const running = new Set<Promise<void>>();
  const timed = (into: number[], dueMs: number, step: () => Promise<unknown>) => {
    // From the time it was due, so that a stall counts for everything that waited behind it.
    const done: Promise<void> = step().then(
      () => void into.push(performance.now() - dueMs),
      (error) => void failures.push(String(error)),
    ).finally(() => running.delete(done));
    running.add(done);
  };
  const beatGapMs = heartbeatMs / registered.length;
  const findGapMs = 1_000 / findsPerSecond;
  const changeGapMs = 1_000 / changesPerSecond;
  const beganMs = performance.now();
  let [beats, finds, changes, noops] = [0, 0, 0, 0];
  for (let nowMs = beganMs; nowMs - beganMs < measureMs; nowMs = performance.now()) {
    for (; beganMs + beats * beatGapMs <= nowMs; beats++) {
      const { path } = registered[beats % registered.length]!;
      timed(beatMs, beganMs + beats * beatGapMs, () => send("PUT", `${base}${path}/heartbeat`));
    }
    for (; beganMs + changes * changeGapMs <= nowMs; changes++) {
      const { path } = registered[(changes * 7919) % registered.length]!;
      const status = changes % 2 === 0 ? "DOWN" : "UP";
      timed([], nowMs, () => send("PUT", `${base}${path}/status?value=${status}`));
    }
    for (; beganMs + noops * 20 <= nowMs; noops++) {
      timed(noopMs, beganMs + noops * 20, () => send("GET", `${base}/version`));
    }
    for (; beganMs + finds * findGapMs <= nowMs; finds++) {
      const service = `service-${(finds * 31) % services}`;
      const query = `appId=default&serviceName=${service}&version=0%2B&env=`;
      timed(findMs, beganMs + finds * findGapMs, async () => {
        const text = await send("GET", `${base}/instances?${query}`);
        if (text.length < 1_000) throw new Error(`a find of ${service} gave ${text}`);
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  return {
    seconds: measureMs / 1000,
    heartbeats: beatMs.length,
    finds: findMs.length,
    changes,
    failures: failures.length,
    ...(failures[0] === undefined ? {} : { firstFailure: failures[0] }),
    findMs: quantiles(findMs),
    heartbeatMs: quantiles(beatMs),
    noopMs: quantiles(noopMs),
  };
}

await main();
