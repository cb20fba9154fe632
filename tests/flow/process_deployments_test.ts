/** The three deployments and the one without any configuration, with real processes. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { pickPort } from "../support/ports.ts";
import { type Lab, pause, until } from "../support/process.ts";
import { callOnce, ProxyClient, serveApp } from "../support/process_http.ts";
import {
  endpointsOf,
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

/** A plain account program: says which path and port it was asked on, and what came with the request. */
function account(lab: Lab, name: string): number {
  return serveApp(lab, async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    return Response.json({
      name,
      method: request.method,
      path: pathname + search,
      body,
      host: request.headers.get("host"),
      proxied: request.headers.has("proxy-connection"),
    });
  });
}

processStory(
  "deployment, a sidecar at the consumer only finds a provider that registered itself",
  async (lab) => {
    const registry = await startRegistry(lab);
    const port = account(lab, "self-made");
    const caller = new ServiceCenterCaller(registry.url);
    const lease = await caller.instance(await caller.service("AccountService"), [
      `rest://127.0.0.1:${port}`,
    ]);
    assertEquals(await caller.heartbeat(lease), 200);

    const store = await startSidecar(lab, { name: "store", env: { REGISTRY: registry.url } });
    const curl = await lab.run(
      [
        "curl",
        "-sS",
        "--data",
        "amount=5",
        "-w",
        "\n%{http_code}",
        "http://AccountService/pay?to=7",
      ],
      { env: { http_proxy: store.proxy } },
    );
    assertEquals(curl.code, 0, curl.stderr);
    const [text, status] = curl.stdout.split("\n");
    assertEquals(status, "200", curl.stdout);
    const seen = JSON.parse(text!);
    assertEquals(seen.name, "self-made");
    assertEquals(seen.method, "POST");
    assertEquals(seen.path, "/pay?to=7");
    assertEquals(seen.body, "amount=5");
    assertEquals(seen.proxied, false);

    // It takes itself out of the registry and ends: the consumer's sidecar says what is wrong.
    assertEquals(await caller.deregister(lease), 200);
    const ghost = await callOnce(store.outbound, "http://NobodyService/");
    assertEquals(ghost.status, 503);
    assertEquals(JSON.parse(ghost.body).code, "service_unknown");
    assertMatch(ghost.head, /\r\nproxy-status: mesher; error=destination_not_found/i);
  },
);

processStory("deployment, sidecars on both sides carry a call and say who called", async (lab) => {
  const registry = await startRegistry(lab);
  const seen: Headers[] = [];
  const port = serveApp(lab, async (request) => {
    seen.push(request.headers);
    return new Response(
      `${request.method} ${new URL(request.url).pathname} ${await request.text()}`,
    );
  });
  const provider = await startSidecar(lab, {
    name: "account",
    env: { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${port}` },
  });
  const store = await startSidecar(lab, {
    name: "store",
    env: { REGISTRY: registry.url, SERVICE: "StoreWeb", PORTS: "rest:1", CHECK: "none" },
  });
  await untilRegistered(provider);
  const url = `http://AccountService:${port}/balance/42`;
  const got = await callOnce(store.outbound, url);
  assertEquals([got.status, got.body], [200, "GET /balance/42 "]);
  const put = await callOnce(store.outbound, url, { method: "PUT", body: "x=1" });
  assertEquals([put.status, put.body], [200, "PUT /balance/42 x=1"]);
  // Clients in many languages write host names in lower case.
  const lower = await callOnce(store.outbound, "http://accountservice/balance/1");
  assertEquals([lower.status, lower.body], [200, "GET /balance/1 "]);

  assertEquals(await endpointsOf(store, "AccountService"), [provider.inbound]);
  const context = seen[0]!.get("x-cse-context");
  assert(context?.includes("StoreWeb"), `the caller is not named: ${context}`);
  assertEquals(seen[0]!.get("x-forwarded-host"), `AccountService:${port}`);

  const other = await callOnce(store.outbound, "http://AccountService:9/");
  assertEquals([other.status, JSON.parse(other.body).code], [503, "local_port_missing"]);
});

processStory(
  "deployment, a sidecar at the provider only serves a consumer that asks the registry itself",
  async (lab) => {
    const registry = await startRegistry(lab);
    const port = account(lab, "behind");
    const provider = await startSidecar(lab, {
      name: "account",
      env: { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${port}` },
    });
    await untilRegistered(provider);
    const caller = new ServiceCenterCaller(registry.url);
    const consumer = await caller.service("StoreWeb");
    const [instance, ...others] = await caller.find("AccountService", consumer);
    assertEquals(others, []);
    assertEquals(instance!.status, "UP");
    const endpoint = /^rest:\/\/(127\.0\.0\.1:(\d+))(?:\?|$)/.exec(instance!.endpoints![0]!);
    assertEquals(Number(endpoint?.[2]), provider.inbound, instance!.endpoints![0]);

    const response = await fetch(`http://${endpoint![1]}/transfer`, { method: "POST", body: "9" });
    const seen = await response.json();
    assertEquals(
      [response.status, seen.name, seen.method, seen.path, seen.body],
      [200, "behind", "POST", "/transfer", "9"],
    );
    // The sidecar goes: nobody can find it any more.
    provider.process.signal("SIGTERM");
    assertEquals(await provider.process.exited(), 0);
    assertEquals(await caller.find("AccountService", consumer), []);
  },
);

processStory(
  "deployment, without any configuration the registry moves on when its sidecar is killed",
  async (lab) => {
    const address = `127.0.0.1:${pickPort()}`;
    // An empty folder means the one of the platform, which all sidecars of a host share.
    const setting = {
      env: { REGISTRY_LISTEN: address, STATE_DIR: "" },
      variables: { XDG_CACHE_HOME: lab.folder },
    };
    const first = await startSidecar(lab, { name: "first", ...setting });
    await first.process.line(/no registry is configured: serving one/);
    const port = serveApp(lab, (request) => new Response(request.method));
    const provider = await startSidecar(lab, {
      name: "account",
      ...setting,
      env: { ...setting.env, SERVICE: "AccountService", PORTS: `rest:${port}` },
    });
    await untilRegistered(provider);
    const store = await startSidecar(lab, { name: "store", ...setting });

    // Several callers without a pause, from before the kill until after everything has settled.
    let calls = 0;
    let over = false;
    const failures: string[] = [];
    const calling = Array.from({ length: 3 }, async () => {
      const client = new ProxyClient(store.outbound);
      while (!over) {
        try {
          const answer = await client.call("POST", "http://AccountService/x", { body: "1" });
          if (answer.status !== 200) failures.push(answer.head + answer.body);
        } catch (error) {
          failures.push(String(error));
        }
        calls++;
        await pause(5);
      }
      client.close();
    });
    await until(() => calls > 50 ? true : undefined, "the first calls");
    first.process.signal("SIGKILL");
    await first.process.status;
    const killedMs = performance.now();
    const took = await until(
      () => servesRegistry([provider, store]),
      "another to serve the registry",
    );
    const takenMs = performance.now();
    const caller = new ServiceCenterCaller(`http://${address}`);
    await until(
      async () => (await caller.find("AccountService")).length === 1 ? true : undefined,
      "the provider to register again",
    );
    const registeredMs = performance.now();
    // One that starts only now finds everything as before.
    const late = await startSidecar(lab, { name: "late", ...setting });
    await untilReady(late);
    const answer = await callOnce(late.outbound, "http://AccountService/y");
    assertEquals([answer.status, answer.body], [200, "GET"]);
    over = true;
    await Promise.all(calling);
    assertEquals(failures.slice(0, 3), [], `${failures.length} of ${calls} calls failed`);
    say(
      `${calls} calls, 0 failed; ${took} took the registry over after ` +
        `${Math.round(takenMs - killedMs)} ms, the provider was back in it after ` +
        `${Math.round(registeredMs - killedMs)} ms`,
    );
  },
);

async function servesRegistry(sidecars: readonly SidecarProcess[]): Promise<string | undefined> {
  for (const { process } of sidecars) {
    if ((await process.errors()).includes("no registry is configured: serving one")) {
      return process.name;
    }
  }
  return undefined;
}

processStory("deployment, sidecars that all start at once agree on one registry", async (lab) => {
  const listen = { REGISTRY_LISTEN: `127.0.0.1:${pickPort()}` };
  const port = serveApp(lab, () => new Response("here"));
  const env = { ...listen, SERVICE: "AccountService", PORTS: `rest:${port}` };
  const processes = ["a", "b", "c"].map((name) => spawnSidecar(lab, { name, env }));
  const sidecars = await Promise.all(processes.map(untilUp));
  await Promise.all(sidecars.map(untilRegistered));
  const serving = await Promise.all(
    sidecars.map(async ({ process }) =>
      (await process.errors()).includes("no registry is configured: serving one")
    ),
  );
  assertEquals(serving.filter(Boolean).length, 1);
  const caller = new ServiceCenterCaller(`http://${listen.REGISTRY_LISTEN}`);
  assertEquals((await caller.find("AccountService")).length, 3);
});
