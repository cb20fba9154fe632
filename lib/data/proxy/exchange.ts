/** One request on its way: let in, composed, picked for, attempted, tried again where that is safe. */
import { joined } from "../../core/bytes.ts";
import { MeshError } from "../../core/errors.ts";
import { slot } from "../../plane/counters.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { ascii } from "../http1/bytes.ts";
import { decideFault, type FaultDecision } from "../routing/fault.ts";
import type { Trace } from "../trace/trace.ts";
import { attempt, diedInPool, endAttempt, timeLeft } from "./attempt.ts";
import { clientGone } from "./await_answer.ts";
import type { Client } from "./client.ts";
import type { Exchange } from "./exchange_state.ts";
import { judge, noteCut } from "./judge.ts";
import type { RequestPlan } from "./plan.ts";
import { patchDeadline, writeRequestHead } from "./request_writer.ts";
import { composeArrivedBody } from "./upload.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Carries the request whose head was just parsed, as its plan says.
 *
 * Errors: MeshError; with `client.responding` set the client has part of an answer already.
 */
export async function exchange(client: Client): Promise<void> {
  const { context, exchange: state } = client;
  const { plan } = state;
  // First, for it may fail, and the parse result does not outlive a wait.
  compose(client);
  const turn = state.enter(client);
  if (turn !== undefined) {
    await turn;
    patchDeadline(state.writer!, plan, timeLeft(client));
  }
  const fault = plan.injected ?? decideFault(plan.fault, context.random);
  if (fault !== undefined) await injectFault(client, fault);
  plan.cluster.budget.deposit(plan.retry);
  for (let again = false;;) {
    const endpoint = again ? state.endpoint! : pick(client) ?? await chooseAgain(client);
    let delayMs = 0;
    try {
      const end = await attempt(client, endpoint, { again });
      endAttempt(client, end);
      if (end !== "refused") return;
      await state.upload?.stop();
      state.upload = undefined;
      again = false;
      delayMs = state.retryDelayMs;
    } catch (error) {
      const { upstream } = state;
      // Not always the one that was picked: a second attempt may have won, or another address of a host.
      const failed = state.endpoint!;
      endAttempt(client, undefined);
      await state.upload?.stop();
      state.upload = undefined;
      client.awaiting = undefined;
      if (!(error instanceof MeshError)) throw error;
      state.trail?.attemptFailed(error.code);
      if (client.responding) {
        noteCut(client, error);
        throw error;
      }
      again = diedInPool(client, upstream, error);
      if (again) sendOnceMore(client, failed);
      else delayMs = judge(client, { endpoint: failed, error });
    }
    if (delayMs > 0) await context.net.sleep(delayMs);
    if (client.gone()) throw clientGone(state.endpoint!.key);
    patchDeadline(state.writer!, plan, timeLeft(client));
  }
}

/** The connection had ended in the pool, which says nothing of the endpoint. */
function sendOnceMore(
  { context, exchange: state }: Client,
  endpoint: EndpointState<Upstream>,
): void {
  state.plan.cluster.abandoned(endpoint, { ticket: state.ticket, nowMs: context.net.now() });
  context.count(state.block, slot.resends);
}

function compose(client: Client): void {
  const { context, exchange: state, inbox } = client;
  state.writer = context.takeWriter();
  writeRequestHead(state.writer, inbox.bytes, {
    head: context.request,
    plan: state.plan,
    trace: traceToSend(state),
    plans: context.plans,
    maxHops: context.policy.limits.hops,
  });
  inbox.consume(state.headBytes);
  state.headBytes = 0;
  composeArrivedBody(client);
}

/** Hosts outside learn of a trace only where the caller wants them to. */
function traceToSend({ plan, trace }: Exchange): Trace | undefined {
  return plan.scope === "outside" && trace?.isCallers === false ? undefined : trace;
}

function pick({ context, exchange: state }: Client): EndpointState<Upstream> | undefined {
  const { plan } = state;
  const { picking } = context;
  picking.nowMs = context.net.now();
  picking.hash = plan.hash;
  picking.stickyId = plan.stickyId;
  return plan.group.pick(picking, state.tried);
}

/** The endpoint of the next attempt when none is left that was not tried. Errors: MeshError no_endpoint. */
async function chooseAgain(client: Client): Promise<EndpointState<Upstream>> {
  const { context, exchange: state } = client;
  const { cluster, scope } = state.plan;
  let endpoint: EndpointState<Upstream> | undefined;
  if (state.tried !== undefined) {
    state.tried = undefined;
    endpoint = pick(client);
  }
  if (
    endpoint === undefined && scope === "service" &&
    await context.directory.refresh(cluster.service)
  ) {
    endpoint = pick(client);
  }
  if (endpoint !== undefined) return endpoint;
  throw noEndpoint(state.plan);
}

/** What a request ends in that nobody can have. */
export function noEndpoint({ cluster, group, passedOver, rule }: RequestPlan): MeshError {
  const { service, unusable } = cluster;
  const why = unusable.length > 0 ? `: ${unusable.slice(0, 5).join(", ")}` : "";
  if (passedOver !== "" && group.size === 0) {
    return new MeshError(
      "no_endpoint",
      `no target of the rule "${rule}" has an endpoint (${passedOver})${why}`,
    );
  }
  const of = group.subset === "" ? service : `${service} (${group.subset})`;
  return new MeshError("no_endpoint", `${of} has no endpoint that can be used${why}`);
}

const delayMark = ascii("x-mesher-fault: delay\r\n");

/** Delays or aborts by rule; either leaves a visible mark. Errors: MeshError fault_injected. */
async function injectFault(client: Client, fault: FaultDecision): Promise<void> {
  const { context, exchange: state } = client;
  if (fault.delayMs > 0) {
    context.count(state.block, slot.delayed);
    const { plan } = state;
    plan.responseLines = plan.responseLines === undefined
      ? delayMark
      : joined([plan.responseLines, delayMark]);
    await context.net.sleep(fault.delayMs);
    // The delay is not the service's: it does not count against its time.
    state.answerFromMs += fault.delayMs;
  }
  if (client.gone()) throw clientGone("");
  if (fault.abortStatus > 0) {
    throw new MeshError("fault_injected", "a rule asked for this failure", {
      status: fault.abortStatus,
    });
  }
}
