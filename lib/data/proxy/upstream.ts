/** A connection to an endpoint with the bytes that arrived on it. */
import { MeshError } from "../../core/errors.ts";
import { threadSlot } from "../../plane/counters.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { Inbox } from "../http1/inbox.ts";
import type { Poolable } from "../net/pool.ts";
import type { Net, Socket } from "../net/socket.ts";
import type { DataContext } from "./context.ts";

export class Upstream implements Poolable {
  readonly socket: Socket;
  readonly inbox: Inbox;
  readonly endpoint: EndpointState<Upstream>;
  /** Whether any byte of an answer to the present request has come. */
  answered = false;
  /** Whether it has waited in the pool for the present request. */
  pooled = false;

  constructor(socket: Socket, inbox: Inbox, endpoint: EndpointState<Upstream>) {
    this.socket = socket;
    this.inbox = inbox;
    this.endpoint = endpoint;
  }
}

/** Connects to an endpoint. Units: milliseconds. Errors: MeshError connect_refused, connect_timeout. */
export async function dialUpstream(
  context: DataContext,
  endpoint: EndpointState<Upstream>,
  leftMs = Infinity,
): Promise<Upstream> {
  context.counters[threadSlot.upstreamsDialled]! += 1;
  const connectMs = Math.max(1, Math.min(context.policy.timeouts.connectMs, leftMs));
  const socket = await context.net.dial(endpoint.address, connectMs);
  return new Upstream(socket, new Inbox(socket, context.scratch), endpoint);
}

/** How long a dial without a descriptor waits for one, or for a connection that comes back. Units: milliseconds. */
const descriptorWaitMs = 40;
const descriptorStepMs = 10;

/**
 * Connects; where no descriptor is left it waits a little, for one or for a connection that becomes idle, and tries
 * once more.
 *
 * Shape: `idle` gives a connection that serves as well; `gone` tells that nobody waits any more; `leftMs` bounds it all.
 * Units: milliseconds. Errors: MeshError, as `dial` gives them.
 */
export async function dialPatiently(
  net: Pick<Net, "now" | "sleep">,
  dial: (leftMs: number) => Promise<Upstream>,
  { gone, idle, leftMs }: {
    readonly idle: () => Upstream | undefined;
    readonly gone: () => boolean;
    readonly leftMs: number;
  },
): Promise<Upstream> {
  try {
    return await dial(leftMs);
  } catch (error) {
    if (!isShortage(error)) throw error;
    const beganMs = net.now();
    const endMs = beganMs + Math.min(descriptorWaitMs, leftMs);
    // The last step may not take what is left for the second try.
    while (net.now() + descriptorStepMs <= endMs) {
      await net.sleep(descriptorStepMs);
      if (gone()) throw error;
      const found = idle();
      if (found !== undefined) return found;
    }
    const waitedMs = net.now() - beganMs;
    if (waitedMs === 0 || waitedMs >= leftMs) throw error;
    return await dial(leftMs - waitedMs);
  }
}

/** Whether a dial failed for want of a descriptor. */
function isShortage(error: unknown): boolean {
  return error instanceof MeshError && error.code === "concurrency_limit";
}

/** How long one address of a host is waited for before the next is tried beside it. Units: milliseconds. */
const staggerMs = 250;

/**
 * Connects to the first of a host's addresses that answers: in their order, each begun when the one before has failed
 * or is slow.
 *
 * Errors: MeshError of the first one when all have failed. Source: the idea of RFC 8305.
 */
export async function dialInOrder(
  context: DataContext,
  cluster: Cluster<Upstream>,
  endpoints: readonly EndpointState<Upstream>[],
): Promise<Upstream> {
  const won = Promise.withResolvers<Upstream>();
  let winner: Upstream | undefined;
  let failure: unknown;
  const tryOne = async (endpoint: EndpointState<Upstream>): Promise<void> => {
    try {
      const upstream = await dialUpstream(context, endpoint);
      if (winner !== undefined) return upstream.socket.close();
      winner = upstream;
      won.resolve(upstream);
    } catch (error) {
      failure ??= error;
      if (isUnreachable(error)) passOver(context, endpoint, { cluster, error });
    }
  };
  const begun: Promise<void>[] = [];
  for (const endpoint of endpoints) {
    const one = tryOne(endpoint);
    begun.push(one);
    await Promise.race([one, context.net.sleep(staggerMs)]);
    if (winner !== undefined) return winner;
  }
  Promise.all(begun).then(() => won.reject(failure));
  return await won.promise;
}

/** Whether the endpoint is to blame for a connection that could not be had, not the own process. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof MeshError &&
    (error.code === "connect_refused" || error.code === "connect_timeout");
}

/** Keeps a connection for the next request, or closes it where it is of no more use. */
export function releaseUpstream(context: DataContext, upstream: Upstream, reusable: boolean): void {
  const { endpoint, socket } = upstream;
  const nowMs = context.net.now();
  if (
    !reusable || upstream.inbox.length > 0 || socket.hungUp || endpoint.retired ||
    endpoint.drainingUntilMs > nowMs || endpoint.unreachableUntilMs > nowMs
  ) {
    socket.close();
    return;
  }
  upstream.pooled = true;
  endpoint.idle.put(upstream, context.policy.timeouts.poolIdleMs);
}

/** Passes an endpoint over for a while that could not be connected to. Control looks after those of services. */
export function passOver(
  context: DataContext,
  endpoint: EndpointState<Upstream>,
  { cluster, error, service }: {
    readonly cluster: Cluster<Upstream>;
    readonly error: unknown;
    readonly service?: string;
  },
): void {
  const nowMs = context.net.now();
  const reason = error instanceof MeshError && error.code === "connect_timeout"
    ? "connect_timeout"
    : "connect_refused";
  cluster.passOver(endpoint, { reason, nowMs, untilMs: nowMs + context.policy.ejectMs });
  context.counters[threadSlot.endpointsEjected]! += 1;
  if (service === undefined) return;
  const { host, port } = endpoint.snapshot;
  context.directory.suspect(service, { host, port, reason });
}

/** The failure of a connection that ended before it had answered. */
export function closedEarly(upstream: Upstream, reachedUpstream: boolean): MeshError {
  const endpoint = upstream.endpoint.key;
  const how = upstream.socket.failure || "closed";
  return new MeshError("reset", `${endpoint} ended the connection before its answer (${how})`, {
    reachedUpstream,
    endpoint,
  });
}
