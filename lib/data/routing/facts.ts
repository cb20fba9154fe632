/** What routing decisions may look at in a request, and how one value is read out of cookies and queries. */
import type { TrafficKey } from "../../core/traffic.ts";

/**
 * One request as rules see it. Nothing is decoded before it is asked for.
 *
 * Shape: texts are UTF-8; bytes that are none are read as latin-1. Rules ask for the same thing again and again, so an
 * implementation does well to remember what it has decoded.
 */
export interface RequestFacts {
  readonly method: string;
  /** Without the query, as it was sent: escapes stay. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /**
   * Value of a field, whatever case its name is in; rules ask in lower case.
   *
   * Shape: several fields of one name joined by `, `, those of Cookie by `; `. Undefined when there is none.
   */
  header(name: string): string | undefined;
  /** Name of the calling service; empty when it is not known. */
  readonly caller: string;
  /** Address of the peer, without its port. */
  readonly source: string;
}

/**
 * Value of the first cookie of that name.
 *
 * Shape: quotes round a value are taken off; names are case-sensitive; undefined when there is none.
 * Source: RFC 6265 section 4.2.1, read as leniently as section 5.4 writes.
 */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 1)) {
    let before = at - 1;
    while (before >= 0 && isBlank(header.charCodeAt(before))) before--;
    if (before >= 0 && header[before] !== ";") continue;
    let from = at + name.length;
    while (from < header.length && isBlank(header.charCodeAt(from))) from++;
    if (header[from] !== "=") continue;
    const end = header.indexOf(";", from);
    const value = header.slice(from + 1, end < 0 ? header.length : end).trim();
    const isQuoted = value.length > 1 && value[0] === '"' && value.endsWith('"');
    return isQuoted ? value.slice(1, -1) : value;
  }
  return undefined;
}

function isBlank(unit: number): boolean {
  return unit === 32 || unit === 9;
}

/**
 * Value of the first parameter of that name, with `+` and escapes decoded.
 *
 * Shape: a parameter without `=` is the empty text; undefined when there is none. Escapes that are none stay.
 * Cost: nothing is decoded but names with escapes and the value found.
 */
export function queryValue(query: string, name: string): string | undefined {
  let from = 0;
  while (from < query.length) {
    let end = query.indexOf("&", from);
    if (end < 0) end = query.length;
    let equals = query.indexOf("=", from);
    if (equals < 0 || equals > end) equals = end;
    if (isNamed(query, { from, to: equals }, name)) {
      return equals === end ? "" : decoded(query.slice(equals + 1, end));
    }
    from = end + 1;
  }
  return undefined;
}

function isNamed(
  query: string,
  { from, to }: { readonly from: number; readonly to: number },
  name: string,
): boolean {
  // Every escape is longer than what it stands for, and `+` as long.
  if (to - from < name.length || from === to) return false;
  const written = query.slice(from, to);
  if (!written.includes("%") && !written.includes("+")) return written === name;
  return decoded(written) === name;
}

function decoded(text: string): string {
  const plain = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!plain.includes("%")) return plain;
  try {
    return decodeURIComponent(plain);
  } catch {
    // A broken escape, or bytes that are no UTF-8: what can be decoded is, the rest stays as it is written.
    return plain.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
      try {
        return decodeURIComponent(escapes);
      } catch {
        return escapes;
      }
    });
  }
}

/** What a hash is taken over. Shape: undefined for a request that has no such thing; an empty value is none. */
export function trafficKey(facts: RequestFacts, key: TrafficKey): string | undefined {
  switch (key.kind) {
    case "header":
      return facts.header(key.name) || undefined;
    case "cookie":
      return cookieValue(facts.header("cookie"), key.name) || undefined;
    case "source":
      return facts.source || undefined;
    case "caller":
      return facts.caller || undefined;
  }
}
