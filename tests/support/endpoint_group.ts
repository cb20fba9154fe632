/** A group of endpoints with everything around it made by hand, for tests of who is picked. */
import { EndpointState } from "../../lib/data/cluster/endpoint.ts";
import { EndpointGroup, type GroupOptions } from "../../lib/data/cluster/group.ts";
import { ClusterHealth } from "../../lib/data/resilience/outlier.ts";
import { balancePolicy } from "./candidates.ts";
import type { FakeSocket } from "./fake_socket.ts";
import { changedService, defaultServicePolicy } from "./policy.ts";
import { seeded } from "./seeded.ts";

interface Connection {
  readonly socket: FakeSocket;
}
export type Endpoint = EndpointState<Connection>;

/** Three failures in a row take an endpoint out, any number of them at a time; panic below a half. */
export const { outlier } = changedService(defaultServicePolicy, {
  outlier: {
    enabled: true,
    consecutiveFailures: 3,
    maxEjectedShare: 1,
    panicShare: 0.5,
    baseEjectMs: 1000,
  },
});

export interface GroupSetUp extends Partial<GroupOptions> {
  /** A letter for each endpoint; `a` where there is none. */
  readonly zones?: string;
  readonly weights?: readonly number[];
}

/** Endpoints with ports from 1 on. */
export function groupOf(
  count: number,
  { zones = "", weights = [], ...options }: GroupSetUp = {},
) {
  const random = seeded(count);
  // Without jitter every time out is known exactly.
  const health = new ClusterHealth(options.outlier ?? outlier, () => 0.999_999);
  health.total = count;
  const group = new EndpointGroup<Connection>("", {
    balance: balancePolicy("round_robin", { slowStartMs: 0 }),
    outlier,
    place: {},
    spread: 0,
    inOrder: false,
    ...options,
  });
  const snapshot = (index: number, weight = weights[index] ?? 1) => ({
    host: "10.0.0.1",
    port: index + 1,
    instanceId: `i${index}`,
    version: "1.0.0",
    mesher: false,
    weight,
    zone: zones[index] ?? "a",
    region: "r",
  });
  const shared = { gauge: { idle: 0 }, health, counters: new Float64Array(0) };
  const endpoints = Array.from(
    { length: count },
    (_, index) => new EndpointState<Connection>(snapshot(index), shared, false),
  );
  group.setMembers(endpoints);
  const at = (nowMs: number, { stickyId = "", hash = -1 } = {}) => ({
    nowMs,
    random,
    hash,
    stickyId,
  });
  return {
    group,
    endpoints,
    snapshot,
    at,
    /** Ports picked, each attempt at an end before the next. */
    ports: (picks: number, nowMs = 0, about: { stickyId?: string; hash?: number } = {}) =>
      Array.from(
        { length: picks },
        () => group.pick(at(nowMs, about), undefined)?.snapshot.port,
      ),
    /** Fails until it is ejected, or would be but for the cap. */
    fail(endpoint: Endpoint, nowMs = 0): void {
      for (let failure = 0; failure < outlier.consecutiveFailures; failure++) {
        endpoint.health.failed(endpoint.begin(nowMs), nowMs);
        endpoint.end();
      }
      group.invalidate();
    },
  };
}

/** How often each port was picked. */
export function counted(ports: readonly (number | undefined)[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const port of ports) counts[String(port)] = (counts[String(port)] ?? 0) + 1;
  return counts;
}
