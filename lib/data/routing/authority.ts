/** Where a request wants to go: host and port of its target, found once per spelling and remembered. */
import { isIpv4 } from "../../core/address.ts";
import { isServiceName } from "../../core/names.ts";

/**
 * single: a name without dots, which only a registry can know. dotted: a service or an outside host. ip: a literal,
 * or localhost, which is dialled as it stands.
 */
export type AuthorityKind = "single" | "dotted" | "ip";

export interface Authority<Route> {
  /** As written, for the Host field. */
  readonly text: string;
  readonly host: string;
  /** 0 when the request names none. */
  readonly port: number;
  readonly kind: AuthorityKind;
  /** What the owner found out about it; the owner checks that it still holds. */
  route: Route | undefined;
}

/**
 * Reads `host`, `host:port`, `[v6]:port`.
 *
 * Errors: none; a text says what is wrong.
 * Source: RFC 3986 section 3.2, less user information, which RFC 9110 section 4.2.4 forbids here.
 */
export function parseAuthority<Route>(text: string): Authority<Route> | string {
  if (text.includes("@")) return "user information in the authority";
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::(\d{0,5}))?$/.exec(text);
  if (!match) return "an authority that is not host or host:port";
  const port = Number(match[3] || "0");
  if (port > 65535 || (port === 0 && match[3])) return `the port ${port}`;
  if (match[1] !== undefined) {
    if (!isIpv6(match[1])) return "an authority whose brackets hold no IPv6 address";
    return { text, host: match[1], port, kind: "ip", route: undefined };
  }
  const host = match[2]!;
  if (!/^[A-Za-z0-9._~!$&'()*+,;=%-]+$/.test(host)) return "a character no host name may have";
  const kind = host === "localhost" || isIpv4(host)
    ? "ip"
    : host.includes(".")
    ? "dotted"
    : "single";
  if (kind === "single" && !isServiceName(host)) return "a host that cannot be a service name";
  return { text, host, port, kind, route: undefined };
}

/** Whether text of hex digits, colons and dots is an IPv6 address. */
function isIpv6(text: string): boolean {
  return URL.canParse(`http://[${text}]`);
}

/**
 * Authorities by their bytes, so that a request decodes nothing that was decoded before.
 *
 * Shape: bounded; full, it starts over. Cost: a hash and a comparison of the bytes.
 */
export class AuthorityTable<Route> {
  readonly #byHash = new Map<number, { readonly bytes: Uint8Array; value: Authority<Route> }>();
  readonly #max: number;

  constructor(max = 4096) {
    this.#max = max;
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** Errors: none; a text says what is wrong with the authority. */
  lookup(bytes: Uint8Array, from: number, to: number): Authority<Route> | string {
    let hash = 0x811c9dc5;
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    const known = this.#byHash.get(hash);
    if (known !== undefined && sameBytes(known.bytes, bytes, from, to)) return known.value;
    let text = "";
    for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
    const parsed = parseAuthority<Route>(text);
    if (typeof parsed === "string") return parsed;
    if (this.#byHash.size >= this.#max) this.#byHash.clear();
    this.#byHash.set(hash, { bytes: bytes.slice(from, to), value: parsed });
    return parsed;
  }
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== bytes[from + index]) return false;
  }
  return true;
}
