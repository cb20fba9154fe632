/** What the admin API shows of a running sidecar. */
import { formatAddress } from "../core/address.ts";
import { toPublicForm } from "../config/print.ts";
import type { AdminView, Readiness } from "../control/api/admin.ts";
import { type Gauge, prometheusText } from "../control/telemetry/prometheus.ts";
import { realClock } from "../platform/real_clock.ts";
import { version } from "./build_info.ts";
import type { Sidecar } from "./sidecar.ts";

export function adminView(sidecar: Sidecar): AdminView {
  return {
    get token() {
      return sidecar.config.adminToken;
    },
    readiness: () => readiness(sidecar),
    metrics: () =>
      prometheusText({
        blocks: sidecar.blocks,
        counter: (slot) => sidecar.supervisor.counter(slot),
        gauges: gauges(sidecar),
      }),
    services: () => services(sidecar),
    status: () => status(sidecar),
    configuration: () => toPublicForm(sidecar.config),
  };
}

/** Ready to serve calls: not draining, and something to serve them with. */
export function readiness(sidecar: Sidecar): Readiness {
  const reasons: string[] = [];
  const notes: string[] = [];
  const { contact } = sidecar.cache;
  const stale = sidecar.cache.views().filter((view) => view.source === "disk");
  if (sidecar.draining) reasons.push("the sidecar drains");
  if (contact.reachable !== true) {
    const why = contact.lastError ?? "it has not answered yet";
    const line = `the registry cannot be reached: ${why}`;
    if (contact.lastAnswerAtMs === undefined && stale.length === 0) reasons.push(line);
    else notes.push(line);
  }
  if (stale.length > 0) notes.push(`${stale.length} services are known from disk only`);
  const registration = sidecar.own?.registration?.state;
  if (registration !== undefined && registration.state !== "registered") {
    notes.push(`the own instance is not registered: ${registration.state}`);
  }
  return { ready: reasons.length === 0, reasons, notes };
}

function services(sidecar: Sidecar): unknown {
  return sidecar.cache.views().map((view) => ({
    service: view.service,
    source: view.source,
    ageMs: Math.round(view.ageMs),
    lastError: view.lastError,
    endpoints: sidecar.feed.clusters.get(view.service)?.endpoints ?? [],
    unusable: sidecar.feed.clusters.get(view.service)?.unusable ?? [],
  }));
}

function status(sidecar: Sidecar): unknown {
  const { supervisor, own, chosen } = sidecar;
  const address = (role: "outbound" | "inbound") => {
    const bound = supervisor.address(role);
    return bound === undefined ? undefined : formatAddress(bound);
  };
  return {
    version,
    uptimeMs: Math.round(realClock.now() - sidecar.startedAtMs),
    net: supervisor.net,
    threads: supervisor.threads,
    threadsReplaced: supervisor.replaced,
    outbound: address("outbound"),
    inbound: address("inbound"),
    registry: {
      kind: chosen.backend.kind,
      address: chosen.backend.address,
      servedHere: chosen.host?.address !== undefined,
      ...sidecar.cache.contact,
    },
    application: own && { ...own.poller.snapshot(), advertised: own.advertised },
    registration: own?.registration?.state,
    draining: sidecar.draining,
    refusedReloads: sidecar.refusedReloads,
  };
}

function gauges(sidecar: Sidecar): readonly Gauge[] {
  const views = sidecar.cache.views();
  return [
    {
      name: "mesher_endpoints",
      help: "Endpoints that may be called, by service.",
      type: "gauge",
      values: [...sidecar.feed.clusters.values()].map((cluster) => ({
        labels: { service: cluster.service },
        value: cluster.endpoints.length,
      })),
    },
    {
      name: "mesher_discovery_age_seconds",
      help: "Since the registry last confirmed the endpoints of a service.",
      type: "gauge",
      values: views.map((view) => ({
        labels: { service: view.service, source: view.source },
        value: Math.max(0, view.ageMs / 1000),
      })),
    },
    {
      name: "mesher_registry_up",
      help: "1 when the registry answered last time.",
      type: "gauge",
      values: [{ labels: {}, value: sidecar.cache.contact.reachable === true ? 1 : 0 }],
    },
    {
      name: "mesher_registered",
      help: "1 when the own instance is in the registry.",
      type: "gauge",
      values: sidecar.own?.registration === undefined ? [] : [{
        labels: {},
        value: sidecar.own.registration.state.state === "registered" ? 1 : 0,
      }],
    },
    {
      name: "mesher_application_up",
      help: "1 when the own application passes its checks.",
      type: "gauge",
      values: sidecar.own === undefined ? [] : [{
        labels: {},
        value: sidecar.own.poller.verdict === "up" ? 1 : 0,
      }],
    },
    {
      name: "mesher_data_threads_replaced_total",
      help: "Data threads that died and were replaced.",
      type: "counter",
      values: [{ labels: {}, value: sidecar.supervisor.replaced }],
    },
    {
      name: "mesher_configuration_refused_total",
      help: "Changes of the configuration that were refused.",
      type: "counter",
      values: [{ labels: {}, value: sidecar.refusedReloads.count }],
    },
  ];
}
