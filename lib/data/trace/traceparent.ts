/** The format of the W3C: `traceparent: 00-<trace>-<span>-<flags>` with `tracestate` beside it. */
import { readByte, readWord } from "../../core/hex.ts";
import type { Parent } from "./parent.ts";

const DASH = 45;
const length = 55;
const sampledFlag = 1;

/**
 * Reads a `traceparent`.
 *
 * Shape: undefined when it is not valid; the caller then counts as one without a trace. Later versions are read as far
 * as this one goes, provided that what follows is set apart by a dash.
 * Source: W3C Trace Context, section 3.2.
 */
export function readTraceparent(text: string): Parent | undefined {
  const version = readByte(text, 0);
  if (version < 0 || version === 255) return undefined;
  if (text.length !== length) {
    if (version === 0 || text.length < length || text.charCodeAt(length) !== DASH) return undefined;
  }
  if (
    text.charCodeAt(2) !== DASH || text.charCodeAt(35) !== DASH || text.charCodeAt(52) !== DASH
  ) return undefined;
  const trace0 = readWord(text, 3), trace1 = readWord(text, 11);
  const trace2 = readWord(text, 19), trace3 = readWord(text, 27);
  const span0 = readWord(text, 36), span1 = readWord(text, 44);
  const flags = readByte(text, 53);
  if (trace0 < 0 || trace1 < 0 || trace2 < 0 || trace3 < 0 || span0 < 0 || span1 < 0 || flags < 0) {
    return undefined;
  }
  if ((trace0 | trace1 | trace2 | trace3) === 0 || (span0 | span1) === 0) return undefined;
  const decision = (flags & sampledFlag) === 0 ? "no" : "yes";
  return { known: true, trace0, trace1, trace2, trace3, span0, span1, short: false, decision };
}

const maxMembers = 32;
/** Longer ones need not be kept; they go on to the next one all the same. */
const maxLength = 512;
const simpleKey = "[a-z][a-z0-9_\\-*/]{0,255}";
const tenantKey = "[a-z0-9][a-z0-9_\\-*/]{0,240}@[a-z][a-z0-9_\\-*/]{0,13}";
const value = "[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]";
const member = new RegExp(`^(${simpleKey}|${tenantKey})=${value}$`);

/**
 * Whether a `tracestate` is what it should be, and may go into a record.
 *
 * Source: W3C Trace Context, section 3.3.
 */
export function isTracestate(text: string): boolean {
  if (text.length > maxLength) return false;
  const keys = new Set<string>();
  for (const part of text.split(",")) {
    const one = part.replace(/^[ \t]+|[ \t]+$/g, "");
    // Empty members are allowed, they come from joining fields.
    if (one === "") continue;
    const key = member.exec(one)?.[1];
    if (key === undefined || keys.has(key)) return false;
    keys.add(key);
  }
  return keys.size > 0 && keys.size <= maxMembers;
}
