/** Header fields that mesher writes itself: no rule may change them. */

/** Those that frame the message or belong to one connection, the one that says who is asked, the caller's name. */
const names: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-cse-context",
]);

/**
 * Whether a field is the connection's or the sidecars' own.
 *
 * Shape: any case. Source: RFC 9110 section 7.6.1 for those of the connection; sidecars know a call by the others.
 */
export function isOwnField(name: string): boolean {
  const lower = name.toLowerCase();
  return names.has(lower) || lower.startsWith("x-mesher-");
}
