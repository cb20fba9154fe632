/** The usual scene of interop tests: registry, a provider behind its own sidecar, and a consumer's sidecar. */
import type { Lab } from "./process.ts";
import { callOnce } from "./process_http.ts";
import {
  type RegistryProcess,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "./process_mesher.ts";
import { until } from "./process.ts";

export interface Pair {
  readonly registry: RegistryProcess;
  readonly provider: SidecarProcess;
  readonly consumer: SidecarProcess;
  /** What an unchanged client has in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts both sidecars for a program that already listens on `port` and is called AccountService. */
export async function startPair(lab: Lab, port: number): Promise<Pair> {
  const registry = await startRegistry(lab);
  const provider = await startSidecar(lab, {
    name: "provider",
    env: { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${port}` },
  });
  const consumer = await startSidecar(lab, {
    name: "consumer",
    env: { REGISTRY: registry.url },
  });
  await untilRegistered(provider);
  return { registry, provider, consumer, env: proxyVariables(consumer.proxy) };
}

export function proxyVariables(proxy: string): Readonly<Record<string, string>> {
  return {
    http_proxy: proxy,
    HTTP_PROXY: proxy,
    https_proxy: proxy,
    HTTPS_PROXY: proxy,
    no_proxy: "",
    NO_PROXY: "",
  };
}

/** Starts the origin program and waits until it answers. Shape: its port. */
export async function startOrigin(lab: Lab): Promise<number> {
  const program = new URL("./process_origin.ts", import.meta.url).pathname;
  const process = lab.start("origin", [Deno.execPath(), "run", "-A", "--quiet", program, "serve"]);
  const line = await process.line(/^origin on \d+$/);
  const port = Number(line.split(" ").at(-1));
  await until(
    () => callOnce(port, `http://127.0.0.1:${port}/hello`).catch(() => undefined),
    "the origin",
  );
  return port;
}
