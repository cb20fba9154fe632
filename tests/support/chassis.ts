/** Real chassis programs as processes: providers that register themselves, consumers that the test makes call. */
import { assertEquals } from "@test/assert";
import type { Peer } from "./chassis_build.ts";
import { type Lab, type Process, until } from "./process.ts";
import { pickPort } from "./ports.ts";
import { newFolder } from "./process_mesher.ts";
import { processStory } from "./process_story.ts";

/** A virtual machine takes half a minute to start on a busy host. Units: milliseconds. */
const startMs = 90_000;

/** What every provider of these tests answers. */
export interface Told {
  readonly by: string;
  readonly method: string;
  readonly who: string;
  readonly query: string;
  readonly body: string;
  /** The caller's `x-cse-context` as it arrived. */
  readonly context: string;
  readonly host: string;
}

/** Registers a test that needs chassis programs; it is ignored where they cannot be had. */
export function chassisStory(
  name: string,
  peers: readonly Peer[],
  fn: (lab: Lab) => Promise<void>,
): void {
  if (peers.every((peer) => peer.kind === "ready")) return processStory(name, fn);
  Deno.test({ name, ignore: true, fn: () => {} });
}

/** A registry, or the relay in front of it. */
export interface RegistryAccess {
  readonly url: string;
  /** Where the test looks for itself; unset: the same. */
  readonly direct?: string;
}

export interface ChassisOptions {
  readonly peer: Peer;
  readonly registry: RegistryAccess;
  readonly service: string;
  /** What it calls itself in answers; unset: its service. */
  readonly name?: string;
  /** Its application; unset: `default`. */
  readonly app?: string;
  /** How a consumer learns of changes; unset: it asks every other second. */
  readonly follows?: "watch";
  /** go-chassis only: heartbeats over a web socket, or plain ones. */
  readonly heartbeat?: "ping-pong" | "non-keep-alive";
}

export interface Provider {
  readonly process: Process;
  readonly name: string;
  readonly port: number;
}

export interface Consumer {
  readonly process: Process;
  /** Makes the program call a service through its framework. Shape: the status and what the provider told. */
  call(
    url: string,
    options?: { readonly method?: string; readonly body?: string },
  ): Promise<Called>;
}

export interface Called {
  readonly status: number;
  readonly text: string;
  readonly told: Told | undefined;
}

/** Starts a go-chassis provider and waits until the registry lists it. */
export async function startGoProvider(lab: Lab, options: ChassisOptions): Promise<Provider> {
  const { service, name = service } = options;
  const port = pickPort();
  const home = await goHome(lab, options, [
    `  protocols:`,
    `    rest: {listenAddress: "127.0.0.1:${port}", advertiseAddress: "127.0.0.1:${port}"}`,
  ]);
  const process = lab.start(name, [`${folderOf(options.peer)}/bin/provider`], {
    cwd: home,
    env: { CHASSIS_HOME: home, PEER_NAME: name },
  });
  await untilListed(process, { ...options, port });
  return { process, name, port };
}

/** Starts a go-chassis consumer; it registers its service but no instance, since it serves nothing. */
export async function startGoConsumer(lab: Lab, options: ChassisOptions): Promise<Consumer> {
  const { service, name = service } = options;
  const control = pickPort();
  const home = await goHome(lab, options, []);
  const process = lab.start(name, [`${folderOf(options.peer)}/bin/consumer`], {
    cwd: home,
    env: { CHASSIS_HOME: home, PEER_CONTROL: `127.0.0.1:${control}` },
  });
  await untilOpen(process, control);
  return consumerAt(process, control);
}

async function goHome(
  lab: Lab,
  { registry, service, app = "default", follows, heartbeat = "non-keep-alive" }: ChassisOptions,
  protocols: readonly string[],
): Promise<string> {
  const home = newFolder(lab);
  await Deno.mkdir(`${home}/conf`);
  const lines = [
    `servicecomb:`,
    `  registry:`,
    `    type: servicecenter`,
    `    address: "${registry.url}"`,
    `    refreshInterval: ${follows === "watch" ? "1h" : "2s"}`,
    `    watch: ${follows === "watch"}`,
    // The shortest that it takes.
    `    heartbeat: {interval: 10s, mode: "${heartbeat}"}`,
    ...protocols,
  ];
  await Deno.writeTextFile(`${home}/conf/chassis.yaml`, `${lines.join("\n")}\n`);
  await Deno.writeTextFile(
    `${home}/conf/microservice.yaml`,
    `servicecomb:\n  service: {name: ${service}, version: 1.0.0, app: ${app}}\n`,
  );
  return home;
}

/** Starts a java-chassis program, which is provider and consumer in one, and waits until both ends work. */
export async function startJava(
  lab: Lab,
  options: ChassisOptions,
): Promise<Provider & Consumer> {
  const { registry, service, name = service, app = "default", follows } = options;
  const port = pickPort();
  const control = pickPort();
  const folder = folderOf(options.peer);
  const home = newFolder(lab);
  await Deno.writeTextFile(
    `${home}/application.yml`,
    [
      `servicecomb:`,
      `  service:`,
      `    application: ${app}`,
      `    name: ${service}`,
      `    version: 1.0.0`,
      `    registry:`,
      `      address: "${registry.url}"`,
      `      instance:`,
      `        healthCheck: {interval: 5, times: 3}`,
      `        pull: {interval: ${follows === "watch" ? 3600 : 2}}`,
      `        watch: ${follows === "watch"}`,
      `  rest: {address: "127.0.0.1:${port}"}`,
      // Without it calls are refused from the moment when the program is told to end.
      `  boot: {turnDown: {waitInSeconds: 3}}`,
      ``,
    ].join("\n"),
  );
  const process = lab.start(name, [
    "java",
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-cp",
    `${home}:${folder}/classes:${folder}/lib/*`,
    "peer.App",
  ], { cwd: home, env: { PEER_NAME: name, PEER_CONTROL: `127.0.0.1:${control}` } });
  // It listens long before it is ready, and says so with another status.
  await untilListed(process, { ...options, port });
  await untilOpen(process, control);
  return { name, port, ...consumerAt(process, control) };
}

function consumerAt(process: Process, control: number): Consumer {
  return {
    process,
    async call(url, { method = "GET", body } = {}) {
      const response = await fetch(
        `http://127.0.0.1:${control}/call?url=${encodeURIComponent(url)}`,
        { method, ...(body === undefined ? {} : { body }) },
      );
      const text = await response.text();
      const told = response.status === 200 ? JSON.parse(text) as Told : undefined;
      return { status: response.status, text, told };
    },
  };
}

function folderOf(peer: Peer): string {
  if (peer.kind === "missing") throw new Error(`there is no ${peer.name}: ${peer.reason}`);
  return peer.folder;
}

async function untilListed(
  process: Process,
  options: ChassisOptions & { readonly port: number },
): Promise<void> {
  const { registry, app = "default", service, port } = options;
  const path = `/v4/default/registry/instances?appId=${app}&serviceName=${service}&noCache=1`;
  await untilAlive(process, "be listed by the registry", async () => {
    const response = await fetch(`${registry.direct ?? registry.url}${path}`);
    // It lists the endpoints as it was given them, so the text is enough.
    if (!(await response.text()).includes(`"rest://127.0.0.1:${port}`)) return false;
    return await opens(port);
  });
}

async function untilOpen(process: Process, port: number): Promise<void> {
  await untilAlive(process, `listen on ${port}`, () => opens(port));
}

async function untilAlive(
  process: Process,
  what: string,
  look: () => Promise<boolean>,
): Promise<void> {
  const over = await until(
    async () => process.ended ? "ended" : await look() ? "so" : undefined,
    `${process.name} to ${what}`,
    startMs,
  );
  assertEquals(over, "so", `${process.name} ended: ${(await process.output()).slice(-2000)}`);
}

async function opens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
