/** How a real sidecar process starts: refusals with words, and starts without a registry. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { timeOf } from "../support/measured.ts";
import { pickPort } from "../support/ports.ts";
import { type Lab, until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  adminGet,
  mesherCommand,
  newFolder,
  spawnSidecar,
  startRegistry,
  startSidecar,
  untilReady,
  untilRegistered,
  untilUp,
} from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";

/** A port that stays taken until the lab ends. */
function takenPort(lab: Lab): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  lab.defer(() => listener.close());
  return listener.addr.port;
}

const listeners = [
  { what: "outbound", env: (at: string) => ({ OUTBOUND: at }) },
  { what: "admin", env: (at: string) => ({ ADMIN: at }) },
  {
    what: "inbound",
    env: (at: string) => ({ INBOUND: at, SERVICE: "AccountService", PORTS: "8080" }),
  },
  {
    what: "the demanded registry",
    env: (at: string) => ({ REGISTRY: "embedded:", REGISTRY_LISTEN: at }),
  },
] as const;

processStory("start, a taken port is said in one sentence and ends with 1", async (lab) => {
  const port = takenPort(lab);
  const ends = listeners.map(async ({ what, env }) => {
    const process = spawnSidecar(lab, {
      name: what,
      env: { REGISTRY_LISTEN: "127.0.0.1:0", ...env(`127.0.0.1:${port}`) },
    });
    const code = await process.exited();
    const errors = await process.errors();
    assertEquals(code, 1, `${what}: ${errors}`);
    assertMatch(
      errors,
      new RegExp(`^mesher: cannot listen on 127\\.0\\.0\\.1:${port}.*in use.*$`, "m"),
      what,
    );
    assert(!/^\s+at /m.test(errors), `${what} shows a stack:\n${errors}`);
  });
  const registry = lab.run(mesherCommand("registry"), {
    env: { MESHER_REGISTRY_LISTEN: `127.0.0.1:${port}`, MESHER_STATE_DIR: newFolder(lab) },
  });
  await Promise.all(ends);
  const { code, stderr } = await registry;
  assertEquals(code, 1);
  assertMatch(stderr, /^mesher: cannot listen on .* in use/m);
});

const mistakes: readonly {
  readonly title: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly says: RegExp;
}[] = [
  { title: "unknown command", args: ["serve"], says: /no command "serve"/ },
  { title: "unknown flag", args: ["--outbond=1"], says: /outbond.*did you mean.*outbound/s },
  {
    title: "misspelt variable",
    env: { MESHER_SERVISE: "A" },
    says: /MESHER_SERVISE.*MESHER_SERVICE/s,
  },
  {
    title: "bad value",
    env: { MESHER_TIMEOUTS_CONNECT: "fast" },
    says: /timeouts\.connect.*fast/s,
  },
  { title: "service without ports", env: { MESHER_SERVICE: "A" }, says: /ports/ },
  { title: "run without a program", args: ["run"], says: /run wants a program/ },
  { title: "file that is not there", args: ["--config=/no/such.yaml"], says: /\/no\/such\.yaml/ },
];

processStory("start, a mistake in the configuration is told and ends with 2", async (lab) => {
  await Promise.all(mistakes.map(async ({ title, args = [], env = {}, says }) => {
    const { code, stderr } = await lab.run(mesherCommand(...args), {
      env: { MESHER_STATE_DIR: lab.folder, ...env },
    });
    assertEquals(code, 2, `${title}: ${stderr}`);
    assertMatch(stderr, says, title);
    assert(!/^\s+at /m.test(stderr), `${title} shows a stack:\n${stderr}`);
  }));
});

processStory(
  "start, without its registry it listens at once, says why, and is ready soon after it came",
  async (lab) => {
    const port = pickPort();
    const beganMs = performance.now();
    const store = await startSidecar(lab, {
      name: "store",
      env: { REGISTRY: `http://127.0.0.1:${port}` },
    });
    const upMs = performance.now() - beganMs;
    const askedMs = performance.now();
    const answer = await callOnce(store.outbound, "http://AccountService/");
    const answeredMs = performance.now() - askedMs;
    assertEquals(answer.status, 503);
    const problem = JSON.parse(answer.body);
    assertEquals(problem.code, "registry_unavailable");
    assertMatch(problem.detail, new RegExp(`127\\.0\\.0\\.1:${port}`));
    // Nobody waits for a registry as long as a call may take.
    assert(answeredMs < 5000, `the answer took ${answeredMs} ms`);
    const readiness = await adminGet(store, "/readyz");
    assertEquals(readiness.status, 503);
    assertMatch(JSON.parse(readiness.text).reasons[0], /registry cannot be reached/);
    assertEquals((await adminGet(store, "/healthz")).status, 200);

    await startRegistry(lab, { port });
    const cameMs = performance.now();
    await untilReady(store);
    const readyMs = performance.now() - cameMs;
    const app = serveApp(lab, () => new Response("served"));
    const provider = await startSidecar(lab, {
      name: "account",
      env: {
        REGISTRY: `http://127.0.0.1:${port}`,
        SERVICE: "AccountService",
        PORTS: `rest:${app}`,
      },
    });
    await untilRegistered(provider);
    const served = await until(async () => {
      const call = await callOnce(store.outbound, "http://AccountService/");
      return call.status === 200 ? call.body : undefined;
    }, "a call to get through");
    assertEquals(served, "served");
    say(
      `up after ${Math.round(upMs)} ms, 503 with its reason after ${Math.round(answeredMs)} ms, ` +
        `ready ${Math.round(readyMs)} ms after the registry came`,
    );
  },
);

processStory("start, a provider without its registry registers once it is there", async (lab) => {
  const port = pickPort();
  const app = serveApp(lab, () => new Response("served"));
  const provider = await startSidecar(lab, {
    name: "account",
    env: { REGISTRY: `http://127.0.0.1:${port}`, SERVICE: "AccountService", PORTS: `rest:${app}` },
  });
  await provider.process.line(/registering failed/);
  await startRegistry(lab, { port });
  const cameMs = performance.now();
  await untilRegistered(provider);
  say(`registered ${Math.round(performance.now() - cameMs)} ms after the registry came`);
  assertEquals((await callOnce(provider.inbound, "http://AccountService/")).body, "served");
});

processStory(
  "start, after a kill and with the registry gone it serves from its disk",
  async (lab) => {
    const registry = await startRegistry(lab);
    const app = serveApp(lab, () => new Response("served"));
    const provider = await startSidecar(lab, {
      name: "account",
      env: { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${app}` },
    });
    await untilRegistered(provider);
    const stateDir = newFolder(lab);
    const outbound = pickPort();
    const env = {
      REGISTRY: registry.url,
      STATE_DIR: stateDir,
      OUTBOUND: `127.0.0.1:${outbound}`,
    };
    const first = await startSidecar(lab, { name: "store", env });
    assertEquals((await callOnce(first.outbound, "http://AccountService/")).body, "served");
    await until(
      async () => (await snapshot(stateDir)).includes("AccountService") ? true : undefined,
      "the snapshot on disk",
    );
    for (const { process } of [registry, first]) {
      process.signal("SIGKILL");
      await process.status;
    }
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const beganMs = performance.now();
      const process = spawnSidecar(lab, { name: `store again ${round}`, env });
      const answer = await until(
        () => callOnce(outbound, "http://accountservice/").catch(() => undefined),
        "the first answer",
      );
      times.push(performance.now() - beganMs);
      assertEquals([answer.status, answer.body], [200, "served"], answer.body);
      const readiness = JSON.parse((await adminGet(await untilUp(process), "/readyz")).text);
      assertEquals(readiness.ready, true);
      assertMatch(readiness.notes.join(), /known from disk only/);
      process.signal("SIGKILL");
      await process.status;
    }
    // What any start takes on this machine is not what is meant.
    const startMs = await timeOf(() => lab.run(mesherCommand("version")));
    assert(Math.min(...times) < 2000 + 3 * startMs, `it took ${times} ms, a start ${startMs} ms`);
    say(`first answers ${times.map(Math.round).join(", ")} ms after exec`);
  },
);

async function snapshot(stateDir: string): Promise<string> {
  let text = "";
  for await (const { name } of Deno.readDir(stateDir)) {
    if (name.endsWith(".json")) text += await Deno.readTextFile(`${stateDir}/${name}`);
  }
  return text;
}
