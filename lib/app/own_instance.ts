/** The own application as the registry sees it: its checks, its record, its lease. */
import { type Address, formatEndpoint } from "../core/address.ts";
import { type LocalPort, MESHER_PROPERTY } from "../core/types.ts";
import { checkSpecs } from "../config/app_checks.ts";
import type { Config } from "../config/schema.ts";
import { HealthPoller } from "../control/health/poller.ts";
import { OwnRegistration } from "../control/registry/registration.ts";
import type { Registrar, Registration } from "../control/registry/registry.ts";
import { runAppCheck } from "../platform/app_check.ts";
import { hostAddress } from "../platform/host_address.ts";
import type { QueuedLogger } from "../platform/logger.ts";
import { realClock } from "../platform/real_clock.ts";
import { readTextFolder } from "../platform/text_folder.ts";
import { isSchemaFile, schemasFrom } from "./schemas.ts";

export interface OwnInstance {
  /** Another one after the checks were changed. */
  readonly poller: HealthPoller;
  readonly registration: OwnRegistration | undefined;
  /** Where peers are told to call. */
  readonly advertised: { readonly host: string; readonly port: number };
  /** Takes over other checks or times of them; what is registered stays until they have a verdict. */
  setChecks(config: Config): void;
}

export interface OwnInstanceOptions {
  /** Inbound listener as it is bound. */
  readonly inbound: Address;
  readonly hostName: string;
  readonly registrar: Registrar | undefined;
  readonly logger: QueuedLogger;
}

/**
 * Starts the checks of the application; its registration begins with the first verdict "up".
 *
 * Errors: Error when the folder of schemas holds something that no registry takes.
 */
export async function startOwnInstance(
  config: Config,
  { inbound, hostName, registrar, logger }: OwnInstanceOptions,
): Promise<OwnInstance> {
  const advertised = advertisedAddress(config, inbound);
  const registration = registrar === undefined ? undefined : new OwnRegistration({
    registrar,
    registration: await describe(config, { advertised, hostName }),
    clock: realClock,
    random: Math.random,
    logger,
  });
  const startPoller = ({ check, health, ports }: Config) => {
    const poller = new HealthPoller({
      checks: checkSpecs(check, ports),
      policy: {
        intervalMs: health.intervalMs,
        timeoutMs: health.timeoutMs,
        rise: health.rise,
        fall: health.fall,
      },
      changed: ({ verdict }) => {
        if (verdict !== "unknown") registration?.report(verdict === "up" ? "UP" : "DOWN");
      },
    }, { clock: realClock, random: Math.random, runCheck: runAppCheck, logger });
    poller.start();
    return poller;
  };
  let poller = startPoller(config);
  let present = checkKeys(config);
  return {
    get poller() {
      return poller;
    },
    registration,
    advertised,
    setChecks(config) {
      if (checkKeys(config) === present) return;
      present = checkKeys(config);
      const old = poller;
      poller = startPoller(config);
      void old.close();
    },
  };
}

/** Tells whether checks have changed. */
function checkKeys({ check, health }: Config): string {
  return JSON.stringify([check, health]);
}

function advertisedAddress(config: Config, inbound: Address): { host: string; port: number } {
  const bound = "port" in inbound ? inbound : { host: "127.0.0.1", port: 0 };
  const everywhere = bound.host === "0.0.0.0" || bound.host === "::";
  return {
    host: config.advertise?.host ?? (everywhere ? hostAddress() ?? "127.0.0.1" : bound.host),
    port: config.advertise?.port ?? bound.port,
  };
}

async function describe(
  config: Config,
  { advertised, hostName }: { advertised: { host: string; port: number }; hostName: string },
): Promise<Omit<Registration, "status">> {
  const key = {
    environment: config.environment,
    app: config.app,
    name: config.service!,
    version: config.version,
  };
  const endpoints = endpointsOf(config.ports, advertised);
  const schemas = config.schemas === undefined
    ? undefined
    : await schemasFrom(await readTextFolder(config.schemas, isSchemaFile));
  return {
    key,
    ...(schemas === undefined ? {} : { schemas }),
    // The same place comes back under the same id, so a restart leaves no second record behind.
    instanceId: await digest([hostName, ...Object.values(key), ...endpoints].join(" ")),
    hostName,
    endpoints,
    ports: config.ports,
    properties: { ...config.properties, [MESHER_PROPERTY]: "1" },
    ...(config.region === undefined ? {} : { region: config.region }),
    ...(config.zone === undefined ? {} : { zone: config.zone }),
    lease: { intervalMs: heartbeatMs(config), times: config.heartbeat.times },
  };
}

/**
 * The endpoint of each named port.
 *
 * Shape: HTTP ports, `rest` and `rest-something`, are those of this sidecar; ports of other protocols, which it does not
 * carry, are the application's own under the same host.
 */
export function endpointsOf(
  ports: readonly LocalPort[],
  advertised: { readonly host: string; readonly port: number },
): readonly string[] {
  return ports.map(({ protocol, port }) => {
    const carried = protocol === "rest" || protocol.startsWith("rest-");
    return formatEndpoint({
      protocol,
      host: advertised.host,
      port: carried ? advertised.port : port,
      secure: false,
    });
  });
}

/**
 * On a host that serves its own registry a heartbeat costs next to nothing, and it is how the others notice that the
 * registry has moved to another sidecar and lacks them.
 */
function heartbeatMs({ heartbeat, registry }: Config): number {
  return registry.kind === "auto" ? Math.min(heartbeat.intervalMs, 5000) : heartbeat.intervalMs;
}

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
