/** Copies of requests for another target: sent beside the call, their answers thrown away, nobody waits for them. */
import { slot } from "../../plane/counters.ts";
import type { Client } from "./client.ts";
import { WAIT } from "../net/socket.ts";
import { parseAnswer } from "./await_answer.ts";
import { BodyState } from "./body.ts";
import type { DataContext } from "./context.ts";
import type { RequestPlan } from "./plan.ts";
import { sendAll } from "./send.ts";
import { dialUpstream, releaseUpstream, type Upstream } from "./upstream.ts";

/** Copies of one thread under way at a time; more are not made, so that a slow target costs the callers nothing. */
const maxMirrors = 64;

/**
 * Sends a copy of the composed request, when all of it is at hand.
 *
 * Shape: returns at once. A request whose body was not kept is not copied.
 */
export function startMirror(client: Client, to: NonNullable<RequestPlan["mirror"]>): void {
  const { context, exchange: state } = client;
  const { writer } = state;
  const whole = writer !== undefined && state.replayable && !state.bodyPending;
  if (!whole || state.upgrade || context.mirrors >= maxMirrors) return;
  const bytes = writer.bytes.slice(0, writer.length);
  context.mirrors++;
  context.count(to.cluster.block, slot.mirrored);
  mirror(context, bytes, { to, isHead: state.isHead }).catch(() => {}).finally(() => {
    context.mirrors--;
  });
}

/** Errors: MeshError and what else can go wrong; nobody is told. */
async function mirror(
  context: DataContext,
  bytes: Uint8Array<ArrayBuffer>,
  { to, isHead }: { readonly to: NonNullable<RequestPlan["mirror"]>; readonly isHead: boolean },
): Promise<void> {
  const endpoint = to.group.pick(context.pickAny(), undefined);
  if (endpoint === undefined) return;
  const { responseMs } = to.cluster.policy;
  const upstream = endpoint.idle.take() ?? await dialUpstream(context, endpoint);
  let reusable = false;
  try {
    const sent = await sendAll(upstream.socket, bytes, {
      from: 0,
      to: bytes.length,
      idleMs: context.policy.timeouts.bodyIdleMs,
    });
    upstream.socket.expireAfter(responseMs);
    if (sent) reusable = await swallow(context, upstream, isHead);
  } finally {
    releaseUpstream(context, upstream, reusable);
  }
}

/** Reads an answer to its end. Shape: whether the connection can be used again. */
async function swallow(
  context: DataContext,
  upstream: Upstream,
  isHead: boolean,
): Promise<boolean> {
  const { inbox } = upstream;
  for (;;) {
    const head = parseAnswer(context, upstream);
    if (head === "final") break;
    if (head === "interim") inbox.consume(context.response.end - inbox.start);
    else if (!(await more(upstream))) return false;
  }
  const { response } = context;
  const end = response.bodyEnd(isHead);
  const { keepAlive } = response;
  const length = response.fields.contentLength;
  inbox.consume(response.end - inbox.start);
  if (end === "none") return keepAlive;
  if (end === "close" || response.status === 101) return false;
  const body = new BodyState(end === "chunked" ? -1 : length);
  for (;;) {
    if (inbox.length > 0) inbox.consume(body.accept(inbox.bytes, inbox.start, inbox.end));
    if (body.done) return keepAlive;
    if (!(await more(upstream))) return false;
  }
}

/** Waits for more bytes. Shape: false at the end of the connection or of its time. */
async function more({ inbox, socket }: Upstream): Promise<boolean> {
  for (;;) {
    const count = socket.readReady ? inbox.fill() : WAIT;
    if (count > 0) return true;
    if (count !== WAIT) return false;
    await socket.readable();
    if (socket.closed || socket.timedOut) return false;
  }
}
