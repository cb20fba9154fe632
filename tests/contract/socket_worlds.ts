/** The makers of sockets behind one face, so that one suite can hold them to the same behaviour. */
import { NativeNet } from "../../lib/data/net/native/loop.ts";
import { PortableNet } from "../../lib/data/net/portable/net.ts";
import { FAILED, type Listener, type Net, type Socket, WAIT } from "../../lib/data/net/socket.ts";
import type { Address } from "../../lib/core/address.ts";
import { type Libc, openLibc } from "../../lib/plane/libc.ts";

/** The C library for peers that do what no maker of sockets would; undefined where it cannot be had. */
export const raw: Libc | undefined = openLibc();

/** A story that takes longer hangs. Units: milliseconds. */
const storyMs = 40_000;
/** What has to happen soon and has not by then never does. Units: milliseconds. */
const soonMs = 20_000;

export interface Door {
  readonly address: Address;
  readonly listener: Listener;
  /** Set to make the listener pause. */
  paused: boolean;
  /** The next connection that was accepted. */
  accept(): Promise<Socket>;
}

/** What a story works with; everything it opens is closed after it. */
export interface World {
  readonly net: Net;
  listen(address?: Address): Door;
  dial(address: Address, timeoutMs?: number): Promise<Socket>;
  /** Both ends of one connection. */
  pair(address?: Address): Promise<readonly [client: Socket, server: Socket]>;
  /** A descriptor of the C library that is closed after the story. */
  keep(fd: number): number;
}

export interface Maker {
  readonly name: "native" | "portable";
  /** Tells apart what goes by one name. */
  readonly title: string;
  /** Why this maker cannot be had here. */
  readonly missing: string | undefined;
  run(story: (world: World) => Promise<void>): Promise<void>;
}

function worldOf(
  net: Net,
  listenFd: (address: Address) => number | undefined,
): { readonly world: World; close(): void } {
  const sockets: Socket[] = [];
  const listeners: Listener[] = [];
  const descriptors: number[] = [];
  const keep = (fd: number): number => {
    if (fd < 0) throw new Error(`a call failed with system error ${-fd}`);
    descriptors.push(fd);
    return fd;
  };
  const listen = (address: Address = { host: "127.0.0.1", port: 0 }): Door => {
    const waiting: ((socket: Socket) => void)[] = [];
    const arrived: Socket[] = [];
    let paused = false;
    const fd = listenFd(address);
    if (fd !== undefined) keep(fd);
    const listener = net.listen(
      fd === undefined
        ? { role: "inbound", address }
        : { role: "inbound", address: raw!.localAddress(fd), fd },
      {
        accepted(socket) {
          sockets.push(socket);
          const next = waiting.shift();
          if (next === undefined) arrived.push(socket);
          else next(socket);
        },
        full: () => paused,
        pausing() {},
      },
    );
    listeners.push(listener);
    return {
      address: listener.address,
      listener,
      get paused() {
        return paused;
      },
      set paused(value) {
        paused = value;
      },
      accept() {
        const socket = arrived.shift();
        if (socket !== undefined) return Promise.resolve(socket);
        return new Promise((resolve) => waiting.push(resolve));
      },
    };
  };
  const dial = async (address: Address, timeoutMs = soonMs): Promise<Socket> => {
    const socket = await net.dial(address, timeoutMs);
    sockets.push(socket);
    return socket;
  };
  return {
    world: {
      net,
      keep,
      listen,
      dial,
      async pair(address) {
        const door = listen(address);
        const accepted = door.accept();
        const client = await dial(door.address);
        const server = await accepted;
        door.listener.close();
        return [client, server];
      },
    },
    close() {
      for (const listener of listeners) listener.close();
      for (const socket of sockets) socket.close();
      for (const fd of descriptors) raw!.close(fd);
    },
  };
}

const native: Maker = {
  name: "native",
  title: "native",
  missing: raw === undefined
    ? "native sockets need Linux with glibc and the permission for foreign functions"
    : undefined,
  async run(story) {
    const libc = openLibc()!;
    const owned = new Uint8Array(65_536);
    const net = new NativeNet(libc, owned);
    const wakeFd = libc.eventFd();
    const { world, close } = worldOf(net, (address) => libc.listenTcp(address));
    const latestMs = performance.now() + storyMs;
    let ended = false;
    const outcome = story(world).then(() => undefined, (error: unknown) => ({ error }))
      .finally(() => {
        close();
        ended = true;
        libc.signal(wakeFd);
      });
    // What the story did so far goes on before the loop waits for the first time.
    libc.signal(wakeFd);
    // The loop has this thread to itself, as in a data thread: the story runs between its turns.
    await net.run(wakeFd, {
      stopped: () => ended || performance.now() > latestMs,
      messages: () => Promise.resolve(true),
      turned() {},
    });
    libc.close(wakeFd);
    if (!ended) {
      close();
      throw new Error(`the story did not end within ${storyMs} ms`);
    }
    const failed = await outcome;
    if (failed !== undefined) throw failed.error;
    const left = owned.indexOf(1);
    if (left >= 0) throw new Error(`descriptor ${left} was left open`);
    if (net.timers.count > 0) throw new Error(`${net.timers.count} timers were left`);
  },
};

const portables = [true, false].map((handles): Maker => ({
  name: "portable",
  title: handles ? "portable" : "portable, without stream handles,",
  missing: undefined,
  async run(story) {
    const net = new PortableNet({ handles });
    const { world, close } = worldOf(net, () => undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`the story did not end within ${storyMs} ms`)),
        storyMs,
      );
    });
    try {
      await Promise.race([story(world), late]);
    } finally {
      clearTimeout(timer);
      close();
      net.stop();
    }
    if (net.open > 0) throw new Error(`${net.open} sockets were left open`);
    if (net.timers.count > 0) throw new Error(`${net.timers.count} timers were left`);
  },
}));

export const makers: readonly Maker[] = [native, ...portables];

/** Within this a wait that is to end by its own deadline has ended. Units: milliseconds. */
export const inTimeMs = 10_000;

/** Bytes that tell by their place whether one is missing, doubled or moved. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0, state = seed; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Writes everything. Shape: false when the socket failed or its deadline passed. */
export async function writeAll(socket: Socket, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const count = socket.tryWrite(bytes, at, bytes.length);
    if (count === FAILED) return false;
    if (count === WAIT) {
      await socket.writable();
      if (socket.timedOut) return false;
    } else at += count;
  }
  return true;
}

/** Tries only when the socket says that it is worth it, as the engine does: a wrong word of it shows as a hang. */
function tryReadIfReady(socket: Socket, room: Uint8Array<ArrayBuffer>, from: number): number {
  return socket.readReady || socket.closed ? socket.tryRead(room, from, room.length) : WAIT;
}

/** Reads until there are `count` bytes or the stream ended. Shape: the bytes and how it stopped. */
export async function readUpTo(
  socket: Socket,
  count: number,
): Promise<{ readonly bytes: Uint8Array; readonly stop: "count" | "end" | "failed" }> {
  const bytes = new Uint8Array(count);
  let at = 0;
  while (at < count) {
    const got = tryReadIfReady(socket, bytes, at);
    if (got === FAILED || got === 0) {
      return { bytes: bytes.slice(0, at), stop: got === 0 ? "end" : "failed" };
    }
    if (got === WAIT) await socket.readable();
    else at += got;
  }
  return { bytes, stop: "count" };
}

/** What the next read says once it does not say WAIT. */
export async function nextRead(socket: Socket): Promise<number> {
  const room = new Uint8Array(100);
  for (;;) {
    const count = tryReadIfReady(socket, room, 0);
    if (count !== WAIT) return count;
    await socket.readable();
  }
}

/** Lets turns pass until something holds. Errors: Error when it does not for long. */
export async function until(net: Net, what: string, holds: () => boolean): Promise<void> {
  const latestMs = performance.now() + soonMs;
  while (!holds()) {
    if (performance.now() > latestMs) throw new Error(`never: ${what}`);
    await net.sleep(1);
  }
}
