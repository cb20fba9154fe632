/** Writes the head of a response as it goes back to the client. */
import { ascii, type Writer } from "../http1/bytes.ts";
import { copyFields, type KindSet, kindSet } from "../http1/copy_fields.ts";
import { kind } from "../http1/fields.ts";
import type { ResponseHead } from "../http1/response_head.ts";
import type { BodyCoding } from "./body.ts";
import type { FieldPlan } from "./field_plan.ts";

const httpVersion = ascii("HTTP/1.1 ");
const crlf = ascii("\r\n");
const connectionClose = ascii("Connection: close\r\n");
const connectionKeepAlive = ascii("Connection: keep-alive\r\n");
const connectionUpgrade = ascii("Connection: Upgrade\r\n");
const chunkedField = ascii("Transfer-Encoding: chunked\r\n");
const drainingField = ascii("x-mesher-draining: 1\r\n");

export interface ResponsePlan {
  readonly fields: FieldPlan;
  readonly coding: BodyCoding;
  /** What to tell the client of its connection; none says nothing. */
  readonly connection: "close" | "keep-alive" | "none";
  readonly draining: boolean;
  readonly via: Uint8Array | undefined;
  /** The client speaks HTTP/1.0, which knows no transfer codings. */
  readonly oldClient: boolean;
  /** Field lines that a rule or a balancer adds, and the names in lower case of fields that it drops. */
  readonly lines: Uint8Array | undefined;
  readonly drops: ReadonlySet<string> | undefined;
}

/** Composes the client's head of the response in `bytes`. */
export function writeResponseHead(
  writer: Writer,
  bytes: Uint8Array,
  { head, plan }: { head: ResponseHead; plan: ResponsePlan },
): void {
  const { fields, status } = head;
  if (plan.drops !== undefined) fields.markRuled(bytes, plan.drops);
  writer.all(httpVersion);
  // Status and reason as they came; "HTTP/1.x " is nine bytes.
  writer.range(bytes, head.reasonFrom - 3, head.reasonTo);
  if (head.reasonTo === head.reasonFrom) writer.byte(32);
  writer.all(crlf);
  copyFields(writer, bytes, { fields, dropped: droppedOf(status, plan) });
  if (plan.coding === "encode") writer.all(chunkedField);
  if (keepsUpgrade(status) && fields.has(kind.upgrade)) writer.all(connectionUpgrade);
  if (plan.connection === "close") writer.all(connectionClose);
  else if (plan.connection === "keep-alive") writer.all(connectionKeepAlive);
  if (plan.draining) writer.all(drainingField);
  if (plan.lines !== undefined) writer.all(plan.lines);
  if (plan.via !== undefined) writer.all(plan.via);
  writer.all(crlf);
}

function droppedOf(status: number, plan: ResponsePlan): KindSet {
  let { dropped } = plan.fields;
  if (plan.drops !== undefined) dropped |= kindSet(kind.ruled);
  if (keepsUpgrade(status)) dropped &= ~kindSet(kind.upgrade);
  // Neither may stand on an answer that has no body by definition, RFC 9110 section 8.6.
  if (status < 200 || status === 204) dropped |= kindSet(kind.transferEncoding, kind.contentLength);
  if (plan.oldClient || status === 304) dropped |= kindSet(kind.transferEncoding);
  return dropped;
}

/** 426 names in Upgrade what it wants, RFC 9110 section 15.5.22. */
function keepsUpgrade(status: number): boolean {
  return status === 101 || status === 426;
}
