/** One attempt: a connection from the pool or a new one, the request on it, its answer seen through. */
import type { MeshError } from "../../core/errors.ts";
import { slot } from "../../plane/counters.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { FAILED } from "../net/socket.ts";
import { type AnswerEnd, awaitAnswer } from "./await_answer.ts";
import type { Client } from "./client.ts";
import { awaitEither, mayHedge } from "./hedge.ts";
import { sendAll } from "./send.ts";
import { Upload } from "./upload.ts";
import {
  closedEarly,
  dialInOrder,
  dialPatiently,
  dialUpstream,
  releaseUpstream,
  type Upstream,
} from "./upstream.ts";

/**
 * Carries the composed request to an endpoint.
 *
 * Shape: `again` sends it once more to the endpoint whose pooled connection had died. How it ended; `endAttempt` has to
 * be called then, and also when this failed. For a host outside with several addresses it may be another one of them
 * that was used: it is in the exchange. Errors: MeshError, thrown or as a rejection.
 * Cost: no function of its own that waits where a pooled connection takes the request.
 */
export function attempt(
  client: Client,
  endpoint: EndpointState<Upstream>,
  { again }: { readonly again: boolean },
): Promise<AnswerEnd> {
  const { context, exchange: state } = client;
  const nowMs = context.net.now();
  if (!again) {
    state.attempts++;
    context.count(state.block, slot.attempts);
  }
  const pooled = again ? undefined : endpoint.idle.take() ?? idleBeside(client, endpoint);
  if (pooled !== undefined) endpoint = pooled.endpoint;
  state.endpoint = endpoint;
  state.unsentByPeer = false;
  state.attemptAtMs = nowMs;
  state.ticket = state.plan.cluster.begin(endpoint, nowMs);
  state.answeringTicket = 0;
  if (state.trail !== undefined) beginRecord(client, { endpoint, nowMs });
  state.upstream = pooled;
  if (pooled === undefined) return onNewConnection(client, endpoint, { again });
  const sending = sendComposed(client, pooled);
  if (sending === undefined) return answerOf(client, pooled);
  return sending.then(() => answerOf(client, pooled));
}

function answerOf(client: Client, upstream: Upstream): Promise<AnswerEnd> {
  return mayHedge(client) ? awaitEither(client, upstream) : awaitAnswer(client, upstream);
}

async function onNewConnection(
  client: Client,
  endpoint: EndpointState<Upstream>,
  { again }: { readonly again: boolean },
): Promise<AnswerEnd> {
  const upstream = await dial(client, endpoint, { again });
  client.exchange.upstream = upstream;
  if (upstream.endpoint !== endpoint) moveTo(client, upstream.endpoint);
  const sending = sendComposed(client, upstream);
  if (sending !== undefined) await sending;
  return await answerOf(client, upstream);
}

/** Notes an attempt for those who watch, under a span of its own. */
export function beginRecord(
  client: Client,
  { endpoint, nowMs }: { readonly endpoint: EndpointState<Upstream>; readonly nowMs: number },
): void {
  const { context, exchange: { trail, writer } } = client;
  const spanId = trail?.trace?.nextAttempt(writer!.bytes, context.random);
  trail?.attemptBegun(endpoint.key, { nowMs, spanId });
}

/** Gives the attempt's connection back, or closes it when it failed (`end` is undefined). */
export function endAttempt({ context, exchange: state }: Client, end: AnswerEnd | undefined): void {
  const { endpoint, trail, upstream } = state;
  state.upstream = undefined;
  endpoint!.end();
  trail?.attemptEnded(context.net.now());
  if (upstream === undefined) return;
  if (state.answeringTicket !== 0 && end !== undefined) endpoint!.health.whole();
  if (end === undefined) upstream.socket.close();
  else releaseUpstream(context, upstream, end === "reusable");
}

/** Whether a failed attempt met a connection that had ended in the pool, and its request may be sent once more. */
export function diedInPool(
  client: Client,
  upstream: Upstream | undefined,
  error: MeshError,
): boolean {
  const { exchange: state } = client;
  return error.code === "reset" && upstream?.pooled === true && !client.responding &&
    !upstream.answered && state.replayable && (state.idempotent || !error.reachedUpstream);
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
function dial(
  client: Client,
  endpoint: EndpointState<Upstream>,
  { again }: { readonly again: boolean },
): Promise<Upstream> {
  const { context, exchange: state } = client;
  const { cluster, scope } = state.plan;
  const inOrder = !again && scope === "outside" && cluster.endpoints.length > 1;
  return dialPatiently(
    context.net,
    (leftMs) =>
      inOrder
        ? dialInOrder(context, cluster, [endpoint, ...untriedBeside(client, endpoint)])
        : dialUpstream(context, endpoint, leftMs),
    {
      leftMs: timeLeft(client),
      gone: () => client.gone(),
      idle: () => endpoint.idle.take() ?? idleBeside(client, endpoint),
    },
  );
}

function untriedBeside(
  { exchange: { plan: { cluster }, tried } }: Client,
  endpoint: EndpointState<Upstream>,
): readonly EndpointState<Upstream>[] {
  return cluster.endpoints.filter((each) => each !== endpoint && !tried?.includes(each));
}

/** An idle connection to another address of the same host outside: as good as a new one, and there already. */
function idleBeside(
  { context, exchange: { plan: { cluster, scope }, tried } }: Client,
  endpoint: EndpointState<Upstream>,
): Upstream | undefined {
  if (scope !== "outside" || cluster.endpoints.length < 2) return undefined;
  const nowMs = context.net.now();
  for (const each of cluster.endpoints) {
    if (each === endpoint || tried?.includes(each) || !each.health.mayPick(nowMs, each.open)) {
      continue;
    }
    const idle = each.idle.take();
    if (idle !== undefined) return idle;
  }
  return undefined;
}

/** Another address of the host was sooner: the attempt is at that one now. */
function moveTo({ context, exchange: state }: Client, endpoint: EndpointState<Upstream>): void {
  const { plan: { cluster }, trail } = state;
  const nowMs = context.net.now();
  cluster.abandoned(state.endpoint!, { ticket: state.ticket, nowMs });
  state.endpoint!.end();
  trail?.attemptMoved(endpoint.key);
  state.endpoint = endpoint;
  state.ticket = cluster.begin(endpoint, nowMs);
}

/** Sends head and kept body, and starts the rest of the body on its way. Errors: MeshError reset. */
export function sendComposed(client: Client, upstream: Upstream): Promise<void> | undefined {
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
