/** The life of a real sidecar process: what it says of itself, how it ends, and how it goes with an application. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { pickPort } from "../support/ports.ts";
import { type Lab, type Process, until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  adminGet,
  metric,
  type RegistryProcess,
  type SidecarProcess,
  spawnSidecar,
  startRegistry,
  startSidecar,
  untilReady,
  untilRegistered,
  untilUp,
} from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";
import { ServiceCenterCaller } from "../support/service_center_calls.ts";

async function startProvider(
  lab: Lab,
  registry: RegistryProcess,
  port: number,
): Promise<SidecarProcess> {
  const provider = await startSidecar(lab, {
    name: "account",
    env: { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${port}` },
  });
  await untilRegistered(provider);
  return provider;
}

processStory("life, health, readiness, status and metrics say how it is", async (lab) => {
  const registry = await startRegistry(lab);
  const port = serveApp(lab, () => new Response("ok"));
  const provider = await startProvider(lab, registry, port);
  await untilReady(provider);
  assertEquals((await adminGet(provider, "/healthz")).text, "ok\n");
  assertEquals(JSON.parse((await adminGet(provider, "/readyz")).text), {
    ready: true,
    reasons: [],
    notes: [],
  });
  const call = await callOnce(provider.outbound, "http://AccountService/");
  assertEquals(call.status, 200);
  const miss = await callOnce(provider.outbound, "http://NobodyService/");
  assertEquals(miss.status, 503);

  const { type } = await adminGet(provider, "/metrics");
  assertMatch(type, /^text\/plain; version=0\.0\.4/);
  const wanted = [
    'mesher_requests_total{direction="outbound",service="AccountService",status="2xx"} 1',
    'mesher_requests_total{direction="inbound",service="",status="2xx"} 1',
    'mesher_failures_total{direction="outbound",service="",code="service_unknown"} 1',
    'mesher_request_duration_seconds_count{direction="outbound",service="AccountService"} 1',
    'mesher_endpoints_unusable{service="AccountService"} 0',
    "mesher_metrics_series_left_out 0",
    "mesher_registry_up 1",
    "mesher_registered 1",
    "mesher_application_up 1",
  ];
  // The account of a request is closed behind its answer.
  let text = "";
  await until(async () => {
    text = (await adminGet(provider, "/metrics")).text;
    const lines = new Set(text.split("\n"));
    return wanted.every((line) => lines.has(line)) || undefined;
  }, () => `${wanted.filter((line) => !text.split("\n").includes(line))} in\n${text}`);
  const status = JSON.parse((await adminGet(provider, "/status")).text);
  assertEquals(status.inbound, `127.0.0.1:${provider.inbound}`);
  assertEquals(status.registration.state, "registered");
  assertEquals(status.draining, false);
  const unknown = await adminGet(provider, "/nothing");
  assertEquals(unknown.status, 404);
});

processStory(
  "life, an application that stops answering is published as down, and up again",
  async (lab) => {
    const registry = await startRegistry(lab);
    let healthy = true;
    const port = serveApp(lab, () => new Response(null, { status: healthy ? 204 : 500 }));
    const provider = await startSidecar(lab, {
      name: "account",
      env: {
        REGISTRY: registry.url,
        SERVICE: "AccountService",
        PORTS: `rest:${port}`,
        CHECK: "http:/healthz",
        HEALTH_INTERVAL: "100ms",
      },
    });
    await untilRegistered(provider);
    const caller = new ServiceCenterCaller(registry.url);
    const status = async () => (await caller.find("AccountService"))[0]?.status;
    assertEquals(await status(), "UP");
    healthy = false;
    await until(async () => await status() === "DOWN" ? true : undefined, "the status DOWN");
    assertEquals(await metric(provider, "mesher_application_up"), 0);
    healthy = true;
    await until(async () => await status() === "UP" ? true : undefined, "the status UP");
  },
);

/** A provider and a consumer with one request under way at the application; `finish` lets it answer. */
async function withOpenRequest(lab: Lab) {
  const registry = await startRegistry(lab);
  const arrived = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  lab.defer(() => held.resolve());
  const port = serveApp(lab, async () => {
    arrived.resolve();
    await held.promise;
    return new Response("finished");
  });
  const provider = await startProvider(lab, registry, port);
  const consumer = await startSidecar(lab, { name: "store", env: { REGISTRY: registry.url } });
  const open = callOnce(consumer.outbound, "http://AccountService/slow");
  open.catch(() => {});
  await arrived.promise;
  return { registry, provider, consumer, open, finish: held.resolve };
}

processStory("life, SIGTERM deregisters, finishes open requests and ends with 0", async (lab) => {
  const { registry, provider, consumer, open, finish } = await withOpenRequest(lab);
  const caller = new ServiceCenterCaller(registry.url);
  const beganMs = performance.now();
  provider.process.signal("SIGTERM");
  consumer.process.signal("SIGTERM");
  await until(
    async () => (await caller.find("AccountService")).length === 0 ? true : undefined,
    "the instance to leave the registry",
  );
  const readiness = await adminGet(provider, "/readyz");
  assertEquals(readiness.status, 503);
  assertEquals(JSON.parse(readiness.text).reasons, ["the sidecar drains"]);
  assertEquals([provider.process.ended, consumer.process.ended], [false, false]);
  finish();
  const finishedMs = performance.now();
  const answer = await open;
  assertEquals([answer.status, answer.body], [200, "finished"]);
  assertEquals(await provider.process.exited(), 0);
  assertEquals(await consumer.process.exited(), 0);
  const now = performance.now();
  say(
    `ended ${Math.round(now - finishedMs)} ms after its last answer, ${
      Math.round(now - beganMs)
    } ms after the signal`,
  );
});

processStory("life, a second SIGTERM ends it at once", async (lab) => {
  const { provider, consumer, open } = await withOpenRequest(lab);
  for (const { process } of [consumer, provider]) {
    process.signal("SIGTERM");
    await process.line(/SIGTERM: draining/);
    const beganMs = performance.now();
    process.signal("SIGTERM");
    assertEquals(await process.exited(), 1);
    // The request under way would keep it for the 25 s that it may take to finish.
    assert(performance.now() - beganMs < 10_000, "it took more than ten seconds");
  }
  assertEquals((await Promise.allSettled([open]))[0]!.status, "rejected");
});

function deno(code: string): readonly string[] {
  return [Deno.execPath(), "eval", "--quiet", code];
}

/** Starts `mesher run` without a registry to be had and an application of one line of code. */
function runApp(lab: Lab, app: readonly string[], env: Record<string, string> = {}): Process {
  return spawnSidecar(lab, {
    name: "run",
    env: { REGISTRY: `file://${lab.folder}/services.yaml`, ...env },
    app,
  });
}

processStory("run, the exit code of the application is the exit code", async (lab) => {
  await Deno.writeTextFile(`${lab.folder}/services.yaml`, "[]\n");
  const codes = await Promise.all([
    runApp(lab, deno("Deno.exit(7)")).exited(),
    runApp(lab, deno("")).exited(),
    runApp(lab, deno('Deno.kill(Deno.pid, "SIGKILL")')).exited(),
    runApp(lab, ["no-such-program-here"]).exited(),
  ]);
  assertEquals(codes, [7, 0, 137, 127]);
});

processStory(
  "run, the application gets its output, its environment and a proxy that works",
  async (lab) => {
    const port = serveApp(lab, () => new Response("hello"));
    await Deno.writeTextFile(
      `${lab.folder}/services.yaml`,
      `- service: Greeter\n  instances:\n    - endpoint: "rest://127.0.0.1:${port}"\n`,
    );
    const app = runApp(
      lab,
      deno(`
      console.log(await (await fetch("http://Greeter/")).text());
      console.log(Deno.env.get("no_proxy"));
    `),
    );
    assertEquals(await app.exited(), 0, await app.errors());
    const [greeting, exempt] = (await app.output()).split("\n");
    assertEquals(greeting, "hello");
    assertMatch(exempt!, /localhost,127\.0\.0\.1/);
  },
);

processStory(
  "run, signals reach the application, SIGTERM only after it has left the mesh",
  async (lab) => {
    const registry = await startRegistry(lab);
    const port = pickPort();
    const run = runApp(
      lab,
      deno(`
      Deno.serve({ hostname: "127.0.0.1", port: ${port}, onListen() {} }, () => new Response("up"));
      Deno.addSignalListener("SIGUSR1", () => console.error("app: SIGUSR1"));
      Deno.addSignalListener("SIGTERM", () => { console.error("app: SIGTERM"); Deno.exit(5); });
      console.error("app: listening to signals");
    `),
      { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${port}` },
    );
    const sidecar = await untilUp(run);
    await run.line(/app: listening/);
    await untilRegistered(sidecar);
    run.signal("SIGUSR1");
    await run.line(/app: SIGUSR1/);
    run.signal("SIGTERM");
    assertEquals(await run.exited(), 5);
    const lines = (await run.errors()).split("\n");
    const place = (fits: RegExp) => lines.findIndex((line) => fits.test(line));
    assert(place(/taking the application out of the mesh/) < place(/app: SIGTERM/));
    const caller = new ServiceCenterCaller(registry.url);
    assertEquals(await caller.find("AccountService"), []);
  },
);
