/** Five outages, staged with real processes: for each the shortest command whose output names the cause. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { pickPort } from "../support/ports.ts";
import { type Lab, until } from "../support/process.ts";
import { askSidecar, linesOf } from "../support/process_commands.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  type RegistryProcess,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";
import { ServiceCenterCaller } from "../support/service_center_calls.ts";

/** What a consumer's sidecar needs to follow quickly. */
const quick = { DISCOVERY_POLL: "500ms", HEALTH_INTERVAL: "200ms" };

function startConsumer(lab: Lab, registry: RegistryProcess): Promise<SidecarProcess> {
  return startSidecar(lab, { name: "store", env: { ...quick, REGISTRY: registry.url } });
}

async function startProvider(
  lab: Lab,
  registry: RegistryProcess,
  ports: string,
): Promise<SidecarProcess> {
  const provider = await startSidecar(lab, {
    name: "account",
    env: { ...quick, REGISTRY: registry.url, SERVICE: "AccountService", PORTS: ports },
  });
  await untilRegistered(provider);
  return provider;
}

/** An instance that registers itself. Shape: ends with the lab's registry. */
async function register(registry: RegistryProcess, port: number): Promise<void> {
  const caller = new ServiceCenterCaller(registry.url);
  const lease = await caller.instance(await caller.service("AccountService"), [
    `rest://127.0.0.1:${port}`,
  ]);
  assertEquals(await caller.heartbeat(lease), 200);
}

/** Runs the command again until it says what it has to, for a sidecar learns of an outage by and by. */
async function says(
  lab: Lab,
  sidecar: SidecarProcess,
  args: readonly string[],
  wanted: RegExp,
): Promise<{ readonly code: number; readonly text: string }> {
  let last = "";
  return await until(async () => {
    const { code, stdout, stderr } = await askSidecar(lab, sidecar, ...args);
    last = stdout + stderr;
    return wanted.test(stdout) ? { code, text: stdout } : undefined;
  }, () => `${wanted} from mesher ${args.join(" ")}; it said:\n${last}`);
}

function show(command: string, text: string): void {
  say(`$ mesher ${command}`);
  for (const line of linesOf(text)) say(line);
}

processStory("outage, a dead instance is named with its address and its reason", async (lab) => {
  const registry = await startRegistry(lab);
  const alive = serveApp(lab, () => new Response("alive"));
  const dead = pickPort();
  await register(registry, alive);
  await register(registry, dead);
  const store = await startConsumer(lab, registry);
  for (let call = 0; call < 4; call++) {
    assertEquals((await callOnce(store.outbound, "http://AccountService/")).status, 200);
  }
  const { code, text } = await says(
    lab,
    store,
    ["status"],
    new RegExp(`127\\.0\\.0\\.1:${dead} is unreachable: connection refused`),
  );
  assertEquals(code, 0, text);
  assertMatch(text, /^AccountService {2}1 (?:healthy|warming), 1 unreachable/m);
  show("status", text);

  const doctor = await says(lab, store, ["doctor"], /AccountService does without 1 of 2 endpoints/);
  assertEquals(doctor.code, 1);
  assertMatch(doctor.text, /look whether the program there runs and listens on that port/);
  const explained = await says(
    lab,
    store,
    ["explain", "AccountService/"],
    new RegExp(`127\\.0\\.0\\.1:${dead} +unreachable +- +connect refused`),
  );
  assertEquals(explained.code, 0);
  assertMatch(explained.text, new RegExp(`would go to 127\\.0\\.0\\.1:${alive}`));
});

processStory("outage, a port that was registered wrongly is named with what to do", async (lab) => {
  const registry = await startRegistry(lab);
  serveApp(lab, () => new Response("I am on another port"));
  const wrong = pickPort();
  await register(registry, wrong);
  const store = await startConsumer(lab, registry);
  assert((await callOnce(store.outbound, "http://AccountService/")).status >= 502);
  const { code, text } = await says(
    lab,
    store,
    ["doctor"],
    /AccountService has no endpoint that answers/,
  );
  assertEquals(code, 1);
  assertMatch(text, new RegExp(`127\\.0\\.0\\.1:${wrong} is unreachable: connection refused`));
  assertMatch(text, /if it listens on another one, its record in the registry is wrong/);
  show("doctor", text);
});

processStory("outage, a registry that is down is named and what is known stays", async (lab) => {
  const port = pickPort();
  const registry = await startRegistry(lab, { port });
  await register(registry, serveApp(lab, () => new Response("alive")));
  const store = await startConsumer(lab, registry);
  assertEquals((await callOnce(store.outbound, "http://AccountService/")).status, 200);
  registry.process.signal("SIGKILL");
  await registry.process.exited();

  const { code, text } = await says(lab, store, ["status"], /DOES NOT ANSWER/);
  assertEquals(code, 0, "calls to what is known go on");
  assertMatch(text, new RegExp(`registry +service center http://127\\.0\\.0\\.1:${port} DOES NOT`));
  show("status", text);
  const doctor = await says(lab, store, ["doctor"], /PROBLEM +registry/);
  assertEquals(doctor.code, 1);
  assertMatch(doctor.text, /connection refused: nothing listens there/);
  assertMatch(doctor.text, /-> start it, or set MESHER_REGISTRY/);
  assertEquals((await callOnce(store.outbound, "http://AccountService/")).status, 200);
});

processStory("outage, a name that is misspelt is answered with the right one", async (lab) => {
  const registry = await startRegistry(lab);
  await register(registry, serveApp(lab, () => new Response("alive")));
  const store = await startConsumer(lab, registry);
  const answer = await callOnce(store.outbound, "http://AcountService/balance");
  assertEquals(answer.status, 503);
  const body = JSON.parse(answer.body);
  assertEquals(body.code, "service_unknown");
  assertMatch(body.detail, /"AcountService" \(did you mean AccountService\?\)/);

  const { code, text } = await says(
    lab,
    store,
    ["explain", "AcountService/balance"],
    /would FAIL: 503 service_unknown/,
  );
  assertEquals(code, 1);
  assertMatch(text, /did you mean AccountService\?/);
  show("explain AcountService/balance", text);
  const doctor = await says(lab, store, ["doctor"], /"AcountService" was called/);
  assertEquals(doctor.code, 1);
  assertMatch(doctor.text, /-> correct the host name in the caller: http:\/\/AccountService\//);
});

processStory("outage, an application that is down is named on both sides", async (lab) => {
  const registry = await startRegistry(lab);
  const port = pickPort();
  const app = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    () => new Response("alive"),
  );
  const provider = await startProvider(lab, registry, `rest:${port}`);
  const store = await startConsumer(lab, registry);
  assertEquals((await callOnce(store.outbound, "http://AccountService/")).status, 200);
  await app.shutdown();

  const { code, text } = await says(lab, provider, ["doctor"], /PROBLEM +registration/);
  assertEquals(code, 1);
  assertMatch(
    text,
    new RegExp(`application is not there: nothing listens on 127\\.0\\.0\\.1:${port}`),
  );
  assertMatch(text, /consumers see AccountService as DOWN, because its application is down/);
  show("doctor (at the provider)", text);
  const status = await says(lab, provider, ["status"], /application {2}DOWN: tcp/);
  assertMatch(status.text, /^registered +DOWN at/m);

  const seen = await says(lab, store, ["status"], /AccountService {2}NONE/);
  assertMatch(seen.text, /not called: [0-9a-f]+ is DOWN/);
  // The data threads are told without waiting for them.
  await until(
    async () =>
      (await callOnce(store.outbound, "http://AccountService/")).status === 503 || undefined,
    "calls to be refused",
  );
  const explained = await says(
    lab,
    store,
    ["explain", "AccountService/"],
    /would FAIL: 503 no_end/,
  );
  assertMatch(explained.text, /is DOWN/);
});
