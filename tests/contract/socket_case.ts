/** The shape of one story that every maker of sockets is asked, and what several of them share. */
import { assertEquals } from "@test/assert";
import { encodeAddress } from "../../lib/plane/socket_address.ts";
import type { Socket } from "../../lib/data/net/socket.ts";
import { type Maker, raw, type World } from "./socket_worlds.ts";

export interface SocketCase {
  readonly title: string;
  readonly story: (world: World) => Promise<void>;
  /** Why a maker is excused. */
  readonly except?: Partial<Record<Maker["name"], string>>;
  /** What not every host has; raw peers are made straight from the C library. */
  readonly needs?: "raw peers" | "IPv6" | "unix sockets";
}

export const MiB = 1 << 20;
export const hello: Uint8Array<ArrayBuffer> = new TextEncoder().encode("hello");

/** A connection whose far end is a bare descriptor. */
export async function rawPair(
  { listen, keep }: World,
): Promise<readonly [socket: Socket, fd: number]> {
  const door = listen();
  const fd = keep(raw!.connect(encodeAddress(door.address)));
  const socket = await door.accept();
  door.listener.close();
  return [socket, fd];
}

/** Sends from a bare descriptor what its buffer takes at once. */
export function rawSend(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  assertEquals(raw!.send(fd, bytes, 0, bytes.length), bytes.length);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
