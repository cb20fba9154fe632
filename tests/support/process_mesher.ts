/** mesher itself as real processes: a registry, sidecars, and what they say of their addresses. */
import type { Lab, Process } from "./process.ts";
import { until } from "./process.ts";

const mainModule = new URL("../../main.ts", import.meta.url).pathname;

/** The command line that starts mesher from the sources. */
export function mesherCommand(...args: readonly string[]): readonly string[] {
  return [Deno.execPath(), "run", "-A", "--quiet", mainModule, ...args];
}

export interface RegistryProcess {
  readonly process: Process;
  readonly port: number;
  readonly url: string;
}

/** Starts `mesher registry` and waits until it listens. `stateDir` is kept over a restart. */
export async function startRegistry(
  lab: Lab,
  options: { readonly port?: number; readonly stateDir?: string } = {},
): Promise<RegistryProcess> {
  const process = lab.start("registry", mesherCommand("registry"), {
    env: {
      MESHER_REGISTRY_LISTEN: `127.0.0.1:${options.port ?? 0}`,
      MESHER_STATE_DIR: options.stateDir ?? newFolder(lab),
    },
  });
  const line = await process.line(/the registry is up/);
  const port = portOf(line, "listen")!;
  return { process, port, url: `http://127.0.0.1:${port}` };
}

export function newFolder(lab: Lab): string {
  return Deno.makeTempDirSync({ dir: lab.folder });
}

export interface SidecarOptions {
  readonly name?: string;
  /** Variables without their MESHER_. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further variables as they are. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The program of `mesher run`. */
  readonly app?: readonly string[];
  readonly args?: readonly string[];
  readonly cwd?: string;
}

export interface SidecarProcess {
  readonly process: Process;
  readonly outbound: number;
  /** 0 where there is none. */
  readonly inbound: number;
  readonly admin: number;
  /** What an application sets as http_proxy. */
  readonly proxy: string;
}

/** Starts a sidecar on free ports and waits until it listens. */
export async function startSidecar(lab: Lab, options: SidecarOptions): Promise<SidecarProcess> {
  return await untilUp(spawnSidecar(lab, options));
}

export function spawnSidecar(lab: Lab, options: SidecarOptions): Process {
  const { name = "sidecar", env = {}, app, args = [] } = options;
  const own = {
    STATE_DIR: newFolder(lab),
    OUTBOUND: "127.0.0.1:0",
    INBOUND: "127.0.0.1:0",
    ADMIN: "127.0.0.1:0",
    ...env,
  };
  const command = app === undefined
    ? mesherCommand(...args)
    : mesherCommand("run", ...args, "--", ...app);
  return lab.start(name, command, {
    env: {
      ...options.variables,
      ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`MESHER_${key}`, value])),
    },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

export async function untilUp(process: Process): Promise<SidecarProcess> {
  const line = await process.line(/mesher is up/);
  const outbound = portOf(line, "outbound")!;
  return {
    process,
    outbound,
    inbound: portOf(line, "inbound") ?? 0,
    admin: portOf(line, "admin")!,
    proxy: `http://127.0.0.1:${outbound}`,
  };
}

/** The port of `field=host:port` in a log line. */
function portOf(line: string, field: string): number | undefined {
  const found = new RegExp(`\\b${field}=\\S*:(\\d+)(?:\\s|$)`).exec(line);
  return found === null ? undefined : Number(found[1]);
}

export async function untilRegistered(sidecar: SidecarProcess): Promise<void> {
  await sidecar.process.line(/ registered /);
}

/** Waits until the sidecar says that it can serve. */
export async function untilReady(sidecar: SidecarProcess, timeoutMs?: number): Promise<void> {
  await until(
    async () => (await adminGet(sidecar, "/readyz")).status === 200 ? true : undefined,
    `the readiness of ${sidecar.process.name}`,
    timeoutMs,
  );
}

export async function adminGet(
  { admin }: SidecarProcess,
  path: string,
): Promise<{ readonly status: number; readonly text: string; readonly type: string }> {
  const response = await fetch(`http://127.0.0.1:${admin}${path}`);
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, text: await response.text(), type };
}

/** What a sidecar believes of a service. */
export async function endpointsOf(
  sidecar: SidecarProcess,
  service: string,
): Promise<readonly number[]> {
  const services = JSON.parse((await adminGet(sidecar, "/services")).text) as {
    service: string;
    endpoints: { port: number }[];
  }[];
  const found = services.find((one) => one.service === service);
  return (found?.endpoints ?? []).map((endpoint) => endpoint.port).sort();
}

/** One value of a metric, by its name and labels exactly as they are printed. */
export async function metric(
  sidecar: SidecarProcess,
  line: string,
): Promise<number | undefined> {
  const { text } = await adminGet(sidecar, "/metrics");
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}
