/** The answer on its way back: head written, body piped, the account of the client's connection kept. */
import { MeshError } from "../../core/errors.ts";
import { slot, threadSlot } from "../../plane/counters.ts";
import { kind } from "../http1/fields.ts";
import type { BodyEnd, ResponseHead } from "../http1/response_head.ts";
import { type BodyCoding, BodyState, pumpBody, type PumpEnd } from "./body.ts";
import type { Client } from "./client.ts";
import { writeResponseHead } from "./response_writer.ts";
import { sendAll } from "./send.ts";
import { relay } from "./tunnel.ts";
import type { Upstream } from "./upstream.ts";

/** Passes a 1xx head on. A client of HTTP/1.0 knows none. Errors: MeshError client_gone. */
export async function forwardInterim(client: Client, upstream: Upstream): Promise<void> {
  if (client.exchange.oldClient) return consumeHead(client, upstream);
  await forwardHead(client, upstream, undefined);
}

function consumeHead({ context }: Client, { inbox }: Upstream): void {
  inbox.consume(context.response.end - inbox.start);
}

/** Passes on a head that no body follows. Errors: MeshError client_gone. */
async function forwardHead(
  client: Client,
  upstream: Upstream,
  via: Uint8Array | undefined,
): Promise<void> {
  const { context } = client;
  const { out, response } = context;
  out.clear();
  writeResponseHead(out, upstream.inbox.bytes, {
    head: response,
    plan: {
      fields: context.plans.fromUpstream,
      coding: "raw",
      connection: "none",
      draining: false,
      via,
      oldClient: false,
      lines: undefined,
      drops: undefined,
    },
  });
  consumeHead(client, upstream);
  if (!(await sendOut(client))) throw clientLeft(upstream);
}

function sendOut(client: Client): boolean | Promise<boolean> {
  const { context, socket } = client;
  const { out } = context;
  return sendAll(socket, out.bytes, {
    from: 0,
    to: out.length,
    idleMs: context.policy.timeouts.bodyIdleMs,
  });
}

function clientLeft(upstream: Upstream): MeshError {
  return new MeshError("client_gone", "the client went away during its answer", {
    reachedUpstream: true,
    endpoint: upstream.endpoint.key,
  });
}

/**
 * Delivers the answer whose head was just parsed.
 *
 * Shape: whether the upstream connection can be used again; at once when the kernel took the whole answer.
 * Errors: MeshError, thrown or as a rejection.
 */
export function deliver(client: Client, upstream: Upstream): boolean | Promise<boolean> {
  const { context, exchange } = client;
  const { out, response } = context;
  const { inbox } = upstream;
  if (response.status === 101) return switchProtocols(client, upstream);
  noteDraining(client, upstream);
  const bodyEnd = response.bodyEnd(exchange.isHead);
  const coding = chooseCoding(bodyEnd, exchange.oldClient);
  const upstreamKeepsAlive = response.keepAlive && bodyEnd !== "close";
  decideConnection(client, bodyEnd);
  out.clear();
  writeResponseHead(out, inbox.bytes, {
    head: response,
    plan: {
      fields: context.plans.fromUpstream,
      coding,
      connection: client.connectionField,
      draining: client.draining,
      via: context.plans.via,
      oldClient: exchange.oldClient,
      lines: exchange.plan.responseLines,
      drops: exchange.plan.responseDrops,
    },
  });
  exchange.status = response.status;
  context.count(exchange.block, slot.status + Math.floor(response.status / 100) - 1);
  const body = bodyState(bodyEnd, response);
  inbox.consume(response.end - inbox.start);
  // A short body that came with its head leaves with it, in one write.
  if (body?.scanner === undefined && body !== undefined && body.remaining <= inbox.length) {
    const count = body.remaining;
    out.range(inbox.bytes, inbox.start, inbox.start + count);
    inbox.consume(count);
    body.remaining = 0;
    exchange.countResponse(context, count);
  }
  client.responding = true;
  const sent = sendOut(client);
  exchange.answerSent(context);
  if (sent === false) throw clientLeft(upstream);
  if (sent === true && (body === undefined || body.done) && exchange.upload === undefined) {
    return upstreamKeepsAlive;
  }
  return deliverRest(client, upstream, { sent, body, coding, bodyEnd, upstreamKeepsAlive });
}

async function deliverRest(
  client: Client,
  upstream: Upstream,
  { body, bodyEnd, coding, sent, upstreamKeepsAlive }: {
    readonly sent: true | Promise<boolean>;
    readonly body: BodyState | undefined;
    readonly coding: BodyCoding;
    readonly bodyEnd: BodyEnd;
    readonly upstreamKeepsAlive: boolean;
  },
): Promise<boolean> {
  if (sent !== true && !(await sent)) throw clientLeft(upstream);
  if (body !== undefined && !body.done) {
    client.exchange.cutByReset = coding !== "encode" && bodyEnd === "close" || coding === "decode";
    await pipe(client, upstream, { body, coding });
  }
  return await settleUpload(client, upstream) && upstreamKeepsAlive;
}

function noteDraining({ context, exchange }: Client, { endpoint }: Upstream): void {
  if (endpoint.snapshot.mesher && context.response.fields.has(kind.draining)) {
    exchange.plan.cluster.drains(endpoint, context.net.now());
  }
}

function bodyState(bodyEnd: BodyEnd, response: ResponseHead): BodyState | undefined {
  switch (bodyEnd) {
    case "none":
      return undefined;
    case "length":
      return new BodyState(response.fields.contentLength);
    case "chunked":
      return new BodyState(-1);
    case "close":
      return new BodyState(Infinity);
  }
}

/**
 * A body that ends with its connection is put into chunks for a client that knows them: so a cut is seen as a cut,
 * and the client's connection can live on.
 */
function chooseCoding(bodyEnd: BodyEnd, oldClient: boolean): BodyCoding {
  if (bodyEnd === "close" && !oldClient) return "encode";
  if (bodyEnd === "chunked" && oldClient) return "decode";
  return "raw";
}

function decideConnection(client: Client, bodyEnd: BodyEnd): void {
  const { exchange } = client;
  // An answer before the end of the request leaves bytes on the connection that nobody may take for a request.
  if (exchange.bodyPending) client.keepAlive = false;
  if (exchange.oldClient && (bodyEnd === "close" || bodyEnd === "chunked")) {
    client.keepAlive = false;
  }
  client.closeIfDraining();
}

async function pipe(
  client: Client,
  upstream: Upstream,
  { body, coding }: { body: BodyState; coding: BodyCoding },
): Promise<void> {
  const { context, exchange } = client;
  const { timeouts } = context.policy;
  const end = await pumpBody(upstream.inbox, client.socket, {
    body,
    options: {
      net: context.net,
      coding,
      out: context.out,
      // A stream without a length may be silent for long; a body with one that stops has failed.
      sourceIdleMs: body.scanner !== undefined || body.untilClose
        ? timeouts.tunnelIdleMs
        : timeouts.bodyIdleMs,
      targetIdleMs: timeouts.bodyIdleMs,
      stopped: () => client.socket.hungUp && client.gone(),
      moved: (bytes, spliced) => {
        exchange.countResponse(context, bytes);
        if (spliced) context.counters[threadSlot.splicedBytes]! += bytes;
      },
    },
  });
  if (end !== "done") throw pipeFailure(end, upstream);
}

function pipeFailure(end: Exclude<PumpEnd, "done">, upstream: Upstream): MeshError {
  const endpoint = upstream.endpoint.key;
  const options = { reachedUpstream: true, endpoint };
  switch (end) {
    case "source_ended":
      return new MeshError(
        "reset",
        `${endpoint} ended the connection in the middle of its answer`,
        options,
      );
    case "source_malformed":
      return new MeshError(
        "protocol_error",
        `${endpoint} sent a body with wrong chunk framing`,
        options,
      );
    case "source_idle":
      return new MeshError(
        "response_timeout",
        `${endpoint} stopped in the middle of its answer`,
        options,
      );
    default:
      return clientLeft(upstream);
  }
}

/** Ends the upload that the answer has overtaken. Shape: whether the upstream got the whole request. */
async function settleUpload(client: Client, upstream: Upstream): Promise<boolean> {
  const { upload } = client.exchange;
  if (upload === undefined) return true;
  if (upload.end !== "done") {
    await upload.stop();
    if (client.exchange.bodyPending || upload.end as PumpEnd | undefined !== "done") {
      upstream.socket.close();
      return false;
    }
  }
  return true;
}

/** The answer 101: head passed on, then bytes both ways until both ends have had enough. */
async function switchProtocols(client: Client, upstream: Upstream): Promise<boolean> {
  const { context, exchange } = client;
  // Whoever switches before it has the whole request would read the rest of the body as the new protocol.
  if (!exchange.upgrade || exchange.bodyPending) {
    const endpoint = upstream.endpoint.key;
    const how = exchange.upgrade ? "in the middle of the request" : "without being asked";
    throw new MeshError("protocol_error", `${endpoint} switched protocols ${how}`, {
      reachedUpstream: true,
      endpoint,
    });
  }
  exchange.status = 101;
  context.count(exchange.block, slot.status);
  client.responding = true;
  await forwardHead(client, upstream, context.plans.via);
  await relay(client, upstream);
  return false;
}
