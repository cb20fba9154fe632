/** Keys that a running sidecar takes over: each has an effect at once, beyond being called taken over. */
import { assertEquals } from "@test/assert";
import { type Lab, until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  adminGet,
  endpointsOf,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";
import { ServiceCenterCaller } from "../support/service_center_calls.ts";

interface WithFile {
  readonly sidecar: SidecarProcess;
  change(text: string, says: RegExp): Promise<void>;
}

async function startWithFile(
  lab: Lab,
  text: string,
  env: Readonly<Record<string, string>>,
): Promise<WithFile> {
  const path = `${Deno.makeTempDirSync({ dir: lab.folder })}/mesher.yaml`;
  await Deno.writeTextFile(path, text);
  const sidecar = await startSidecar(lab, { name: "changing", args: [`--config=${path}`], env });
  return {
    sidecar,
    async change(text, says) {
      await Deno.writeTextFile(path, text);
      sidecar.process.signal("SIGHUP");
      await sidecar.process.line(says);
    },
  };
}

const reloaded = (keys: string) => new RegExp(`configuration reloaded: ${keys}$`);

processStory("reload of log, what was hidden is logged", async (lab) => {
  // The start is waited for by its log lines, so it begins with them.
  const path = `${lab.folder}/mesher.yaml`;
  await Deno.writeTextFile(path, "log: info\nregistry_listen: 127.0.0.1:0\n");
  const sidecar = await startSidecar(lab, { name: "changing", args: [`--config=${path}`] });
  const change = async (level: string) => {
    await Deno.writeTextFile(path, `log: ${level}\nregistry_listen: 127.0.0.1:0\n`);
    sidecar.process.signal("SIGHUP");
    await until(
      async () =>
        JSON.parse((await adminGet(sidecar, "/config")).text).log === level ? true : undefined,
      `the level ${level}`,
    );
  };
  await change("error");
  const before = await sidecar.process.errors();
  await change("debug");
  await sidecar.process.line(reloaded("log"));
  const after = (await sidecar.process.errors()).slice(before.length);
  assertEquals(after.trim().split("\n").length, 1, after);
});

processStory("reload of admin_token, the admin API asks for it", async (lab) => {
  const base = "registry_listen: 127.0.0.1:0\n";
  const at = await startWithFile(lab, base, {});
  assertEquals((await adminGet(at.sidecar, "/status")).status, 200);
  await at.change(`${base}admin_token: sesame-open\n`, reloaded("admin_token"));
  assertEquals((await adminGet(at.sidecar, "/status")).status, 401);
  assertEquals((await adminGet(at.sidecar, "/healthz")).status, 200);
});

processStory("reload of check, the new check decides what is published", async (lab) => {
  const registry = await startRegistry(lab);
  const port = serveApp(
    lab,
    ({ url }) => new Response(null, { status: url.endsWith("/bad") ? 500 : 200 }),
  );
  const base = `registry: ${registry.url}\nhealth: { interval: 100ms }\n`;
  const at = await startWithFile(lab, `${base}check: tcp\n`, {
    SERVICE: "AccountService",
    PORTS: `rest:${port}`,
  });
  await untilRegistered(at.sidecar);
  const caller = new ServiceCenterCaller(registry.url);
  const status = async () => (await caller.find("AccountService"))[0]?.status;
  const becomes = (wanted: string) =>
    until(async () => await status() === wanted ? true : undefined, `the status ${wanted}`);
  assertEquals(await status(), "UP");
  await at.change(`${base}check: http:/bad\n`, reloaded("check"));
  await becomes("DOWN");
  await at.change(`${base}check: http:/good\n`, /the application is down/);
  await becomes("UP");
});

processStory("reload of discovery.poll, new instances are seen at the new pace", async (lab) => {
  const registry = await startRegistry(lab);
  const base = `registry: ${registry.url}\n`;
  const at = await startWithFile(lab, `${base}discovery: { poll: 1h }\n`, {});
  const caller = new ServiceCenterCaller(registry.url);
  const service = await caller.service("AccountService");
  const ports = [1, 2].map(() => serveApp(lab, () => new Response("ok")));
  await caller.instance(service, [`rest://127.0.0.1:${ports[0]}`]);
  assertEquals((await callOnce(at.sidecar.outbound, "http://AccountService/")).status, 200);
  await caller.instance(service, [`rest://127.0.0.1:${ports[1]}`]);
  await at.change(`${base}discovery: { poll: 200ms }\n`, reloaded("discovery.poll"));
  await until(
    async () => (await endpointsOf(at.sidecar, "AccountService")).length === 2 ? true : undefined,
    "both instances",
  );
});
