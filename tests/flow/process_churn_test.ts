/** Calls of every method go on while instances and the registry come and go; all of it real processes. */
import { assert, assertEquals } from "@test/assert";
import { pickPort } from "../support/ports.ts";
import { type Lab, type Process, until } from "../support/process.ts";
import { ProxyClient } from "../support/process_http.ts";
import {
  endpointsOf,
  newFolder,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";

const methods = ["GET", "POST", "GET", "PUT", "POST", "DELETE"] as const;
const bodyBytes = [10, 3000, 30_000] as const;
const workers = 8;
const wanted = 1000;

interface Failure {
  readonly id: string;
  readonly method: string;
  readonly phase: string;
  readonly why: string;
}

/** A stream of calls, each with an id of its own. */
class Traffic {
  calls = 0;
  phase = "start";
  readonly failures: Failure[] = [];
  readonly byInstance = new Map<string, number>();
  readonly #proxy: number;
  #over = false;
  #ids = 0;
  readonly #running: Promise<void>[];

  constructor(proxy: number) {
    this.#proxy = proxy;
    this.#running = Array.from({ length: workers }, () => this.#work());
  }

  async #work(): Promise<void> {
    const client = new ProxyClient(this.#proxy);
    while (!this.#over) await this.#call(client);
    client.close();
  }

  async #call(client: ProxyClient): Promise<void> {
    const number = this.#ids++;
    const id = `r${number}`;
    const method = methods[number % methods.length]!;
    const length = bodyBytes[number % bodyBytes.length]!;
    const body = method === "POST" || method === "PUT" ? "b".repeat(length) : undefined;
    const fail = (why: string) => this.failures.push({ id, method, phase: this.phase, why });
    try {
      const url = `http://AccountService/work?ms=${5 + (number * 7) % 60}`;
      const answer = await client.call(method, url, {
        fields: [`x-request-id: ${id}`],
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status !== 200) fail(`${answer.head}${answer.body}`);
      else {
        const seen = JSON.parse(answer.body) as { name: string; id: string; bytes: number };
        if (seen.id !== id || seen.bytes !== (body?.length ?? 0)) fail(`wrong: ${answer.body}`);
        this.byInstance.set(seen.name, (this.byInstance.get(seen.name) ?? 0) + 1);
      }
    } catch (error) {
      fail(String(error));
    }
    this.calls++;
  }

  /** So many more calls have ended. */
  async more(count: number): Promise<void> {
    const goal = this.calls + count;
    await until(() => this.calls >= goal ? true : undefined, () => `${goal} calls, ${this.calls}`);
  }

  /** An instance has answered. */
  async reaches(name: string): Promise<void> {
    await until(() => this.byInstance.has(name) ? true : undefined, `a call to reach ${name}`);
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#running);
  }
}

interface Instance {
  readonly sidecar: SidecarProcess;
  readonly process: Process;
  readonly arrivals: string;
}

async function startInstance(lab: Lab, name: string, registry: string): Promise<Instance> {
  const port = pickPort();
  const arrivals = `${lab.folder}/arrivals-${name}`;
  const program = new URL("../support/process_app.ts", import.meta.url).pathname;
  const sidecar = await startSidecar(lab, {
    name,
    env: {
      REGISTRY: registry,
      SERVICE: "AccountService",
      PORTS: `rest:${port}`,
      HEALTH_INTERVAL: "200ms",
    },
    app: [Deno.execPath(), "run", "-A", "--quiet", program, String(port), arrivals, name],
  });
  await untilRegistered(sidecar);
  return { sidecar, process: sidecar.process, arrivals };
}

/** How often each request of a method that must not be repeated reached any application. */
async function postArrivals(instances: readonly Instance[]): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { arrivals } of instances) {
    for (const line of (await Deno.readTextFile(arrivals)).split("\n")) {
      const [method, id] = line.split(" ");
      if (method === "POST") counts.set(id!, (counts.get(id!) ?? 0) + 1);
    }
  }
  return counts;
}

processStory(
  "churn, a thousand calls survive ends, kills and additions of instances and of the registry",
  async (lab) => {
    const at = { port: pickPort(), stateDir: newFolder(lab) };
    let registry = await startRegistry(lab, at);
    const start = (name: string) => startInstance(lab, name, registry.url);
    const [one, two, three] = await Promise.all([start("one"), start("two"), start("three")]);
    const consumer = await startSidecar(lab, {
      name: "consumer",
      env: { REGISTRY: registry.url, DISCOVERY_POLL: "1s" },
    });
    const traffic = new Traffic(consumer.outbound);
    const instances = [one, two, three];
    try {
      for (const name of ["one", "two", "three"]) await traffic.reaches(name);

      traffic.phase = "told to end";
      one.process.signal("SIGTERM");
      // The shell's number for an application that a signal has ended.
      assertEquals(await one.process.exited(), 143);
      await traffic.more(80);

      traffic.phase = "added";
      instances.push(await start("four"));
      await traffic.reaches("four");

      traffic.phase = "killed";
      two.process.killFamily();
      await two.process.status;
      await traffic.more(120);

      traffic.phase = "registry restarted";
      registry.process.signal("SIGTERM");
      assertEquals(await registry.process.exited(), 0);
      await traffic.more(120);
      registry = await startRegistry(lab, at);
      instances.push(await start("five"));
      await traffic.reaches("five");

      traffic.phase = "told to end again";
      three.process.signal("SIGTERM");
      assertEquals(await three.process.exited(), 143);

      traffic.phase = "registry killed and its state lost";
      registry.process.signal("SIGKILL");
      await registry.process.status;
      await traffic.more(80);
      registry = await startRegistry(lab, { port: at.port });
      await traffic.more(Math.max(120, wanted - 120 - traffic.calls));

      traffic.phase = "killed without the registry knowing";
      instances[3]!.process.killFamily();
      await instances[3]!.process.status;
      await traffic.more(120);

      instances.push(await start("six"));
      await traffic.reaches("six");
      traffic.phase = "killed under its sidecar";
      const [app] = instances[4]!.process.children;
      Deno.kill(app!, "SIGKILL");
      assertEquals(await instances[4]!.process.exited(), 137);
      await traffic.more(80);
    } finally {
      await traffic.end();
    }

    assert(traffic.calls >= wanted, `${traffic.calls} calls`);
    const arrivals = await postArrivals(instances);
    const twice = [...arrivals].filter(([, count]) => count > 1);
    assertEquals(twice, [], "processed twice");
    // Only a POST that was on its way to a killed instance may fail: nobody can know whether it was carried out.
    const excused = traffic.failures.filter((failure) =>
      failure.phase.startsWith("killed") && failure.method === "POST" &&
      (arrivals.get(failure.id) ?? 0) <= 1
    );
    const failures = traffic.failures.filter((failure) => !excused.includes(failure));
    assertEquals(failures, []);
    const shares = [...traffic.byInstance].map(([name, count]) => `${name} ${count}`).join(", ");
    say(
      `${traffic.calls} calls (${shares}), 0 failed; ` +
        `${excused.length} POSTs were under way at an instance when it was killed`,
    );
    // The dead are gone from the consumer's view in the end.
    await until(
      async () => (await endpointsOf(consumer, "AccountService")).length === 1 ? true : undefined,
      "the only living endpoint to be the only one known",
    );
  },
);
