/** Leaves for addresses: where a listener opens, and under which address others reach it. */
import { type Address, formatAddress, isIpv4, parseAddress } from "../core/address.ts";
import { leaf, Refusal } from "./leaf.ts";

export type TcpAddress = Extract<Address, { readonly port: number }>;

/** The address under which other hosts reach inbound; without a port it is that of the listener. */
export interface Advertised {
  readonly host: string;
  readonly port?: number;
}

/** Digits and dots that are no IPv4 address would go to the resolver as a name; nobody means that. */
function hostIsPlausible(host: string): boolean {
  return host !== "" && (!/^[\d.]+$/.test(host) || isIpv4(host));
}

function readTcp(value: unknown, defaultHost: string): TcpAddress | undefined {
  const address = typeof value === "string" || typeof value === "number"
    ? parseAddress(String(value), defaultHost)
    : undefined;
  if (address === undefined || "path" in address) return undefined;
  return hostIsPlausible(address.host) ? address : undefined;
}

/** A TCP listener. A port without a host means the host of the default. */
export function tcpListener(host: string, port: number) {
  return leaf<TcpAddress>({
    read: (value) => {
      if (typeof value === "string" && value.startsWith("unix:")) {
        return new Refusal("is a unix socket, but other hosts have to reach this listener");
      }
      return readTcp(value, host) ??
        new Refusal(`is not an address; write for example ${host}:${port}, [::1]:${port} or :0`);
    },
    write: formatAddress,
  }).prefault(`${host}:${port}`);
}

/** A listener for programs of this host: TCP or a unix socket. */
export function localListener(port: number) {
  const host = "127.0.0.1";
  return leaf<Address>({
    read: (value) => {
      if (typeof value === "string" && value.startsWith("unix:") && value.length > 5) {
        return { path: value.slice(5) };
      }
      return readTcp(value, host) ??
        new Refusal(
          `is not an address; write for example ${host}:${port}, [::1]:${port}, :0 or unix:/run/mesher.sock`,
        );
    },
    write: formatAddress,
  }).prefault(`${host}:${port}`);
}

function readAdvertised(text: string): Advertised | undefined {
  const bareV6 = /^\[?([0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]?$/.exec(text);
  if (bareV6 && text.startsWith("[") === text.endsWith("]")) return { host: bareV6[1]! };
  if (/^[A-Za-z0-9_.-]+$/.test(text)) {
    return /^\d+$/.test(text) || !hostIsPlausible(text) ? undefined : { host: text };
  }
  const address = text.startsWith(":") ? undefined : readTcp(text, "");
  return address === undefined || address.port === 0 ? undefined : address;
}

export function advertised() {
  return leaf<Advertised>({
    read: (value) => {
      const read = typeof value === "string" ? readAdvertised(value) : undefined;
      if (read === undefined) {
        return new Refusal(
          "is not a host or host:port; write for example 10.0.0.7, 10.0.0.7:30103 or [2001:db8::7]:30103",
        );
      }
      if (read.host === "0.0.0.0" || /^[0:]+$/.test(read.host)) {
        return new Refusal("cannot be reached from anywhere; write an address of this host");
      }
      return read;
    },
    write: ({ host, port }) => port === undefined ? host : formatAddress({ host, port }),
  });
}
