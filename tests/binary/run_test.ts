/** The compiled file as `mesher run`: the application's start, signals, exit code, orphans, and a job's end. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { Environment, Programs } from "../support/binary.ts";
import {
  binary,
  binaryTest,
  callThrough,
  freeListeners,
  isRoot,
  serveHello,
  works,
  writeServices,
} from "../support/binary_here.ts";
import { until } from "../support/process.ts";

/** A registry that knows nobody, so that nothing is missing. */
function noServices(programs: Programs): Environment {
  Deno.writeTextFileSync(`${programs.folder}/services.yaml`, "[]\n");
  return { ...freeListeners, MESHER_REGISTRY: `file://${programs.folder}/services.yaml` };
}

/** A shell program that reports the signals it gets and ends with 42 on the second one. */
const countsSignals = `count=0
for name in INT TERM USR1; do trap "echo app: $name >&2; count=\\$((count + 1))" $name; done
echo app: ready >&2
while [ $count -lt 2 ]; do sleep 0.05; done
exit 42`;

binaryTest("run, starts the application only when the sidecar is ready", async (programs) => {
  await using app = serveHello();
  const services = writeServices(programs, app.addr.port);
  const { code, stderr } = await programs.once(
    ["run", "--", binary, "health", "--ready"],
    {
      ...freeListeners,
      MESHER_ADMIN: `127.0.0.1:${programs.freePort()}`,
      MESHER_REGISTRY: `file://${services}`,
    },
  );
  assertEquals(code, 0, stderr);
});

binaryTest(
  "run, SIGINT and a second one at once reach the application, whose code comes back",
  async (programs) => {
    const run = await programs.start(["run", "--", "sh", "-c", countsSignals], {
      env: noServices(programs),
      until: /app: ready/,
    });
    run.signal("SIGINT");
    await run.untilSaid(/app: INT/);
    run.signal("SIGINT");
    assertEquals(await run.exited(), 42);
    assertEquals(run.said().match(/app: INT/g)?.length, 2);
  },
);

binaryTest(
  "run, a second signal does not wait for the drain that the first one began",
  async (programs) => {
    // A call that is under way keeps the first signal back for all the time that it may take.
    const arrived = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await using app = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async () => {
        arrived.resolve();
        await held.promise;
        return new Response("late");
      },
    );
    const run = await programs.start(["run", "--", "sh", "-c", countsSignals], {
      env: {
        ...noServices(programs),
        MESHER_SERVICE: "Greeter",
        MESHER_PORTS: `rest:${app.addr.port}`,
      },
      until: /mesher is up .*inbound=(\S+)/,
    });
    await run.untilSaid(/app: ready/);
    const call = fetch(`http://${run.found}/`, { headers: { host: "Greeter" } })
      .then((answer) => answer.body?.cancel(), () => {});
    await arrived.promise;
    run.signal("SIGTERM");
    await run.untilSaid(/SIGTERM: taking the application out of the mesh/);
    assert(!run.said().includes("app: TERM"), run.said());
    run.signal("SIGTERM");
    await run.untilSaid(/app: TERM/);
    run.signal("SIGUSR1");
    const beganMs = performance.now();
    assertEquals(await run.exited(), 42);
    // The call under way would have been waited for for 25 s.
    assert(performance.now() - beganMs < 10_000, "it did not end with its application");
    held.resolve();
    await call;
  },
);

binaryTest(
  "run, told to end before the application was started it ends without starting it",
  async (programs) => {
    // The registry does not answer, so the start waits for readiness.
    const run = await programs.start(["run", "--", "sh", "-c", "echo app: started >&2"], {
      env: { ...freeListeners, MESHER_REGISTRY: "http://127.0.0.1:1" },
      until: /mesher is up/,
    });
    assertEquals(await run.end("SIGTERM"), 143);
    assert(!run.said().includes("app: started"), run.said());
  },
);

const provides = (port: number): Environment => ({
  MESHER_SERVICE: "Job",
  MESHER_PORTS: `rest:${port}`,
});

for (const [title, env] of [["a job", {}], ["a job that is a service too", provides(1)]] as const) {
  binaryTest(`run, ${title} ends with its code soon after it is done`, async (programs) => {
    const run = await programs.start(["run", "--", "sh", "-c", "echo app: done >&2; exit 3"], {
      env: { ...noServices(programs), ...env, MESHER_DRAIN_ANNOUNCE: "20s" },
      until: /app: (done)/,
    });
    const beganMs = performance.now();
    assertEquals(await run.exited(), 3);
    const ms = Math.round(performance.now() - beganMs);
    assert(ms < 10_000, `it took ${ms} ms`);
  });
}

binaryTest(
  "run, an application that dies takes its instance out of the registry at once",
  async (programs) => {
    await using app = serveHello();
    const registry = await programs.start(["registry"], {
      env: { MESHER_REGISTRY_LISTEN: "127.0.0.1:0" },
      until: /the registry is up listen=(\S+)/,
    });
    const run = await programs.start(["run", "--", "sleep", "600"], {
      env: {
        ...freeListeners,
        MESHER_REGISTRY: `http://${registry.found}`,
        ...provides(app.addr.port),
        MESHER_DRAIN_ANNOUNCE: "20s",
      },
      until: /registered Job.*instanceId=(\S+)/,
    });
    const pid = Number(/the application was started pid=(\d+)/.exec(run.said())![1]);
    const beganMs = performance.now();
    Deno.kill(pid, "SIGKILL");
    assertEquals(await run.exited(), 137);
    assert(performance.now() - beganMs < 10_000, "it took more than ten seconds");
    const answer = await fetch(
      `http://${registry.found}/v4/default/registry/instances?appId=default&serviceName=Job&version=0%2B`,
      { headers: { "x-consumerid": "0" } },
    );
    assert(!(await answer.text()).includes(run.found), "the instance is still there");
  },
);

const firstProcess = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;
const namespaces = {
  what: "needs root and process namespaces of its own",
  there: isRoot && await works(...firstProcess, "true"),
};

binaryTest(
  "run, as the first process it hands on signals and collects orphans",
  async (programs) => {
    // Each inner sleep loses its parent at once and becomes a child of the first process.
    const script = `trap 'exit 7' TERM
for n in 1 2 3; do (sleep 0.1 &) ; done
echo app: ready >&2
while :; do sleep 0.05; done`;
    const run = await programs.start(["run", "--", "sh", "-c", script], {
      env: noServices(programs),
      under: firstProcess,
      until: /app: (ready)/,
    });
    const [first] = childrenOf(run.pid);
    const sleepers = () => childrenOf(first!).map((pid) => ({ pid, state: stateOf(pid) }));
    // The application itself is the one child that stays.
    await until(
      () => sleepers().length === 1 && sleepers()[0]!.state !== "Z" ? true : undefined,
      () => `the orphans to be collected: ${JSON.stringify(sleepers())}`,
    );
    Deno.kill(first!, "SIGTERM");
    assertEquals(await run.exited(), 7);
  },
  namespaces,
);

binaryTest("the sidecar ends in order as the first process", async (programs) => {
  const sidecar = await programs.start([], {
    env: noServices(programs),
    under: firstProcess,
    until: /mesher is up/,
  });
  Deno.kill(childrenOf(sidecar.pid)[0]!, "SIGTERM");
  assertEquals(await sidecar.exited(), 0);
}, namespaces);

binaryTest(
  "drain, takes the application out of the mesh and goes on serving it",
  async (programs) => {
    await using app = serveHello();
    const services = writeServices(programs, app.addr.port);
    const sidecar = await programs.start([], {
      env: {
        ...freeListeners,
        MESHER_REGISTRY: `file://${services}`,
        MESHER_SERVICE: "Job",
        MESHER_PORTS: `rest:${app.addr.port}`,
      },
      under: firstProcess,
      until: /mesher is up outbound=(\S+)/,
    });
    const [first] = childrenOf(sidecar.pid);
    const { code, stderr } = await programs.once(["drain"], {}, {
      under: ["nsenter", `--target=${first}`, "--pid", "--mount"],
    });
    assertEquals(code, 0, stderr);
    await sidecar.untilSaid(/SIGUSR2: taking the application out of the mesh/);
    assertEquals(await callThrough(sidecar.found, "http://Greeter/"), {
      status: 200,
      text: "hello",
    });
    Deno.kill(first!, "SIGTERM");
    assertEquals(await sidecar.exited(), 0);
  },
  namespaces,
);

binaryTest("drain, where the first process is another program it refuses", async (programs) => {
  const { code, stderr } = await programs.once(["drain"]);
  assertEquals(code, 1);
  assertMatch(stderr, /the first process/);
});

function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim().split(/\s+/)
        .filter((part) => part !== "").map(Number);
    } catch {
      return [];
    }
  });
}

function stateOf(pid: number): string {
  try {
    return /^State:\s+(\S)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? "";
  } catch {
    return "";
  }
}
