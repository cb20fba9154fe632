/** The sidecar as a whole, as the admin API shows it: status, leases, connections, snapshots. */
import { formatAddress, formatHostPort } from "../../core/address.ts";
import type {
  ConnectionsView,
  LeaseView,
  SnapshotsView,
  StatusView,
} from "../../control/api/shapes/state.ts";
import { blockBase, slot, threadSlot } from "../../plane/counters.ts";
import { realClock } from "../../platform/real_clock.ts";
import { commit, version } from "../build_info.ts";
import type { Sidecar } from "../sidecar.ts";

/** The part of the status that does not change from second to second. */
export function steadyStatus(sidecar: Sidecar): Omit<StatusView, "uptimeMs"> {
  const { config, supervisor, chosen, discovery: { cache }, insight } = sidecar;
  const address = (role: "outbound" | "inbound") => {
    const bound = supervisor.address(role);
    return bound === undefined ? undefined : formatAddress(bound);
  };
  const { reachable, lastAnswerAtMs, lastError } = cache.contact;
  const admin = sidecar.adminAddress;
  return {
    version,
    commit,
    service: config.service,
    app: config.app,
    environment: config.environment,
    serviceVersion: config.version,
    startedAt: insight.wallOf(sidecar.startedAtMs),
    net: supervisor.net,
    threads: supervisor.threads,
    threadsReplaced: supervisor.replaced,
    outbound: address("outbound"),
    inbound: address("inbound"),
    admin: admin === undefined ? undefined : formatAddress(admin),
    registry: {
      kind: chosen.backend.kind,
      address: chosen.backend.address,
      servedHere: chosen.host?.address !== undefined,
      reachable,
      lastAnswerAt: lastAnswerAtMs === undefined ? undefined : insight.wallOf(lastAnswerAtMs),
      lastError,
    },
    draining: sidecar.draining,
    refusedReloads: sidecar.refusedReloads,
    revision: sidecar.revision,
  };
}

export function status(sidecar: Sidecar): StatusView {
  const steady = steadyStatus(sidecar);
  const { own, discovery: { cache: { contact } } } = sidecar;
  const lastAnswerAgoMs = contact.lastAnswerAtMs === undefined
    ? undefined
    : Math.round(realClock.now() - contact.lastAnswerAtMs);
  const { watch } = contact;
  return {
    ...steady,
    registry: {
      ...steady.registry,
      lastAnswerAgoMs,
      ...(watch === undefined ? {} : {
        watch: {
          connected: watch.connected,
          ...(watch.sinceMs === undefined
            ? {}
            : { sinceMs: Math.round(realClock.now() - watch.sinceMs) }),
          ...(watch.why === undefined ? {} : { why: watch.why }),
        },
      }),
    },
    uptimeMs: Math.round(realClock.now() - sidecar.startedAtMs),
    application: own && { ...own.poller.snapshot(), advertised: own.advertised },
    registration: own?.registration?.state,
  };
}

/** Shape: empty for a consumer without a name and for a registry that takes no registrations. */
export function leases(sidecar: Sidecar): readonly LeaseView[] {
  const { config, own } = sidecar;
  const registration = own?.registration?.state;
  if (own === undefined || registration === undefined) return [];
  const { state, lease, status, lastHeartbeatAtMs, lastError } = registration;
  return [{
    service: config.service ?? "",
    app: config.app,
    version: config.version,
    environment: config.environment,
    state,
    status,
    serviceId: lease?.serviceId,
    instanceId: lease?.instanceId,
    heartbeatAgeMs: lastHeartbeatAtMs === undefined
      ? undefined
      : Math.round(realClock.now() - lastHeartbeatAtMs),
    advertised: formatHostPort(own.advertised.host, own.advertised.port),
    lastError,
  }];
}

export function connections(sidecar: Sidecar): ConnectionsView {
  const { supervisor, blocks } = sidecar;
  const sum = (index: number) => supervisor.counter(index);
  return {
    clients: {
      accepted: sum(threadSlot.clientsAccepted),
      open: sum(threadSlot.clientsOpen),
      inboundOpen: sum(threadSlot.inboundOpen),
      acceptPauses: sum(threadSlot.acceptPauses),
    },
    upstreams: {
      dialled: sum(threadSlot.upstreamsDialled),
      idle: sum(threadSlot.upstreamsIdle),
    },
    tunnels: { open: sum(threadSlot.tunnelsOpen), splicedBytes: sum(threadSlot.splicedBytes) },
    threads: Array.from({ length: supervisor.threads }, (_, thread) => {
      const of = (index: number) => supervisor.read(thread, index) ?? 0;
      return {
        thread,
        clientsOpen: of(threadSlot.clientsOpen),
        upstreamsIdle: of(threadSlot.upstreamsIdle),
        tunnelsOpen: of(threadSlot.tunnelsOpen),
        loopTurns: of(threadSlot.loopTurns),
      };
    }),
    services: blocks.entries().flatMap(({ block, direction, service }) => {
      const requestsOpen = sum(blockBase(block) + slot.open);
      const requestsQueued = sum(blockBase(block) + slot.queued);
      if (requestsOpen === 0 && requestsQueued === 0) return [];
      return [{ direction, service, requestsOpen, requestsQueued }];
    }),
  };
}

export function snapshots(sidecar: Sidecar): SnapshotsView {
  const { discovery: { cache, feed, diskState }, revision, insight } = sidecar;
  return {
    ...(diskState === undefined ? {} : { disk: diskState }),
    policy: { revision, acknowledged: [...insight.acknowledged] },
    services: cache.views().map((view) => ({
      service: view.service,
      source: view.source,
      ageMs: Math.round(view.ageMs),
      instances: view.instances.length,
      kept: view.keptIds.length,
      endpoints: feed.clusters.get(view.service)?.endpoints.length ?? 0,
      lastError: view.lastError,
    })),
  };
}
