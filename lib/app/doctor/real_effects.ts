/** What the doctor reaches out with on the real system. */
import type { Config } from "../../config/schema.ts";
import { realFiles } from "../../platform/files.ts";
import { probeKeepAlive } from "../../platform/keep_alive_probe.ts";
import type { ProcessStats } from "../../platform/process_stats.ts";
import { realClock } from "../../platform/real_clock.ts";
import { createRegistryNet } from "../../platform/registry_net.ts";
import { resolveHost } from "../../platform/resolver.ts";
import { tcpProbe } from "../../platform/tcp_probe.ts";
import { tryToWrite } from "../../platform/tryouts.ts";
import { registryTrust } from "../registry_files.ts";
import type { DoctorEffects } from "./surroundings.ts";

/**
 * Opens what is needed.
 *
 * Shape: `stats` is asked at the moment of the look; `close` ends what was opened. Errors: Error for a registry
 * authority that cannot be read.
 */
export async function realEffects(
  config: Config,
  stats: () => ProcessStats,
): Promise<DoctorEffects & { readonly close: () => void }> {
  const net = createRegistryNet(await registryTrust(config, realFiles));
  return {
    clock: realClock,
    fetch: net.fetch,
    probe: tcpProbe,
    resolve: resolveHost,
    keepAlive: probeKeepAlive,
    tryToWrite,
    descriptors: () => {
      const { openFds, maxFds } = stats();
      return { open: openFds, most: maxFds };
    },
    close: () => net.close(),
  };
}
