/** Addresses in the form the kernel takes and gives them. */
import { type Address, isIpv4 } from "../core/address.ts";
import { checkInt } from "./linux.ts";

export const AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10;

/** A socket address in the form the kernel takes, made once per endpoint. */
export interface SocketAddress {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly family: number;
}

/**
 * Encodes an address with an IP literal or a path.
 *
 * Errors: RangeError when the host is no IP literal or the path is too long; names have to be resolved before.
 */
export function encodeAddress(address: Address): SocketAddress {
  if ("path" in address) {
    const path = new TextEncoder().encode(address.path);
    if (path.length > 107) throw new RangeError(`the socket path ${address.path} is too long`);
    if (path.length === 0 || path.includes(0)) {
      throw new RangeError("a socket path that is empty or has a zero byte in it");
    }
    const bytes = new Uint8Array(2 + path.length + 1);
    bytes[0] = AF_UNIX;
    bytes.set(path, 2);
    return { bytes, family: AF_UNIX };
  }
  checkInt(address.port, 0, 65535, "a port");
  if (address.host.includes(":")) {
    const bytes = new Uint8Array(28);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, AF_INET6, true);
    view.setUint16(2, address.port);
    bytes.set(parseIpv6(address.host), 8);
    return { bytes, family: AF_INET6 };
  }
  if (!isIpv4(address.host)) throw new RangeError(`${address.host} is not an IP address`);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, address.port);
  bytes.set(address.host.split(".").map(Number), 4);
  return { bytes, family: AF_INET };
}

function parseIpv6(text: string): Uint8Array {
  // A trailing dotted IPv4 part stands for the last two groups.
  const dotted = /^(.*:)([\d.]+)$/.exec(text);
  const [a, b, c, d] = dotted && isIpv4(dotted[2]!) ? dotted[2]!.split(".").map(Number) : [];
  const plain = a === undefined
    ? text
    : `${dotted![1]}${((a << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
  const halves = plain.split("::");
  const head = halves[0] ? halves[0].split(":") : [];
  const tail = halves[1] ? halves[1].split(":") : [];
  const zeros = 8 - head.length - tail.length;
  // "::" stands for one group at least, RFC 4291 section 2.2.
  if (halves.length > 2 || (halves.length === 2 ? zeros < 1 : zeros !== 0)) {
    throw new RangeError(`${text} is not an IPv6 address`);
  }
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, index) => {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) throw new RangeError(`${text} is not an IPv6 address`);
    const value = parseInt(group, 16);
    bytes[index * 2] = value >> 8;
    bytes[index * 2 + 1] = value & 255;
  });
  return bytes;
}

/** The inverse of encodeAddress; an IPv4 address in IPv6 clothes comes back as IPv4. */
export function decodeAddress(bytes: Uint8Array): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const family = view.getUint16(0, true);
  if (family === AF_INET) return { host: bytes.slice(4, 8).join("."), port: view.getUint16(2) };
  if (family === AF_INET6) {
    const mapped = bytes.slice(8, 20).every((byte, i) => byte === (i < 10 ? 0 : 255));
    if (mapped) return { host: bytes.slice(20, 24).join("."), port: view.getUint16(2) };
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + i * 2).toString(16));
    const host = groups.join(":").replace(/(?:^|:)(?:0(?::|$)){2,}/, "::");
    return { host, port: view.getUint16(2) };
  }
  const end = bytes.indexOf(0, 2);
  return { path: new TextDecoder().decode(bytes.subarray(2, end < 0 ? undefined : end)) };
}
