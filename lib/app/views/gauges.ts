/** What the metrics show besides the counters of the data threads, from the control plane's own state. */
import type { GaugeValues } from "../../control/telemetry/samples.ts";
import { realClock } from "../../platform/real_clock.ts";
import { commit, version } from "../build_info.ts";
import type { Sidecar } from "../sidecar.ts";

/** Shape: undefined where there is nothing to tell, which leaves the metric out. */
export function gauges(sidecar: Sidecar): GaugeValues {
  const { discovery: { cache, feed }, supervisor, own } = sidecar;
  const { contact } = cache;
  const registration = own?.registration?.state;
  return {
    mesher_build_info: [{
      labels: { version, commit: commit ?? "unknown", runtime: supervisor.net },
      value: 1,
    }],
    mesher_endpoints_unusable: [...feed.clusters.values()].map(({ service, unusable }) => ({
      labels: { service },
      value: unusable.length,
    })),
    mesher_discovery_age_seconds: cache.views().map(({ service, source, ageMs }) => ({
      labels: { service, source },
      value: Math.max(0, ageMs / 1000),
    })),
    mesher_registry_up: contact.reachable === true ? 1 : 0,
    mesher_registry_watch_connected: contact.watch && (contact.watch.connected ? 1 : 0),
    mesher_registry_answer_age_seconds: secondsSince(contact.lastAnswerAtMs),
    mesher_registered: registration && (registration.state === "registered" ? 1 : 0),
    mesher_heartbeat_age_seconds: secondsSince(registration?.lastHeartbeatAtMs),
    mesher_application_up: own && (own.poller.verdict === "up" ? 1 : 0),
    mesher_draining: sidecar.draining ? 1 : 0,
    mesher_data_threads: supervisor.threads,
    mesher_data_threads_replaced_total: supervisor.replaced,
    mesher_configuration_revision: sidecar.revision,
    mesher_configuration_refused_total: sidecar.refusedReloads.count,
    ...sidecar.telemetry.gauges(),
    process_start_time_seconds: sidecar.insight.wallOf(sidecar.startedAtMs) / 1000,
  };
}

function secondsSince(atMs: number | undefined): number | undefined {
  return atMs === undefined ? undefined : Math.max(0, (realClock.now() - atMs) / 1000);
}
