/** One request on its way: pick, send, await the answer, try again where that is safe, deliver. */
import { MeshError } from "../../core/errors.ts";
import { denialReasons, type RetryReason, retryReasons, slot } from "../../plane/counters.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { FAILED } from "../net/socket.ts";
import { decideRetry } from "../resilience/retry.ts";
import { awaitAnswer, clientGone } from "./await_answer.ts";
import type { Client } from "./client.ts";
import { type RequestPlan, writeRequestHead } from "./request_writer.ts";
import { sendAll } from "./send.ts";
import { composeArrivedBody, Upload } from "./upload.ts";
import {
  closedEarly,
  dialInOrder,
  dialUpstream,
  passOver,
  releaseUpstream,
  type Upstream,
} from "./upstream.ts";

export interface ExchangePlan {
  readonly cluster: Cluster<Upstream>;
  readonly request: RequestPlan;
  /** Range of path and query inside the inbox's bytes. */
  readonly path: { readonly from: number; readonly to: number };
  /** service: control can be asked for newer endpoints and probes. local: one endpoint, tried once. */
  readonly scope: "service" | "outside" | "local";
}

/**
 * Carries the request whose head was just parsed.
 *
 * Errors: MeshError; with `client.responding` set the client has part of an answer already.
 */
export async function exchange(client: Client, plan: ExchangePlan): Promise<void> {
  const { context, exchange: state } = client;
  compose(client, plan);
  plan.cluster.budget.deposit(context.policy.retry);
  for (;;) {
    const endpoint = plan.cluster.pick(context.net.now(), state.tried) ??
      await chooseAgain(client, plan);
    try {
      return await attempt(client, plan, endpoint);
    } catch (error) {
      await state.upload?.stop();
      state.upload = undefined;
      client.awaiting = undefined;
      if (!(error instanceof MeshError) || client.responding) throw error;
      const delayMs = judge(client, plan, { endpoint, error });
      if (delayMs > 0) await context.net.sleep(delayMs);
      if (client.gone()) throw clientGone(endpoint.key);
    }
  }
}

function compose(client: Client, { request, path }: ExchangePlan): void {
  const { context, exchange: state, inbox } = client;
  state.writer = context.takeWriter();
  writeRequestHead(state.writer, inbox.bytes, { head: context.request, plan: request, path });
  inbox.consume(state.headBytes);
  state.headBytes = 0;
  composeArrivedBody(client);
}

/** The endpoint of the next attempt when none is left that was not tried. Errors: MeshError no_endpoint. */
async function chooseAgain(client: Client, plan: ExchangePlan): Promise<EndpointState<Upstream>> {
  const { context, exchange: state } = client;
  const { cluster } = plan;
  let endpoint: EndpointState<Upstream> | undefined;
  if (state.tried !== undefined) {
    state.tried = undefined;
    endpoint = cluster.pick(context.net.now(), undefined);
  }
  if (
    endpoint === undefined && plan.scope === "service" &&
    await context.directory.refresh(cluster.service)
  ) {
    endpoint = cluster.pick(context.net.now(), undefined);
  }
  if (endpoint !== undefined) return endpoint;
  const why = cluster.unusable.length > 0 ? `: ${cluster.unusable.slice(0, 5).join(", ")}` : "";
  throw new MeshError("no_endpoint", `${cluster.service} has no endpoint that can be used${why}`);
}

/**
 * Decides what follows a failed attempt.
 *
 * Shape: how long to wait before the next one. Errors: the failure itself when there is to be none.
 */
function judge(
  client: Client,
  plan: ExchangePlan,
  { endpoint, error }: { endpoint: EndpointState<Upstream>; error: MeshError },
): number {
  const { context, exchange: state } = client;
  const { policy } = context;
  noteFailure(client, plan, { endpoint, error });
  if (plan.scope === "local" || !(isUpstreamFailure(error) || state.unsentByPeer)) throw error;
  state.tried = [...(state.tried ?? []), endpoint];
  const nowMs = context.net.now();
  const decision = decideRetry(policy.retry, {
    attempt: state.attempts,
    reachedUpstream: error.reachedUpstream,
    idempotent: state.idempotent,
    replayable: state.replayable,
    remainingMs: state.startedAtMs + policy.timeouts.responseMs - nowMs,
    another: plan.cluster.endpoints.length > state.tried.length,
  }, context.random());
  if (decision.kind === "stop") throw error;
  if (!plan.cluster.budget.withdraw(policy.retry, nowMs)) {
    context.count(state.block, slot.denial + denialReasons.indexOf("budget"));
    throw error;
  }
  context.count(state.block, slot.retry + retryReasons.indexOf(error.code as RetryReason));
  return decision.delayMs;
}

function isUpstreamFailure(error: MeshError): boolean {
  return error.code === "connect_refused" || error.code === "connect_timeout" ||
    error.code === "reset" || error.code === "response_timeout";
}

/** An endpoint that cannot be reached is passed over until control has found it well again. */
function noteFailure(
  client: Client,
  plan: ExchangePlan,
  { endpoint, error }: { endpoint: EndpointState<Upstream>; error: MeshError },
): void {
  if (error.code !== "connect_refused" && error.code !== "connect_timeout") return;
  const { context } = client;
  const nowMs = context.net.now();
  if (endpoint.ejectedUntil > nowMs || plan.scope === "local") return;
  passOver(context, endpoint, {
    reason: error.code,
    ...(plan.scope === "service" ? { service: plan.cluster.service } : {}),
  });
}

/** One attempt on a pooled connection or a new one. Errors: MeshError. */
async function attempt(
  client: Client,
  plan: ExchangePlan,
  endpoint: EndpointState<Upstream>,
): Promise<void> {
  const { context, exchange: state } = client;
  state.attempts++;
  state.endpoint = endpoint;
  state.unsentByPeer = false;
  context.count(state.block, slot.attempts);
  const pooled = endpoint.idle.take();
  if (pooled === undefined) return await carry(client, await dial(client, plan, endpoint));
  try {
    return await carry(client, pooled);
  } catch (error) {
    if (!diedInPool(client, pooled, error)) throw error;
  }
  // The connection had ended in the pool; a request that may be sent again goes out once more at once.
  await state.upload?.stop();
  state.upload = undefined;
  context.count(state.block, slot.resends);
  return await carry(client, await dialUpstream(context, endpoint));
}

/** A new connection: to the endpoint, or for a host outside to whichever of its addresses answers. */
function dial(
  client: Client,
  { cluster, scope }: ExchangePlan,
  endpoint: EndpointState<Upstream>,
): Promise<Upstream> {
  const { context, exchange: state } = client;
  if (scope !== "outside" || cluster.endpoints.length < 2) return dialUpstream(context, endpoint);
  const others = cluster.endpoints.filter((each) =>
    each !== endpoint && !state.tried?.includes(each)
  );
  return dialInOrder(context, [endpoint, ...others]);
}

function diedInPool(client: Client, upstream: Upstream, error: unknown): boolean {
  const { exchange: state } = client;
  return error instanceof MeshError && error.code === "reset" && !client.responding &&
    !upstream.answered && state.replayable && (state.idempotent || !error.reachedUpstream);
}

/** Sends the request on a connection and sees its answer through. Errors: MeshError. */
async function carry(client: Client, upstream: Upstream): Promise<void> {
  let done = false;
  try {
    const sending = send(client, upstream);
    if (sending !== undefined) await sending;
    const reusable = await awaitAnswer(client, upstream);
    done = true;
    releaseUpstream(client.context, upstream, reusable);
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
  const { limits, timeouts } = context.policy;
  if (!state.bodyPending) {
    upstream.socket.expireAfter(timeouts.responseMs);
    return;
  }
  // What cannot be kept whole is not kept at all, and can go through the kernel.
  if (state.body!.remaining > limits.replayBytes) state.replayable = false;
  // The time in the pool must not end the upload; the answer's own time begins when the body is whole.
  upstream.socket.expireAfter(Infinity);
  state.upload = new Upload(client, upstream, state.body!);
}
