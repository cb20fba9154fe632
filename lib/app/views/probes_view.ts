/** What probes and scrapers are shown of a running sidecar. */
import type { ProbesView } from "../../control/api/probes.ts";
import { render } from "../../control/telemetry/prometheus.ts";
import type { Sidecar } from "../sidecar.ts";
import { gauges } from "./gauges.ts";
import { readiness } from "./readiness.ts";

export function probesView(sidecar: Sidecar): ProbesView {
  const { config: { admin } } = sidecar;
  return {
    get token() {
      return sidecar.config.adminToken;
    },
    host: "path" in admin ? undefined : admin.host,
    hostName: sidecar.options.hostName,
    readiness: () => readiness(sidecar),
    metrics: (accept = "") =>
      render({
        blocks: sidecar.blocks,
        counter: (slot) => sidecar.supervisor.counter(slot),
        reader: sidecar.supervisor,
        clusters: sidecar.discovery.feed.clusters.values(),
        gauges: gauges(sidecar),
      }, accept),
  };
}
