/** Writes the head of a request as it goes upstream: unchanged ranges copied, the few other fields written anew. */
import { MeshError } from "../../core/errors.ts";
import { ascii, decimal, equalsIgnoreCase, latin1, type Writer } from "../http1/bytes.ts";
import { copyFields, type KindSet, kindSet } from "../http1/copy_fields.ts";
import { type Fields, kind } from "../http1/fields.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { maxTraceBytes, type Trace } from "../trace/trace.ts";
import type { FieldPlans } from "./field_plan.ts";
import type { RequestPlan } from "./plan.ts";

const httpVersion = ascii(" HTTP/1.1\r\n");
const hostName = ascii("Host: ");
const crlf = ascii("\r\n");
const connectionUpgrade = ascii("Connection: Upgrade\r\n");
const connectionTe = ascii("TE: trailers\r\nConnection: TE\r\n");
const firstHop = ascii("x-mesher-hops: 1\r\n");
const slash = ascii("/");
const star = ascii("*");

/**
 * Composes the upstream head of the request in `bytes`.
 *
 * Errors: MeshError loop_detected when the request has gone through too many sidecars.
 */
export function writeRequestHead(
  writer: Writer,
  bytes: Uint8Array,
  { head, plan, plans, maxHops, trace }: {
    readonly head: RequestHead;
    readonly plan: RequestPlan;
    readonly plans: FieldPlans;
    readonly maxHops: number;
    readonly trace?: Trace | undefined;
  },
): void {
  const { fields } = head;
  if (plan.requestDrops !== undefined) fields.markRuled(bytes, plan.requestDrops);
  writer.range(bytes, head.methodFrom, head.methodTo);
  writer.byte(32);
  if (plan.pathText !== undefined) writer.text(plan.pathText);
  else writePath(writer, bytes, { head, path: { from: plan.pathFrom, to: plan.pathTo } });
  writer.all(httpVersion);
  if (plan.host !== "") {
    writer.all(hostName);
    writer.text(plan.host);
    writer.all(crlf);
  }
  copyFields(writer, bytes, { fields, dropped: droppedOf(head, plan, trace) });
  if ((head.isOptions || head.isTrace) && fields.has(kind.maxForwards)) {
    writeMaxForwards(writer, bytes, fields);
  }
  if (asksForUpgrade(head, bytes)) {
    copyFields(writer, bytes, { fields, dropped: ~kindSet(kind.upgrade) });
    writer.all(connectionUpgrade);
  } else if (fields.teTrailers) {
    writer.all(connectionTe);
  }
  if (plan.fields.mesh) writeMeshFields(writer, bytes, { fields, plan, plans, maxHops });
  if (plan.scope !== "outside") writeDeadline(writer, plan);
  if (plan.forwardedFor !== "") writeForwarded(writer, bytes, { fields, plan });
  if (trace !== undefined && trace.rewritten) {
    writer.reserve(maxTraceBytes);
    writer.length = trace.write(writer.bytes, writer.length);
  }
  if (plan.requestLines !== undefined) writer.all(plan.requestLines);
  if (plans.via !== undefined) writer.all(plans.via);
  writer.all(crlf);
}

/** An absolute target without a path is `/`, or `*` for OPTIONS. Source: RFC 9112 sections 3.2.1 and 3.2.4. */
function writePath(
  writer: Writer,
  bytes: Uint8Array,
  { head, path }: { head: RequestHead; path: { readonly from: number; readonly to: number } },
): void {
  if (path.to === path.from) {
    writer.all(head.isOptions ? star : slash);
    return;
  }
  if (bytes[path.from] === 63) writer.byte(47);
  writer.range(bytes, path.from, path.to);
}

/** The kinds that do not go on with this request, or are written anew. */
function droppedOf(head: RequestHead, plan: RequestPlan, trace: Trace | undefined): KindSet {
  let { dropped } = plan.fields;
  if (trace?.rewritten) dropped |= kindSet(kind.trace);
  if (trace?.dropsState) dropped |= kindSet(kind.traceState);
  if (plan.requestDrops !== undefined) dropped |= kindSet(kind.ruled);
  if (plan.host !== "") dropped |= kindSet(kind.host);
  if (head.isOptions || head.isTrace) dropped |= kindSet(kind.maxForwards);
  if (plan.forwardedPort !== 0) dropped |= kindSet(kind.forwardedPort);
  if (plan.forwardedFor !== "") dropped |= kindSet(kind.forwardedFor);
  return dropped;
}

/**
 * Whether a switch of protocols is asked for that may be passed on.
 *
 * HTTP/1.0 knows none, and one to HTTP/2 in plain text would take every following request past the proxy.
 * Source: RFC 9110 section 7.8, RFC 9113 section 3.1.
 */
export function asksForUpgrade({ fields, minor }: RequestHead, bytes: Uint8Array): boolean {
  if (!fields.connectionUpgrade || minor === 0) return false;
  const index = fields.find(kind.upgrade);
  if (index < 0) return false;
  return !equalsIgnoreCase(
    bytes,
    { from: fields.valueFrom(index), to: fields.valueTo(index) },
    "h2c",
  );
}

/** Counts down; a value that is no number is left as it is. Source: RFC 9110 section 7.6.2. */
function writeMaxForwards(writer: Writer, bytes: Uint8Array, fields: Fields): void {
  const left = maxForwards(fields, bytes);
  if (left > 0) writer.text(`Max-Forwards: ${left - 1}\r\n`);
  else copyFields(writer, bytes, { fields, dropped: ~kindSet(kind.maxForwards) });
}

/** How many more hops TRACE or OPTIONS may take; -1 when nothing sensible is said. */
export function maxForwards(fields: Fields, bytes: Uint8Array): number {
  const index = fields.find(kind.maxForwards);
  return index < 0 ? -1 : decimal(bytes, fields.valueFrom(index), fields.valueTo(index));
}

function writeMeshFields(
  writer: Writer,
  bytes: Uint8Array,
  { fields, plan, plans, maxHops }: {
    readonly fields: Fields;
    readonly plan: RequestPlan;
    readonly plans: FieldPlans;
    readonly maxHops: number;
  },
): void {
  if (plans.context !== undefined) {
    const index = fields.find(kind.cseContext);
    if (index < 0) writer.all(plans.context);
    else {writer.all(
        mergedContext(latin1(bytes, fields.valueFrom(index), fields.valueTo(index)), plans),
      );}
  }
  if (plan.forwardedPort !== 0) writer.text(`X-Forwarded-Port: ${plan.forwardedPort}\r\n`);
  const hopsIndex = fields.find(kind.hops);
  const hops = hopsIndex < 0
    ? 0
    : Math.max(0, decimal(bytes, fields.valueFrom(hopsIndex), fields.valueTo(hopsIndex)));
  if (hops >= maxHops) {
    throw new MeshError("loop_detected", `the request has gone through ${hops} sidecars already`);
  }
  if (hops === 0) writer.all(firstHop);
  else writer.text(`x-mesher-hops: ${hops + 1}\r\n`);
}

/** The caller's own context with this service as source; a context that is no JSON object is replaced. */
function mergedContext(text: string, plans: FieldPlans): Uint8Array {
  try {
    const context: unknown = JSON.parse(text);
    if (typeof context === "object" && context !== null && !Array.isArray(context)) {
      const merged = { ...context, "x-cse-src-microservice": plans.service };
      // The text was read byte by byte as latin-1, so UTF-8 sequences go out as they came in.
      return Uint8Array.from(
        `x-cse-context: ${JSON.stringify(merged)}\r\n`,
        (char) => char.charCodeAt(0),
      );
    }
  } catch {
    // Not JSON: readers would take it for an empty caller, so it is replaced.
  }
  return plans.context!;
}

/** What the application may want to know of the way its request came. */
function writeForwarded(
  writer: Writer,
  bytes: Uint8Array,
  { fields, plan }: { fields: Fields; plan: RequestPlan },
): void {
  writer.text("X-Forwarded-For: ");
  for (let index = 0; index < fields.count; index++) {
    if (fields.kindOf(index) !== kind.forwardedFor) continue;
    writer.range(bytes, fields.valueFrom(index), fields.valueTo(index));
    writer.text(", ");
  }
  writer.text(`${plan.forwardedFor}\r\n`);
  if (!fields.has(kind.forwardedHost)) {
    const host = fields.find(kind.host);
    if (plan.forwardedHost !== "") {
      writer.text(`X-Forwarded-Host: ${plan.forwardedHost}\r\n`);
    } else if (host >= 0) {
      writer.text("X-Forwarded-Host: ");
      writer.range(bytes, fields.valueFrom(host), fields.valueTo(host));
      writer.all(crlf);
    }
  }
  if (!fields.has(kind.forwardedProto)) writer.text("X-Forwarded-Proto: http\r\n");
}

const deadlineDigits = 8;
/** Newest line and the time in it: nearly all requests of a thread have the same. */
let deadlineLine = deadlineLineOf(0);
let deadlineLineMs = 0;

function deadlineLineOf(leftMs: number): Uint8Array {
  return ascii(`x-mesher-deadline: ${String(leftMs).padStart(deadlineDigits)}\r\n`);
}

/** Time for the answer, for the sidecar on the other side and for the application. Blanks before a value mean nothing. */
function writeDeadline(writer: Writer, plan: RequestPlan): void {
  const leftMs = wholeMs(plan.responseMs);
  if (leftMs !== deadlineLineMs) {
    deadlineLine = deadlineLineOf(leftMs);
    deadlineLineMs = leftMs;
  }
  writer.all(deadlineLine);
  plan.deadlineAt = writer.length - deadlineDigits - 2;
}

/** Puts the time that is left into a head composed before. Units: milliseconds. */
export function patchDeadline(writer: Writer, plan: RequestPlan, leftMs: number): void {
  if (plan.deadlineAt === 0) return;
  let left = wholeMs(leftMs);
  for (let at = plan.deadlineAt + deadlineDigits - 1; at >= plan.deadlineAt; at--) {
    writer.bytes[at] = left > 0 ? 48 + left % 10 : 32;
    left = Math.floor(left / 10);
  }
}

function wholeMs(ms: number): number {
  return Math.min(99_999_999, Math.max(1, Math.floor(ms)));
}
