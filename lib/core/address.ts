/** Addresses and endpoint strings: parse, print, compare. */
import type { Endpoint } from "./types.ts";

/** Where something listens or can be dialled. A unix socket has a path and neither host nor port. */
export type Address =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/**
 * Reads `host:port`, `[v6]:port`, `:port`, a bare port, or `unix:/path`.
 *
 * Shape: the host comes back without brackets; `:port` and a bare port mean `defaultHost`.
 * Errors: none; undefined when the text is no address.
 */
export function parseAddress(text: string, defaultHost = "127.0.0.1"): Address | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice(5);
    return path === "" ? undefined : { path };
  }
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:/\[\]]*)):(\d{1,5})$/.exec(
    /^\d{1,5}$/.test(text) ? `:${text}` : text,
  );
  if (!match) return undefined;
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  return { host: match[1] ?? (match[2] || defaultHost), port };
}

/** `host:port` with brackets round an IPv6 host. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function formatAddress(address: Address): string {
  return "path" in address ? `unix:${address.path}` : formatHostPort(address.host, address.port);
}

/** True for 127.0.0.0/8, ::1, localhost and unix sockets. */
export function isLoopback(address: Address): boolean {
  if ("path" in address) return true;
  return isLoopbackHost(address.host);
}

export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host) ||
    /^::ffff:127\.\d+\.\d+\.\d+$/i.test(host);
}

/** True for dotted IPv4 and any text with a colon, which in a host can only be IPv6. */
export function isIpLiteral(host: string): boolean {
  return host.includes(":") || isIpv4(host);
}

export function isIpv4(host: string): boolean {
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}

/**
 * Reads a registry's endpoint string, `rest://10.0.0.7:8080?sslEnabled=true`.
 *
 * Shape: unknown query keys and a path are ignored; undefined when protocol, host or port is missing or wrong.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match =
    /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/?#\[\]]+)):(\d{1,5})(?:\/[^?]*)?(?:\?(.*))?$/
      .exec(text);
  if (!match) return undefined;
  const port = Number(match[4]);
  if (port < 1 || port > 65535) return undefined;
  const secure = /(?:^|&)sslEnabled=true(?:&|$)/.test(match[5] ?? "");
  return { protocol: match[1]!, host: match[2] ?? match[3]!, port, secure };
}

/** The inverse of parseEndpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  const address = formatHostPort(endpoint.host, endpoint.port);
  return `${endpoint.protocol}://${address}${endpoint.secure ? "?sslEnabled=true" : ""}`;
}
