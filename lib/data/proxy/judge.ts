/** What follows a failed attempt or an answer that asks to be tried elsewhere: what is noted, and whether to go on. */
import type { MeshError } from "../../core/errors.ts";
import {
  type DenialReason,
  denialReasons,
  type RetryReason,
  retryReasons,
  slot,
} from "../../plane/counters.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { asksForRetry, decideRetry } from "../resilience/retry.ts";
import { timeLeft } from "./attempt.ts";
import type { Client } from "./client.ts";
import { passOver, type Upstream } from "./upstream.ts";

/** By how much a timer may be early. Units: milliseconds. */
const coarseMs = 10;

/**
 * Decides what follows a failed attempt.
 *
 * Shape: how long to wait before the next one. Errors: the failure itself when there is to be none.
 */
export function judge(
  client: Client,
  { endpoint, error }: { endpoint: EndpointState<Upstream>; error: MeshError },
): number {
  const { exchange: state } = client;
  noteFailure(client, { endpoint, error });
  const upstreamFailed = isUpstreamFailure(error) || state.unsentByPeer;
  if (state.plan.scope === "local" || !upstreamFailed) throw error;
  state.tried = [...(state.tried ?? []), endpoint];
  const delayMs = mayRetry(client, {
    reason: retryReasons.find((reason) => reason === error.code) ?? "connect_refused",
    reachedUpstream: error.reachedUpstream,
  });
  if (delayMs < 0) throw error;
  return delayMs;
}

function isUpstreamFailure(error: MeshError): boolean {
  return error.code === "connect_refused" || error.code === "connect_timeout" ||
    error.code === "reset" || error.code === "response_timeout";
}

/** An endpoint that cannot be reached is passed over until control has found it well again. */
function noteFailure(
  client: Client,
  { endpoint, error }: { endpoint: EndpointState<Upstream>; error: MeshError },
): void {
  const { context, exchange: state } = client;
  const { cluster, scope } = state.plan;
  if (scope === "local") return;
  const nowMs = context.net.now();
  if (error.code === "client_gone" || error.code === "request_malformed") {
    return cluster.abandoned(endpoint, { ticket: state.ticket, nowMs });
  }
  // Who has hardly any time left for a connection says nothing of the endpoint.
  const waitedMs = nowMs - state.attemptAtMs;
  if (error.code === "connect_timeout" && waitedMs + coarseMs < context.policy.timeouts.connectMs) {
    return cluster.abandoned(endpoint, { ticket: state.ticket, nowMs });
  }
  cluster.failed(endpoint, { ticket: state.ticket, nowMs });
  state.ticket = 0;
  if (error.code !== "connect_refused" && error.code !== "connect_timeout") return;
  if (endpoint.unreachableUntilMs > nowMs) return;
  passOver(context, endpoint, {
    error,
    cluster,
    ...(scope === "service" ? { service: cluster.service } : {}),
  });
}

/**
 * An answer broke off after its head had gone to the client: its endpoint failed after all, unless the client left.
 *
 * Shape: at most once per request, and not where the head was a failure already.
 */
export function noteCut({ context, exchange: state }: Client, error: MeshError): void {
  const ticket = state.answeringTicket;
  state.answeringTicket = 0;
  if (ticket === 0 || state.endpoint === undefined) return;
  if (!isUpstreamFailure(error) && error.code !== "protocol_error") return;
  state.plan.cluster.cut(state.endpoint, { ticket, nowMs: context.net.now() });
}

/**
 * Whether the answer whose head was just parsed is thrown away and the request tried elsewhere.
 *
 * Shape: the pause before that in milliseconds, negative when the answer is delivered as it is.
 */
export function triedElsewhere(client: Client, { endpoint }: Upstream): number {
  const { context, exchange: state } = client;
  const { plan } = state;
  if (plan.scope !== "service" || !asksForRetry(context.response.status, plan.retry.statuses)) {
    return -1;
  }
  // The same endpoint would hardly say anything else, and so would one that fails all the time.
  const tried = [...(state.tried ?? []), endpoint];
  if (plan.group.usableCount(context.net.now(), tried) === 0) return -1;
  const before = state.tried;
  state.tried = tried;
  const delayMs = mayRetry(client, {
    reason: "status",
    reachedUpstream: true,
    retryAfterMs: state.retryAfterMs,
  });
  if (delayMs < 0) state.tried = before;
  return delayMs;
}

/** Shape: the pause before the next attempt, negative when there is to be none; either is counted. */
function mayRetry(
  client: Client,
  failed: {
    readonly reason: RetryReason;
    readonly reachedUpstream: boolean;
    readonly retryAfterMs?: number;
  },
): number {
  const { context, exchange: state } = client;
  const { plan } = state;
  const decision = decideRetry(plan.retry, {
    attempt: state.attempts,
    reachedUpstream: failed.reachedUpstream,
    idempotent: state.idempotent,
    replayable: state.replayable,
    remainingMs: timeLeft(client),
    another: plan.group.size > (state.tried?.length ?? 0),
    retryAfterMs: failed.retryAfterMs,
  }, context.random());
  if (decision.kind === "stop") return denied(client, decision.reason);
  if (!plan.cluster.budget.withdraw(plan.retry, context.net.now())) return denied(client, "budget");
  context.count(state.block, slot.retry + retryReasons.indexOf(failed.reason));
  return decision.delayMs;
}

function denied({ context, exchange: state }: Client, reason: DenialReason): number {
  context.count(state.block, slot.denial + denialReasons.indexOf(reason));
  return -1;
}
