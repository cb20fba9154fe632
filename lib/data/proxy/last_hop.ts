/** Requests that end at the proxy itself: `OPTIONS *` on the way out, and OPTIONS and TRACE that may go no further. */
import { MeshError } from "../../core/errors.ts";
import { ascii, latin1, matchesAt } from "../http1/bytes.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { parseAuthority } from "../routing/authority.ts";
import type { Client } from "./client.ts";
import { maxForwards } from "./request_writer.ts";
import { sendOwnAnswer } from "./send.ts";
import { beginTrail } from "./trail.ts";

const answers = {
  none: ascii("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
  close: ascii("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
  "keep-alive": ascii("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
};

/** Whether a target is the star, which only OPTIONS may have. */
export function isStar(bytes: Uint8Array, head: RequestHead): boolean {
  return head.isOptions && head.targetTo - head.targetFrom === 1 && bytes[head.targetFrom] === 42;
}

/**
 * Whether Max-Forwards ends an OPTIONS here.
 *
 * Errors: MeshError destination_invalid for TRACE, whose echo would show fields that the client never sent.
 * Source: RFC 9110 section 7.6.2.
 */
export function endsHere(bytes: Uint8Array, { fields, isOptions, isTrace }: RequestHead): boolean {
  if (!(isOptions || isTrace) || maxForwards(fields, bytes) !== 0) return false;
  if (isOptions) return true;
  throw new MeshError(
    "destination_invalid",
    "the request has a Max-Forwards of 0, and this proxy answers no TRACE itself",
  );
}

/** Answers the OPTIONS whose head was just parsed. Errors: MeshError client_gone. */
export async function answerOptions(client: Client): Promise<void> {
  if (client.context.observer.active) watchOptions(client);
  if (client.exchange.bodyPending) client.keepAlive = false;
  client.closeIfDraining();
  await answerItself(client, answers[client.connectionField]);
}

/** Begins the trail of a request whose destination nobody looked at. */
function watchOptions(client: Client): void {
  const { context: { request }, inbox: { bytes } } = client;
  const { targetFrom, targetTo } = request;
  let pathFrom = targetFrom;
  let authority = "";
  if (matchesAt(bytes, targetFrom, "http://")) {
    const from = targetFrom + 7;
    pathFrom = from;
    while (pathFrom < targetTo && bytes[pathFrom] !== 47 && bytes[pathFrom] !== 63) pathFrom++;
    const parsed = parseAuthority(latin1(bytes, from, pathFrom));
    if (typeof parsed !== "string") authority = parsed.text;
  }
  beginTrail(client, { authority, path: { from: pathFrom, to: targetTo } });
}

/** Gives an answer of mesher's own to the request whose head was just parsed. Errors: MeshError client_gone. */
export async function answerItself(
  client: Client,
  answer: Uint8Array<ArrayBuffer>,
  status = 200,
): Promise<void> {
  const { exchange, inbox } = client;
  inbox.consume(exchange.headBytes);
  exchange.headBytes = 0;
  // A body that nobody wanted is not read for its own sake.
  if (exchange.bodyPending) client.keepAlive = false;
  await sendOwnAnswer(client, answer, status);
}
