/** Looks at what is around a sidecar: registry, clock, names of hosts, application, what this host gives. */
import { type Address, formatAddress, isIpLiteral } from "../../core/address.ts";
import type { Clock, Fetch, Probe } from "../../core/ports.ts";
import { checkSpecs } from "../../config/app_checks.ts";
import type { Config } from "../../config/schema.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { HealthSnapshot } from "../../control/health/poller.ts";
import type { KeepAliveFound, KeepAliveTarget } from "../../platform/keep_alive_probe.ts";
import { type ApplicationFacts, judgeApplication, judgeKeepAlive } from "./application_check.ts";
import { problem, skipped, wordsOf } from "./diagnosis.ts";
import { checkDns } from "./dns_check.ts";
import { judgeDescriptors } from "./host_check.ts";
import { askRegistry, judgeClock, judgeRegistry, type RegistryAnswer } from "./registry_check.ts";

/** What the doctor reaches out with. */
export interface DoctorEffects {
  readonly clock: Clock;
  /** Trusts what the registry's client trusts. */
  readonly fetch: Fetch;
  readonly probe: Probe;
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly keepAlive: (target: KeepAliveTarget, holdMs: number) => Promise<KeepAliveFound>;
  /** Shape: why it is not possible, or undefined. */
  readonly tryToWrite: (folder: string) => Promise<string | undefined>;
  readonly descriptors: () => {
    readonly open: number | undefined;
    readonly most: number | undefined;
  };
}

/** Units: milliseconds. */
const probeMs = 1000;
const longestHoldMs = 4000;

/** A failure of one look must not hide the others. Shape: never rejects. */
export async function look(
  check: string,
  how: () => Promise<readonly Diagnosis[]>,
): Promise<readonly Diagnosis[]> {
  try {
    return await how();
  } catch (error) {
    return [skipped(check, `this look failed: ${wordsOf(error)}`)];
  }
}

/** The addresses of a registry that is a server. Shape: undefined for a file. */
export function registryAddresses(config: Config): readonly string[] | undefined {
  switch (config.registry.kind) {
    case "servicecenter":
      return config.registry.urls;
    case "file":
      return undefined;
    case "auto":
    case "embedded":
      return [`http://${formatAddress(loopbackOf(config.registryListen))}`];
  }
}

function loopbackOf(address: Config["registryListen"]): Address {
  return address.host === "0.0.0.0" || address.host === "::"
    ? { ...address, host: "127.0.0.1" }
    : address;
}

/** Asks the registry. Shape: never rejects. */
export async function lookAtRegistry(
  addresses: readonly string[],
  effects: DoctorEffects,
): Promise<readonly Diagnosis[]> {
  return await look("registry", async () => {
    const answers: readonly RegistryAnswer[] = await askRegistry(addresses, effects);
    return [...judgeRegistry(answers), judgeClock(answers)];
  });
}

/** Shape: never rejects. Host names of the configuration that have to become addresses, or at least the own one. */
export async function lookAtDns(
  config: Config,
  addresses: readonly string[],
  effects: DoctorEffects,
): Promise<readonly Diagnosis[]> {
  const urls = [...addresses, config.tracing.endpoint].filter((url) => URL.canParse(url));
  const hosts = urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ""));
  if (config.advertise?.host !== undefined) hosts.push(config.advertise.host);
  const names = [...new Set(hosts)].filter((host) => host !== "" && !isIpLiteral(host));
  return await look("dns", () => checkDns(names.length > 0 ? names : ["localhost"], effects));
}

/** Shape: never rejects. `health`: what the sidecar's own checks say, where one runs. */
export async function lookAtApplication(
  config: Config,
  effects: DoctorEffects,
  health?: HealthSnapshot,
): Promise<readonly Diagnosis[]> {
  return await look("application", async () => {
    const ports = await openPorts(config, effects);
    return judgeApplication({ service: config.service, ports, health });
  });
}

/** The application's ports, each with whether something listens there. */
async function openPorts(
  { ports }: Config,
  { probe }: DoctorEffects,
): Promise<ApplicationFacts["ports"]> {
  return await Promise.all(
    ports.map(async (one) => ({ ...one, open: await probe("127.0.0.1", one.port, probeMs) })),
  );
}

/** Shape: never rejects. */
export async function lookAtKeepAlive(
  config: Config,
  { keepAlive }: DoctorEffects,
): Promise<readonly Diagnosis[]> {
  if (config.service === undefined) return [];
  return await look("keep-alive", async () => {
    const { poolIdleMs } = config.timeouts;
    // Only what is asked all the time anyway may be asked once more.
    const spec = checkSpecs(config.check, config.ports).find((one) => one.type === "http");
    const found = spec === undefined ? undefined : await keepAlive(
      { host: spec.host ?? "127.0.0.1", port: spec.port, path: spec.path },
      Math.min(poolIdleMs + 200, longestHoldMs),
    );
    return [judgeKeepAlive(found, { poolIdleMs })];
  });
}

/** Shape: never rejects. `chosen`: whether somebody has set limits.connections. */
export async function lookAtDescriptors(
  config: Config,
  { descriptors }: DoctorEffects,
  { chosen, own }: { readonly chosen: boolean; readonly own: boolean },
): Promise<readonly Diagnosis[]> {
  return await look("file descriptors", () => {
    const { open, most } = descriptors();
    const { connections } = config.limits;
    return Promise.resolve([
      judgeDescriptors({ open: own ? open : undefined, most, connections, chosen }),
    ]);
  });
}

/** A port of the sidecar's that it would have to take. Shape: pure; nothing for one that is free. */
export function judgeListener(
  key: string,
  { address, taken }: { readonly address: Address; readonly taken: string | undefined },
): readonly Diagnosis[] {
  if (taken === undefined) return [];
  return [problem(
    "listeners",
    `${key} ${formatAddress(address)} cannot be listened on: ${taken}`,
    `end that program, or set MESHER_${key.toUpperCase()} to another port (port 0: any free one)`,
  )];
}
