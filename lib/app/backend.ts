/** From the configuration to the registry backend, with the registry served here where that is asked for. */
import { formatAddress } from "../core/address.ts";
import type { Files } from "../core/ports.ts";
import type { Config } from "../config/schema.ts";
import type { RegistryHost } from "../control/embedded/host.ts";
import type { RegistryBackend } from "../control/registry/registry.ts";
import { createServiceCenterBackend } from "../control/registry/service_center.ts";
import { serveHttp, upgradeSocket } from "../platform/http_server.ts";
import { realClock } from "../platform/real_clock.ts";
import { createRegistryNet } from "../platform/registry_net.ts";
import { tcpProbe } from "../platform/tcp_probe.ts";
import { version } from "./build_info.ts";
import { registryCredentials, registryTrust } from "./registry_files.ts";
import type { QueuedLogger } from "../platform/logger.ts";

export interface ChosenBackend {
  readonly backend: RegistryBackend;
  /** The registry that this process serves or would take over. */
  readonly host?: RegistryHost;
}

export interface BackendEffects {
  readonly logger: QueuedLogger;
  readonly files: Files;
  readonly hostName: string;
  /** Undefined: nothing is kept. */
  readonly stateDir: string | undefined;
}

/** Errors: AddressInUseError when `embedded:` is demanded and its port is taken; what reading YAML needs. */
export async function chooseBackend(
  config: Config,
  effects: BackendEffects,
): Promise<ChosenBackend> {
  const { logger, files } = effects;
  const choice = config.registry;
  const client = async (addresses: readonly string[]): Promise<RegistryBackend> => {
    const credentials = await registryCredentials(config, files);
    const net = createRegistryNet(await registryTrust(config, files));
    const { region, zone } = config;
    const backend = createServiceCenterBackend({
      addresses,
      fetch: net.fetch,
      probe: tcpProbe,
      clock: realClock,
      random: Math.random,
      logger,
      version,
      timeoutMs: config.discovery.timeoutMs,
      project: config.registryProject,
      domain: config.registryTenant,
      allowCrossApp: config.allowCrossApp,
      ...(config.discovery.watch ? { dial: net.dial } : {}),
      ...(region === undefined || zone === undefined ? {} : { place: { region, zone } }),
      ...(credentials === undefined ? {} : { credentials }),
    });
    return {
      ...backend,
      async close() {
        await backend.close();
        net.close();
      },
    };
  };
  switch (choice.kind) {
    case "servicecenter":
      return { backend: await client(choice.urls) };
    case "file": {
      const { createFileBackend } = await import("../control/registry/file.ts");
      const { parse } = await import("@std/yaml");
      return {
        backend: createFileBackend({
          path: choice.path,
          read: files.read,
          parse,
          clock: realClock,
          logger,
        }),
      };
    }
    case "embedded":
    case "auto": {
      const host = await registryHost(config, effects);
      if (choice.kind === "embedded") {
        const address = await host.serve();
        return { backend: await client([`http://${formatAddress(address)}`]), host };
      }
      await host.serveWhenFree();
      // Whoever serves it, it is at the same place.
      const address = host.address ?? config.registryListen;
      return { backend: await client([`http://${formatAddress(address)}`]), host };
    }
  }
}

/** Shape: nothing is served yet. The registry's code is loaded only where it may be needed. */
export async function registryHost(
  config: Config,
  effects: BackendEffects,
): Promise<RegistryHost> {
  const { RegistryHost } = await import("../control/embedded/host.ts");
  return new RegistryHost({
    address: config.registryListen,
    serve: serveHttp,
    upgrade: upgradeSocket,
    clock: realClock,
    random: Math.random,
    logger: effects.logger,
    hostName: effects.hostName,
    version,
    ...(effects.stateDir === undefined
      ? {}
      : { files: effects.files, statePath: `${effects.stateDir}/registry.json` }),
  });
}
