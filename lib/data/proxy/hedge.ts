/** Hedging: a request that takes longer than nearly all others is sent to a second endpoint, and the first answer wins. */
import { MeshError } from "../../core/errors.ts";
import { retryReasons, slot } from "../../plane/counters.ts";
import { beginRecord, sendComposed, timeLeft } from "./attempt.ts";
import { type AnswerEnd, awaitAnswer } from "./await_answer.ts";
import type { Client } from "./client.ts";
import { dialUpstream, type Upstream } from "./upstream.ts";

/** Whether the request that was just sent may be sent a second time while its answer is awaited. */
export function mayHedge({ exchange: state }: Client): boolean {
  const { cluster, group, retry, scope } = state.plan;
  return retry.hedge && scope === "service" && state.idempotent && state.replayable &&
    !state.upgrade && !state.bodyPending && state.attempts === 1 && group.size > 1 &&
    cluster.hedge !== undefined && cluster.hedge.hedgeAfterMs() < state.plan.responseMs;
}

/** Waits for the answer of one endpoint or, after a while, of whichever of two is sooner. Errors: MeshError. */
export async function awaitEither(client: Client, first: Upstream): Promise<AnswerEnd> {
  const { context, exchange: state } = client;
  const afterMs = state.plan.cluster.hedge!.hedgeAfterMs();
  let waiting = true;
  context.net.sleep(afterMs).then(() => waiting && first.socket.wake());
  await first.socket.readable();
  waiting = false;
  if (hasNews(first) || client.gone()) return await awaitAnswer(client, first);
  const second = await sendSecond(client, first);
  if (second === undefined) return await awaitAnswer(client, first);
  const winner = await sooner(client, first, second);
  settle(client, { winner, loser: winner === first ? second : first });
  return await awaitAnswer(client, winner);
}

/** Bytes, an end or a failure: all that a waiting function would be woken for. */
function hasNews({ socket }: Upstream): boolean {
  return socket.readReady || socket.closed || socket.hungUp || socket.timedOut;
}

/** Shape: undefined where there is no other endpoint, no budget or no connection; nobody is told. */
async function sendSecond(client: Client, first: Upstream): Promise<Upstream | undefined> {
  const { context, exchange: state } = client;
  const { cluster, group, retry } = state.plan;
  const nowMs = context.net.now();
  const tried = [first.endpoint];
  if (group.usableCount(nowMs, tried) === 0) return undefined;
  const endpoint = group.pick(context.pickAny(), tried);
  if (endpoint === undefined || !cluster.budget.withdraw(retry, nowMs)) return undefined;
  context.count(state.block, slot.retry + retryReasons.indexOf("hedge"));
  context.count(state.block, slot.attempts);
  state.attempts++;
  const ticket = cluster.begin(endpoint, nowMs);
  if (state.trail !== undefined) beginRecord(client, { endpoint, nowMs });
  let upstream = endpoint.idle.take();
  try {
    upstream ??= await dialUpstream(context, endpoint, timeLeft(client));
    state.secondTicket = ticket;
    const sending = sendComposed(client, upstream);
    if (sending !== undefined) await sending;
    return upstream;
  } catch (error) {
    // The first one may still answer; what it comes to is for the caller.
    const failedAtMs = context.net.now();
    cluster.failed(endpoint, { ticket, nowMs: failedAtMs });
    if (error instanceof MeshError) state.trail?.attemptFailed(error.code);
    state.trail?.attemptEnded(failedAtMs);
    state.trail?.turnTo(first.endpoint.key);
    endpoint.end();
    upstream?.socket.close();
    client.awaiting = first.socket;
    return undefined;
  }
}

/** Waits until one of the two has something to say that is not its end, or both have ended. */
async function sooner(client: Client, first: Upstream, second: Upstream): Promise<Upstream> {
  client.awaiting = {
    wake: () => {
      first.socket.wake();
      second.socket.wake();
    },
  };
  let winner: Upstream | undefined;
  const watch = async (own: Upstream, other: Upstream) => {
    while (winner === undefined && !client.gone()) {
      if (own.socket.readReady) {
        winner = own;
        return other.socket.wake();
      }
      if (hasNews(own)) return;
      await own.socket.readable();
    }
  };
  await Promise.all([watch(first, second), watch(second, first)]);
  return winner ?? first;
}

/** The request goes on with the winner; the other one's connection ends with the answer nobody waits for. */
function settle(
  client: Client,
  { loser, winner }: { readonly winner: Upstream; readonly loser: Upstream },
): void {
  const { context, exchange: state } = client;
  const { cluster } = state.plan;
  const nowMs = context.net.now();
  const [won, lost] = winner.endpoint === state.endpoint
    ? [state.ticket, state.secondTicket]
    : [state.secondTicket, state.ticket];
  cluster.hedge?.record(nowMs - state.attemptAtMs);
  state.trail?.turnTo(loser.endpoint.key);
  state.trail?.attemptEnded(nowMs);
  state.trail?.turnTo(winner.endpoint.key);
  cluster.abandoned(loser.endpoint, { ticket: lost, nowMs });
  loser.endpoint.end();
  loser.socket.close();
  state.ticket = won;
  state.endpoint = winner.endpoint;
  state.upstream = winner;
  client.awaiting = winner.socket;
}
