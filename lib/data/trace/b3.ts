/** The two formats of Zipkin: everything in one `b3` field, or a field for each part. */
import { readWord } from "../../core/hex.ts";
import { type Decision, decisionOnly, type Parent } from "./parent.ts";

const DASH = 45;

/**
 * Reads a single `b3` field: `<trace>-<span>`, then `-<decision>` and `-<parent span>` if the caller likes, or a
 * decision alone.
 *
 * Shape: undefined when it is not valid. Source: B3 propagation, section on the single header.
 */
export function readB3(text: string): Parent | undefined {
  if (text.length === 1) {
    const alone = decisionOf(text);
    return alone === undefined ? undefined : decisionOnly(alone);
  }
  const traceLength = text.charCodeAt(16) === DASH ? 16 : 32;
  if (text.charCodeAt(traceLength) !== DASH) return undefined;
  const spanAt = traceLength + 1;
  const rest = text.length - spanAt - 16;
  let decision: Decision = "open";
  if (rest !== 0) {
    // Behind the span stands a dash and the decision, and behind that perhaps a dash and the parent's span.
    if (rest !== 2 && rest !== 19) return undefined;
    const decided = decisionOf(text.charAt(spanAt + 17));
    if (text.charCodeAt(spanAt + 16) !== DASH || decided === undefined) return undefined;
    if (rest === 19) {
      if (text.charCodeAt(spanAt + 18) !== DASH || !isSpan(text, spanAt + 19)) return undefined;
    }
    decision = decided;
  }
  return withIds({ trace: text, traceLength, span: text, spanAt }, decision);
}

function decisionOf(char: string): Decision | undefined {
  if (char === "1") return "yes";
  if (char === "0") return "no";
  return char === "d" ? "debug" : undefined;
}

/** The fields `x-b3-traceid`, `x-b3-spanid` and so on; undefined where there is none. */
export interface B3Fields {
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly parentSpanId: string | undefined;
  readonly sampled: string | undefined;
  readonly flags: string | undefined;
}

/**
 * Reads the fields of the format with many.
 *
 * Shape: undefined when there are none, or they are not valid. `true` and `false` are taken for 1 and 0, as some
 * older senders write them. Source: B3 propagation, section on multiple headers.
 */
export function readB3Fields(fields: B3Fields): Parent | undefined {
  const { traceId, spanId, parentSpanId, sampled, flags } = fields;
  let decision: Decision = "open";
  if (flags === "1") decision = "debug";
  else if (sampled === "1" || sampled === "true") decision = "yes";
  else if (sampled === "0" || sampled === "false") decision = "no";
  else if (sampled !== undefined) return undefined;
  if (traceId === undefined && spanId === undefined) {
    return decision === "open" ? undefined : decisionOnly(decision);
  }
  if (traceId === undefined || spanId === undefined || spanId.length !== 16) return undefined;
  if (traceId.length !== 16 && traceId.length !== 32) return undefined;
  if (parentSpanId !== undefined && (parentSpanId.length !== 16 || !isSpan(parentSpanId, 0))) {
    return undefined;
  }
  return withIds(
    { trace: traceId, traceLength: traceId.length, span: spanId, spanAt: 0 },
    decision,
  );
}

function isSpan(text: string, at: number): boolean {
  return readWord(text, at) >= 0 && readWord(text, at + 8) >= 0;
}

function withIds(
  { trace, traceLength, span, spanAt }: {
    readonly trace: string;
    readonly traceLength: number;
    readonly span: string;
    readonly spanAt: number;
  },
  decision: Decision,
): Parent | undefined {
  const short = traceLength === 16;
  const trace0 = short ? 0 : readWord(trace, 0), trace1 = short ? 0 : readWord(trace, 8);
  const trace2 = readWord(trace, traceLength - 16), trace3 = readWord(trace, traceLength - 8);
  const span0 = readWord(span, spanAt), span1 = readWord(span, spanAt + 8);
  if (trace0 < 0 || trace1 < 0 || trace2 < 0 || trace3 < 0 || span0 < 0 || span1 < 0) {
    return undefined;
  }
  if ((trace0 | trace1 | trace2 | trace3) === 0 || (span0 | span1) === 0) return undefined;
  return { known: true, trace0, trace1, trace2, trace3, span0, span1, short, decision };
}
