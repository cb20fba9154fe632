/** `mesher demo`: registry, two services with sidecars and a caller, with instances coming and going. */
import { DemoProcess, freePort } from "../platform/demo_process.ts";
import { ownCommand } from "../platform/host.ts";
import { realClock } from "../platform/real_clock.ts";
import { onSignals } from "../platform/signals.ts";
import { DemoCalls } from "./demo_calls.ts";
import { exit, type Io } from "./io.ts";

const callsPerSecond = 50;
const phaseMs = 3000;
const startMs = 30_000;

/** An application beside its sidecar. */
interface Started {
  readonly process: DemoProcess;
  /** Of the application. */
  readonly port: number;
  /** The sidecar's live page. */
  readonly page: string;
}

/** Shape: 0 when no call failed. `--keep` leaves everything running until it is told to end. */
export async function runDemo(io: Io): Promise<number> {
  const unknown = io.args.filter((argument) => argument !== "--keep");
  if (unknown.length > 0) {
    io.stderr(`mesher: demo takes only --keep, not ${unknown.join(" ")}\n`);
    return exit.usage;
  }
  const demo = new Demo(io);
  const told = Promise.withResolvers<void>();
  const endSignals = onSignals({ SIGINT: () => told.resolve(), SIGTERM: () => told.resolve() });
  try {
    return await Promise.race([
      demo.play(io.args.includes("--keep") ? told.promise : undefined),
      told.promise.then(() => exit.failed),
    ]);
  } catch (error) {
    io.stderr(`mesher: the demo failed: ${error instanceof Error ? error.message : error}\n`);
    return exit.failed;
  } finally {
    endSignals();
    await demo.end();
  }
}

class Demo {
  readonly #io: Io;
  readonly #startedAtMs = realClock.now();
  readonly #running = new Set<DemoProcess>();
  #registryPort = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  #say(text: string): void {
    const seconds = ((realClock.now() - this.#startedAtMs) / 1000).toFixed(1).padStart(5);
    this.#io.stdout(`${seconds} s  ${text}\n`);
  }

  async play(kept: Promise<void> | undefined): Promise<number> {
    this.#registryPort = freePort();
    let registry = await this.#startRegistry();
    const [one, two] = await Promise.all([this.#startAccount("one"), this.#startAccount("two")]);
    const store = await this.#startStore();
    this.#showPage(store.page, kept !== undefined);
    const calls = new DemoCalls(`http://127.0.0.1:${store.port}/balance/42`);
    await calls.untilFirstSuccess(startMs);
    this.#say("StoreWeb has reached AccountService by name; calls go on from here without a pause");
    calls.begin(callsPerSecond);

    await this.#watch(calls, "two instances share the calls");
    two.process.kill("SIGKILL");
    await this.#watch(calls, "instance two and its sidecar were killed (SIGKILL)");
    await this.#startAccount("three");
    await this.#watch(calls, "instance three was added");
    one.process.kill("SIGTERM");
    await this.#watch(calls, "instance one was told to end (SIGTERM) and drains");
    registry.kill("SIGKILL");
    await this.#watch(calls, "the registry was killed");
    registry = await this.#startRegistry();
    await this.#startAccount("four");
    await calls.untilInstance("four", startMs);
    await this.#watch(calls, "the registry is back, instance four was added and found");
    if (kept !== undefined) {
      this.#say(
        `everything stays up; the live page is ${store.page}, the caller ` +
          `http://127.0.0.1:${store.port}/, Ctrl-C ends it`,
      );
      await kept;
    }
    const total = await calls.end();
    this.#say(`calls: ${total.calls}, failures: ${total.failures}`);
    for (const failure of total.examples) this.#say(`  ${failure}`);
    return total.failures === 0 ? exit.ok : exit.failed;
  }

  /** The page is the thing to look at while the rest happens. */
  #showPage(page: string, kept: boolean): void {
    const lines = [
      `Watch it live: ${page}`,
      kept ? "" : "(it ends with the demo; mesher demo --keep lets everything run on)",
    ].filter((line) => line !== "");
    const rule = "-".repeat(Math.max(...lines.map((line) => line.length)) + 4);
    this.#io.stdout(`\n${rule}\n${lines.map((line) => `  ${line}\n`).join("")}${rule}\n\n`);
  }

  async #watch(calls: DemoCalls, what: string): Promise<void> {
    this.#say(what);
    const before = calls.total();
    await realClock.sleep(phaseMs);
    const after = calls.total();
    const shares = [...after.byInstance].map(([name, count]) => {
      const share = count - (before.byInstance.get(name) ?? 0);
      return share > 0 ? `${name} ${share}` : "";
    }).filter((text) => text !== "");
    const failures = after.failures - before.failures;
    this.#say(`  ${after.calls - before.calls} calls (${shares.join(", ")}), ${failures} failed`);
  }

  async #startRegistry(): Promise<DemoProcess> {
    const registry = this.#start("registry", ["registry"], {
      MESHER_REGISTRY_LISTEN: `127.0.0.1:${this.#registryPort}`,
    });
    await registry.untilLine("the registry is up", startMs);
    this.#say(`the registry listens on 127.0.0.1:${this.#registryPort}`);
    return registry;
  }

  async #startAccount(name: string): Promise<Started> {
    return await this.#startService("AccountService", ["account", name]);
  }

  async #startStore(): Promise<Started> {
    return await this.#startService("StoreWeb", ["store", "store"]);
  }

  async #startService(
    service: string,
    [what, name]: readonly [string, string],
  ): Promise<Started> {
    const port = freePort();
    const app = [...ownCommand(), "demo-app", what, String(port), name];
    const process = this.#start(name, ["run", "--", ...app], {
      MESHER_REGISTRY: `http://127.0.0.1:${this.#registryPort}`,
      MESHER_SERVICE: service,
      MESHER_PORTS: `rest:${port}`,
      MESHER_OUTBOUND: "127.0.0.1:0",
      MESHER_INBOUND: "127.0.0.1:0",
      MESHER_ADMIN: "127.0.0.1:0",
      MESHER_DISCOVERY_POLL: "2s",
    });
    const line = await process.untilLine("registered ", startMs);
    this.#say(`${service} ${name} is up beside its own sidecar (${line.pid}) and registered`);
    const up = await process.untilLine("mesher is up", startMs);
    const admin = /\badmin=(\S+)/.exec(up.line)?.[1] ?? "";
    return { process, port, page: `http://${admin}/` };
  }

  #start(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): DemoProcess {
    const process = new DemoProcess([...ownCommand(), ...args], {
      name,
      env,
      ended: () => this.#running.delete(process),
    });
    this.#running.add(process);
    return process;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running].map((process) => process.end()));
  }
}
