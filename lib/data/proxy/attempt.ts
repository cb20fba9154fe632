/** One attempt: a connection from the pool or a new one, the request on it, its answer seen through. */
import { MeshError } from "../../core/errors.ts";
import { slot } from "../../plane/counters.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { FAILED } from "../net/socket.ts";
import { awaitAnswer } from "./await_answer.ts";
import type { Client } from "./client.ts";
import { sendAll } from "./send.ts";
import { Upload } from "./upload.ts";
import {
  closedEarly,
  dialInOrder,
  dialUpstream,
  releaseUpstream,
  type Upstream,
} from "./upstream.ts";

/**
 * Carries the composed request to an endpoint.
 *
 * Shape: false when the answer was thrown away because another endpoint may give a better one. Errors: MeshError.
 */
export async function attempt(
  client: Client,
  endpoint: EndpointState<Upstream>,
): Promise<boolean> {
  const { context, exchange: state } = client;
  state.attempts++;
  state.endpoint = endpoint;
  state.unsentByPeer = false;
  state.attemptAtMs = context.net.now();
  context.count(state.block, slot.attempts);
  const { cluster } = state.plan;
  state.ticket = cluster.begin(endpoint, state.attemptAtMs);
  const { trail } = state;
  if (trail !== undefined) {
    const spanId = trail.trace?.nextAttempt(state.writer!.bytes, context.random);
    trail.attemptBegun(endpoint.key, { nowMs: state.attemptAtMs, spanId });
  }
  try {
    const pooled = endpoint.idle.take();
    if (pooled === undefined) return await carry(client, await dial(client, endpoint));
    try {
      return await carry(client, pooled);
    } catch (error) {
      if (!diedInPool(client, pooled, error)) throw error;
    }
    // The connection had ended in the pool; a request that may be sent again goes out once more at once.
    await state.upload?.stop();
    state.upload = undefined;
    context.count(state.block, slot.resends);
    return await carry(client, await dialUpstream(context, endpoint, timeLeft(client)));
  } finally {
    endpoint.end();
    trail?.attemptEnded(context.net.now());
  }
}

/** What is left of the time for the response head. Units: milliseconds. */
export function timeLeft({ context, exchange: state }: Client): number {
  return state.answerFromMs + state.plan.responseMs - context.net.now();
}

/** How long the head of this attempt's answer is waited for, from now on. Units: milliseconds. */
export function attemptMs(client: Client): number {
  const { perTryMs } = client.exchange.plan.retry;
  const left = Math.max(1, timeLeft(client));
  return perTryMs === 0 ? left : Math.min(left, perTryMs);
}

/** A new connection: to the endpoint, or for a host outside to whichever of its addresses answers. */
function dial(client: Client, endpoint: EndpointState<Upstream>): Promise<Upstream> {
  const { context, exchange: state } = client;
  const { cluster, scope } = state.plan;
  if (scope !== "outside" || cluster.endpoints.length < 2) {
    return dialUpstream(context, endpoint, timeLeft(client));
  }
  const others = cluster.endpoints.filter((each) =>
    each !== endpoint && !state.tried?.includes(each)
  );
  return dialInOrder(context, cluster, [endpoint, ...others]);
}

function diedInPool(client: Client, upstream: Upstream, error: unknown): boolean {
  const { exchange: state } = client;
  return error instanceof MeshError && error.code === "reset" && !client.responding &&
    !upstream.answered && state.replayable && (state.idempotent || !error.reachedUpstream);
}

/** Sends the request on a connection and sees its answer through. Errors: MeshError. */
async function carry(client: Client, upstream: Upstream): Promise<boolean> {
  let done = false;
  try {
    const sending = send(client, upstream);
    if (sending !== undefined) await sending;
    const end = await awaitAnswer(client, upstream);
    done = true;
    releaseUpstream(client.context, upstream, end === "reusable");
    return end !== "refused";
  } finally {
    if (!done) upstream.socket.close();
  }
}

/** Sends head and kept body, and starts the rest of the body on its way. Errors: MeshError reset. */
function send(client: Client, upstream: Upstream): Promise<void> | undefined {
  const writer = client.exchange.writer!;
  client.awaiting = upstream.socket;
  upstream.answered = false;
  const first = upstream.socket.tryWrite(writer.bytes, 0, writer.length);
  if (first === writer.length) return startUpload(client, upstream);
  // Only where the very first bytes were not taken it is sure that nothing was sent.
  if (first === FAILED) throw closedEarly(upstream, false);
  const sent = sendAll(upstream.socket, writer.bytes, {
    from: Math.max(0, first),
    to: writer.length,
    idleMs: client.context.policy.timeouts.bodyIdleMs,
  });
  if (sent === false) throw closedEarly(upstream, true);
  if (sent === true) return startUpload(client, upstream);
  return sent.then((whole) => {
    if (!whole) throw closedEarly(upstream, true);
    return startUpload(client, upstream);
  });
}

function startUpload(client: Client, upstream: Upstream): undefined {
  const { context, exchange: state } = client;
  state.requestSent(context);
  if (!state.bodyPending) {
    upstream.socket.expireAfter(attemptMs(client));
    return;
  }
  // What cannot be kept whole is not kept at all, and can go through the kernel.
  if (state.body!.remaining > context.policy.limits.replayBytes) state.replayable = false;
  // The time in the pool must not end the upload; the answer's own time begins when the body is whole.
  upstream.socket.expireAfter(Infinity);
  state.upload = new Upload(client, upstream, state.body!);
}
