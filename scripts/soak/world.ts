/** The processes of a soak: the programs, the sidecar before them, and a registry file that keeps changing. */
import { type Child, freePorts, Workplace } from "../bench/children.ts";
import { waitUntilServing } from "../bench/load.ts";
import { v8Flags } from "../v8_flags.ts";
import type { Targets } from "./traffic.ts";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
/** Slow, direct, two steady ones, six that come and go, echo. */
const programs = 11;
const churnMs = 1500;
const startMs = 20_000;

export interface World extends Targets {
  readonly place: Workplace;
  readonly sidecar: Child;
  readonly admin: number;
  /** How often the registry file has changed. */
  churned: number;
}

export interface WorldOptions {
  readonly net: "auto" | "native" | "portable";
  readonly threads: string;
}

export async function startWorld(place: Workplace, options: WorldOptions): Promise<World> {
  const program = `${root}scripts/soak/origin.ts`;
  const origin = place.start("origin", [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    program,
    `${programs}`,
  ]);
  const ports = await printedPorts(origin);
  const [slow = 0, direct = 0, first = 0, second = 0, ...others] = ports;
  const echo = others.pop()!;
  const [outbound = 0, admin = 0, dead = 0] = freePorts(3);
  const file = `${place.folder}/services.yaml`;
  const write = async () => {
    const churn = others.filter(() => Math.random() < 0.5);
    const sets = {
      Steady: [first, second],
      Slow: [slow],
      Half: [first, dead],
      // An instance that is registered already and does not listen yet is part of it.
      Churn: churn.length === 0 ? others : [...churn, ...(Math.random() < 0.3 ? [dead] : [])],
      // The wait for the first answer asks for it.
      Origin: [first],
    };
    const text = Object.entries(sets).map(([name, each]) =>
      `- service: ${name}\n  instances: [${
        each.map((port) => `"rest://127.0.0.1:${port}"`).join(", ")
      }]\n`
    ).join("");
    await Deno.writeTextFile(`${file}.new`, text);
    await Deno.rename(`${file}.new`, file);
  };
  await write();
  const sidecar = place.start("sidecar", [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    v8Flags,
    `${root}main.ts`,
  ], {
    cwd: root,
    env: {
      MESHER_REGISTRY: `file://${file}`,
      MESHER_STATE_DIR: `${place.folder}/state`,
      MESHER_OUTBOUND: `127.0.0.1:${outbound}`,
      MESHER_ADMIN: `127.0.0.1:${admin}`,
      MESHER_NET: options.net,
      MESHER_THREADS: options.threads,
    },
  });
  await waitUntilServing(outbound, { timeoutMs: startMs, gone: () => sidecar.exited });
  const world: World = { place, sidecar, outbound, direct, echo, admin, churned: 0 };
  const timer = setInterval(() => void write().then(() => world.churned++, () => {}), churnMs);
  Deno.unrefTimer(timer);
  sidecar.ended.finally(() => clearInterval(timer));
  return world;
}

async function printedPorts(origin: Child): Promise<number[]> {
  const endMs = performance.now() + startMs;
  while (performance.now() < endMs && !origin.exited) {
    const text = await Deno.readTextFile(origin.logFile).catch(() => "");
    const line = /^ports (.*)$/m.exec(text)?.[1];
    if (line !== undefined) return line.split(" ").map(Number);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the programs did not start");
}
