/** The wait for an answer: interim ones passed on, the final one delivered, everything that can come in between. */
import { type FailureCode, failureCodes, MeshError } from "../../core/errors.ts";
import { equalsIgnoreCase, latin1 } from "../http1/bytes.ts";
import { type Fields, kind, MalformedHead } from "../http1/fields.ts";
import { FAILED, WAIT } from "../net/socket.ts";
import { attemptMs } from "./attempt.ts";
import { parseRetryAfter } from "../resilience/retry_after.ts";
import type { Client } from "./client.ts";
import type { DataContext } from "./context.ts";
import { deliver, forwardInterim } from "./deliver.ts";
import { triedElsewhere } from "./judge.ts";
import { uploadFailure } from "./upload.ts";
import { closedEarly, type Upstream } from "./upstream.ts";

/** Interim answers to one request; more are a flood. */
const maxInterims = 100;

/** What became of an answer and its connection. */
export type AnswerEnd = "reusable" | "spent" | "refused";

/**
 * Waits for the head of the answer and delivers it.
 *
 * Shape: whether the connection can be used again; refused: the answer was thrown away, the request is to be tried
 * elsewhere after `retryDelayMs`. Errors: MeshError.
 */
export async function awaitAnswer(
  client: Client,
  upstream: Upstream,
): Promise<AnswerEnd> {
  const { context, exchange: state } = client;
  const { inbox, socket } = upstream;
  const { limits } = context.policy;
  const endpoint = upstream.endpoint.key;
  let uploadSeen = false;
  let interims = 0;
  for (;;) {
    if (socket.readReady || inbox.length > 0) {
      const count = socket.readReady ? inbox.fill() : WAIT;
      if (inbox.length > 0) {
        upstream.answered = true;
        const parsed = parseAnswer(context, upstream);
        if (parsed === "final") {
          if (failedAtPeer(client, upstream)) throw failureAtPeer(client, upstream);
          noteAnswer(client, upstream);
          const delayMs = triedElsewhere(client, upstream);
          if (delayMs >= 0) {
            state.retryDelayMs = delayMs;
            return "refused";
          }
          const delivered = deliver(client, upstream);
          const reusable = typeof delivered === "boolean" ? delivered : await delivered;
          return reusable ? "reusable" : "spent";
        }
        if (parsed === "interim") {
          if (++interims > maxInterims) {
            throw new MeshError("protocol_error", `${endpoint} sent interim answers without end`, {
              reachedUpstream: true,
              endpoint,
            });
          }
          await forwardInterim(client, upstream);
          continue;
        }
        if (inbox.length >= limits.headBytes) {
          throw new MeshError(
            "protocol_error",
            `${endpoint} sent a head of more than ${limits.headBytes} bytes`,
            {
              reachedUpstream: true,
              endpoint,
            },
          );
        }
      }
      if (count === 0 || count === FAILED) throw closedEarly(upstream, true);
      if (socket.readReady) continue;
    }
    if (state.upload?.end !== undefined && !uploadSeen) {
      uploadSeen = true;
      const failure = uploadFailure(state.upload.end, endpoint);
      if (failure !== undefined) throw failure;
      state.answerFromMs = context.net.now();
      socket.expireAfter(attemptMs(client));
      if (socket.readReady) continue;
    }
    // Looked at before the wait too: nobody is told again of a client that left while this was on its way here.
    if (client.socket.hungUp && client.gone()) throw clientGone(endpoint);
    await socket.readable();
    if (client.socket.hungUp && client.gone()) throw clientGone(endpoint);
    // The time of a body on its way is its own: one that was held up for a moment leaves a deadline behind.
    if (socket.timedOut && (state.upload === undefined || uploadSeen)) {
      throw new MeshError(
        "response_timeout",
        `${endpoint} did not answer within ${waitedMs(client)} ms`,
        {
          reachedUpstream: true,
          endpoint,
        },
      );
    }
    if (socket.closed) throw closedEarly(upstream, true);
  }
}

function waitedMs({ exchange: { plan } }: Client): number {
  return plan.retry.perTryMs === 0
    ? plan.responseMs
    : Math.min(plan.retry.perTryMs, plan.responseMs);
}

/** What an answer says of its endpoint. */
function noteAnswer(client: Client, { endpoint, inbox }: Upstream): void {
  const { context, exchange: state } = client;
  const { cluster, scope } = state.plan;
  const nowMs = context.net.now();
  state.firstByteAtMs = nowMs;
  context.countFirstByte(state.block, nowMs - state.startedAtMs);
  state.trail?.attemptAnswered(context.response.status, nowMs);
  if (scope === "local") return;
  const { status, fields } = context.response;
  const at = status === 429 || status === 503 ? fields.find(kind.retryAfter) : -1;
  state.retryAfterMs = at < 0
    ? 0
    : parseRetryAfter(latin1(inbox.bytes, fields.valueFrom(at), fields.valueTo(at)), Date.now()) ??
      0;
  cluster.hedge?.record(nowMs - state.attemptAtMs);
  cluster.answered(endpoint, {
    ticket: state.ticket,
    status,
    elapsedMs: nowMs - Math.max(state.attemptAtMs, state.answerFromMs),
    retryAfterMs: state.retryAfterMs,
    nowMs,
  });
  // One that failed already has its verdict, however its body ends.
  state.answeringTicket = status < 500 ? state.ticket : 0;
  state.ticket = 0;
}

/** Shape: the parse result is in `context.response` unless more bytes are needed. Errors: MeshError protocol_error. */
export function parseAnswer(
  context: DataContext,
  { endpoint, inbox }: Upstream,
): "final" | "interim" | "more" {
  const { limits } = context.policy;
  try {
    const end = context.response.parse(inbox.bytes, inbox.start, {
      to: Math.min(inbox.end, inbox.start + limits.headBytes),
      maxFields: limits.headFields,
    });
    if (end === 0) return "more";
  } catch (error) {
    if (!(error instanceof MalformedHead)) throw error;
    throw new MeshError("protocol_error", `${endpoint.key} sent ${error.message}`, {
      reachedUpstream: true,
      endpoint: endpoint.key,
    });
  }
  const { status } = context.response;
  return status >= 200 || status === 101 ? "final" : "interim";
}

/** Whether the provider's sidecar says that this is no answer of its application. */
function failedAtPeer(client: Client, { endpoint }: Upstream): boolean {
  const { response } = client.context;
  return endpoint.snapshot.mesher && response.status >= 500 && response.fields.has(kind.unsent);
}

/** What its sidecar says of an application: it never saw the request, or it ended the connection on it. */
function failureAtPeer(client: Client, upstream: Upstream): MeshError {
  const { context, exchange: state } = client;
  const { endpoint, inbox } = upstream;
  const { status, fields } = context.response;
  if (fields.has(kind.draining)) state.plan.cluster.drains(endpoint, context.net.now());
  const code = failureOfPeer(fields, inbox.bytes) ?? "connect_refused";
  const cut = inbox.bytes[fields.valueFrom(fields.find(kind.unsent))] === 48;
  state.unsentByPeer = !cut;
  const what = cut ? "lost the connection to" : "did not reach";
  return new MeshError(code, `the sidecar at ${endpoint.key} ${what} its application (${code})`, {
    endpoint: endpoint.key,
    status,
    reachedUpstream: cut,
  });
}

/** The code in the Proxy-Status of another sidecar. Undefined when it says nothing known. */
function failureOfPeer(fields: Fields, bytes: Uint8Array): FailureCode | undefined {
  for (let index = 0; index < fields.count; index++) {
    const name = { from: fields.nameFrom(index), to: fields.nameTo(index) };
    if (!equalsIgnoreCase(bytes, name, "proxy-status")) continue;
    const text = latin1(bytes, fields.valueFrom(index), fields.valueTo(index));
    const details = /;\s*details="([a-z_]+)"/.exec(text)?.[1];
    return failureCodes.find((code) => code === details);
  }
  return undefined;
}

/** The failure of a request whose client left. */
export function clientGone(endpoint: string): MeshError {
  return new MeshError("client_gone", "the client went away before its answer", {
    reachedUpstream: true,
    endpoint,
  });
}
