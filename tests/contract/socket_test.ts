/** What every maker of sockets owes the HTTP engine, asked of each of them. */
import { assert, assertEquals, rejection } from "@test/assert";
import type { Address } from "../../lib/core/address.ts";
import { MeshError } from "../../lib/core/errors.ts";
import { FAILED, type Socket, WAIT } from "../../lib/data/net/socket.ts";
import { encodeAddress } from "../../lib/plane/libc.ts";
import {
  type Maker,
  makers,
  nextRead,
  pattern,
  raw,
  readUpTo,
  until,
  type World,
  writeAll,
} from "./socket_worlds.ts";

const MiB = 1 << 20;
const hello = new TextEncoder().encode("hello");

interface Case {
  readonly title: string;
  readonly story: (world: World) => Promise<void>;
  /** Why a maker is excused. */
  readonly except?: Partial<Record<Maker["name"], string>>;
  /** Needs peers made straight from the C library. */
  readonly rawPeer?: boolean;
}

/** A connection whose far end is a bare descriptor. */
async function rawPair({ listen, keep }: World): Promise<readonly [socket: Socket, fd: number]> {
  const door = listen();
  const fd = keep(raw!.connect(encodeAddress(door.address)));
  const socket = await door.accept();
  door.listener.close();
  return [socket, fd];
}

function rawSend(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  assertEquals(raw!.send(fd, bytes, 0, bytes.length), bytes.length);
}

async function dialError(world: World, address: Address, timeoutMs = 5000): Promise<MeshError> {
  const error = await rejection(world.dial(address, timeoutMs));
  assert.ok(error instanceof MeshError, String(error));
  return error;
}

const cases: readonly Case[] = [
  {
    title: "dials, accepts and says who is there",
    async story({ pair }) {
      const [client, server] = await pair();
      assertEquals([client.remoteHost, server.remoteHost], ["127.0.0.1", "127.0.0.1"]);
      assertEquals([client.closed, client.hungUp, client.broken, client.timedOut], [
        false,
        false,
        false,
        false,
      ]);
      assertEquals(client.readReady, false, "nothing has come");
      assert.ok(await writeAll(client, hello));
      assertEquals((await readUpTo(server, 5)).bytes, new Uint8Array(hello));
    },
  },
  {
    title: "a refused connection is connect_refused with the endpoint",
    async story(world) {
      const door = world.listen();
      const { address } = door;
      door.listener.close();
      if (world.net.kind === "native") {
        // The descriptor of a native listener belongs to whoever opened it.
        const free = world.keep(raw!.listenTcp({ host: "127.0.0.1", port: 0 }));
        const bound = raw!.localAddress(free);
        raw!.close(free);
        const error = await dialError(world, bound);
        assertEquals(error.code, "connect_refused");
        return;
      }
      const error = await dialError(world, address);
      assert.ok("port" in address);
      assertEquals([error.code, error.endpoint], ["connect_refused", `127.0.0.1:${address.port}`]);
    },
  },
  {
    title: "a host that is no address is connect_refused, not a crash",
    async story(world) {
      for (const host of [":::", "1:2", "::1%9999"]) {
        assertEquals((await dialError(world, { host, port: 80 })).code, "connect_refused", host);
      }
    },
  },
  {
    title: "a connection nobody takes is connect_timeout, in time and without a leftover",
    rawPeer: true,
    async story(world) {
      const fd = world.keep(raw!.listenTcp({ host: "127.0.0.1", port: 0 }, 0));
      const address = raw!.localAddress(fd);
      // The queue of the listener is full after these.
      for (let index = 0; index < 3; index++) world.keep(raw!.connect(encodeAddress(address)));
      const startMs = performance.now();
      const error = await dialError(world, address, 80);
      const tookMs = performance.now() - startMs;
      assertEquals(error.code, "connect_timeout");
      assert.ok(tookMs >= 75 && tookMs < 1000, `${tookMs} ms`);
    },
  },
  {
    title: "8 MiB go both ways at once and arrive whole",
    async story({ pair }) {
      const [client, server] = await pair();
      const bytes = pattern(8 * MiB);
      const echo = async () => {
        const room = new Uint8Array(50_000);
        for (;;) {
          const count = server.tryRead(room, 0, room.length);
          if (count === 0) return server.closeWrite();
          assert.ok(count !== FAILED);
          if (count === WAIT) await server.readable();
          else assert.ok(await writeAll(server, room.slice(0, count)));
        }
      };
      const send = async () => {
        assert.ok(await writeAll(client, bytes));
        client.closeWrite();
      };
      const [back] = await Promise.all([readUpTo(client, bytes.length), send(), echo()]);
      assert.ok(equal(back.bytes, bytes), "the echo differs");
      assertEquals(await nextRead(client), 0);
    },
  },
  {
    title: "a peer that does not read stops the writer, and one that reads again starts it",
    async story({ pair, net }) {
      const [client, server] = await pair();
      const bytes = pattern(24 * MiB);
      let sent = 0, waits = 0;
      const writing = (async () => {
        while (sent < bytes.length) {
          const count = client.tryWrite(bytes, sent, bytes.length);
          assert.ok(count !== FAILED);
          if (count === WAIT) {
            waits++;
            await client.writable();
          } else sent += count;
        }
        client.closeWrite();
      })();
      let before = -1;
      await until(net, "the writer stops", () => {
        const stands = waits > 0 && sent === before;
        before = sent;
        return stands;
      });
      await net.sleep(30);
      assert.ok(sent < bytes.length, "nothing held the writer back");
      const { bytes: got } = await readUpTo(server, bytes.length);
      await writing;
      assert.ok(equal(got, bytes), "the bytes differ");
      assertEquals(await nextRead(server), 0);
    },
  },
  {
    title: "each side can be ended alone, and the other goes on",
    async story({ pair }) {
      const [client, server] = await pair();
      client.closeWrite();
      assertEquals(await nextRead(server), 0);
      assertEquals([server.hungUp, client.hungUp, client.closed], [true, false, false]);
      assert.ok(await writeAll(server, hello));
      assertEquals((await readUpTo(client, 5)).bytes, new Uint8Array(hello));
      server.closeWrite();
      assertEquals(await nextRead(client), 0);
      assertEquals(client.hungUp, true);
      assertEquals(await nextRead(client), 0, "the end stays the end");
    },
  },
  {
    title: "what was taken before closeWrite is delivered before the end",
    async story({ pair }) {
      const [client, server] = await pair();
      const bytes = pattern(MiB);
      const taken = client.tryWrite(bytes, 0, bytes.length);
      assert.ok(taken > 0);
      client.closeWrite();
      client.closeWrite();
      const { bytes: got, stop } = await readUpTo(server, taken + 1);
      assertEquals(stop, "end");
      assert.ok(equal(got, bytes.subarray(0, taken)));
    },
  },
  {
    title: "what was taken before close is delivered too",
    async story({ pair, net }) {
      const [client, server] = await pair();
      const bytes = pattern(MiB);
      const taken = client.tryWrite(bytes, 0, bytes.length);
      client.close();
      client.close();
      assertEquals([client.closed, client.tryWrite(bytes, 0, 1)], [true, FAILED]);
      await net.turn();
      const { bytes: got, stop } = await readUpTo(server, taken + 1);
      assertEquals(stop, "end");
      assert.ok(equal(got, bytes.subarray(0, taken)));
    },
  },
  {
    title: "an end that comes with the last bytes is not lost behind a short read",
    rawPeer: true,
    async story(world) {
      for (const parked of [true, false]) {
        const [socket, fd] = await rawPair(world);
        let got: Promise<number> | undefined;
        if (parked) got = nextRead(socket);
        else await world.net.turn();
        rawSend(fd, hello);
        raw!.shutdownWrite(fd);
        assertEquals(await (got ?? nextRead(socket)), 5);
        assertEquals(await nextRead(socket), 0);
        assertEquals(await nextRead(socket), 0);
        assertEquals(socket.hungUp, true);
      }
    },
  },
  {
    title: "bytes and end that came before the connection was accepted are seen",
    rawPeer: true,
    async story({ listen, keep }) {
      const door = listen();
      const fd = keep(raw!.connect(encodeAddress(door.address)));
      rawSend(fd, hello);
      raw!.shutdownWrite(fd);
      const socket = await door.accept();
      assertEquals(await nextRead(socket), 5);
      assertEquals(await nextRead(socket), 0);
    },
  },
  {
    title: "a reset fails the reader, and goes on failing",
    rawPeer: true,
    async story(world) {
      const [socket, fd] = await rawPair(world);
      raw!.resetOnClose(fd);
      raw!.shutdownWrite(fd);
      await world.net.turn();
      const [second, other] = await rawPair(world);
      raw!.resetOnClose(other);
      raw!.close(other);
      assertEquals(await nextRead(second), FAILED);
      assertEquals(await nextRead(second), FAILED, "it does not turn into an end of the stream");
      assertEquals([second.broken, second.hungUp, second.failure !== ""], [true, true, true]);
      assertEquals(socket.broken, false, "the other connection only ended");
    },
  },
  {
    title: "bytes before a reset can still be read, the reset is no end",
    rawPeer: true,
    async story(world) {
      const [socket, fd] = await rawPair(world);
      assert.ok(await writeAll(socket, pattern(50_000)));
      rawSend(fd, hello);
      await until(world.net, "the bytes are there", () => socket.readReady);
      // A close with unread bytes is a reset, as when a server answers before it has read the whole request.
      raw!.close(fd);
      while (await writeAll(socket, hello)) await world.net.turn();
      assertEquals(await nextRead(socket), 5);
      assertEquals(await nextRead(socket), FAILED);
    },
  },
  {
    title: "writing to a peer that is gone fails after a while and wakes the writer",
    async story({ pair, net }) {
      const [client, server] = await pair();
      server.close();
      let turns = 0;
      while (await writeAll(client, hello)) {
        assert.ok(++turns < 1000, "still taking bytes");
        await net.turn();
      }
      assertEquals([client.broken, client.failure !== ""], [true, true]);
    },
  },
  {
    title: "a peer that breaks while a writer waits for it wakes the writer",
    rawPeer: true,
    async story(world) {
      const [socket, fd] = await rawPair(world);
      const writing = writeAll(socket, pattern(24 * MiB));
      await world.net.sleep(20);
      raw!.resetOnClose(fd);
      raw!.close(fd);
      assertEquals(await writing, false);
    },
  },
  {
    title: "a deadline wakes reader and writer and tells of trouble once",
    async story({ pair, net }) {
      const [client] = await pair();
      let troubles = 0;
      client.onTrouble = () => troubles++;
      const startMs = performance.now();
      client.expireAfter(60);
      const writing = writeAll(client, pattern(24 * MiB));
      await client.readable();
      assertEquals(client.timedOut, true);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs >= 55 && tookMs < 1000, `${tookMs} ms`);
      assertEquals(await writing, false);
      await net.sleep(60);
      assertEquals([troubles, client.closed], [1, false]);
    },
  },
  {
    title: "a deadline can be moved, lifted and set again",
    async story({ pair, net }) {
      const [client] = await pair();
      client.expireAfter(20);
      client.expireAfter(5000);
      await net.sleep(60);
      assertEquals(client.timedOut, false, "moved away");
      client.expireAfter(20);
      client.expireAfter(Infinity);
      await net.sleep(60);
      assertEquals(client.timedOut, false, "lifted");
      client.expireAfter(20);
      await client.readable();
      assertEquals(client.timedOut, true, "set again");
      client.expireAfter(5000);
      assertEquals(client.timedOut, false, "a new deadline begins anew");
    },
  },
  {
    title: "a deadline on a closed socket is none",
    async story({ pair, net }) {
      const [client] = await pair();
      client.close();
      client.expireAfter(10);
      assertEquals(net.timers.count, 0);
    },
  },
  {
    title: "a hang-up is told of although nobody reads",
    async story({ pair, net }) {
      const [client, server] = await pair();
      let troubles = 0;
      client.onTrouble = () => troubles++;
      server.close();
      await until(net, "the hang-up is told of", () => troubles > 0);
      assertEquals([client.hungUp, client.readReady, await nextRead(client)], [true, true, 0]);
    },
  },
  {
    title: "bytes alone are no trouble",
    async story({ pair, net }) {
      const [client, server] = await pair();
      let troubles = 0;
      client.onTrouble = () => troubles++;
      await writeAll(server, hello);
      await until(net, "the bytes arrive", () => client.readReady);
      assertEquals([troubles, client.hungUp], [0, false]);
    },
  },
  {
    title: "close wakes a function that waits, and nothing is told of after it",
    async story({ pair, net }) {
      const [client, server] = await pair();
      let troubles = 0;
      client.onTrouble = () => troubles++;
      const writing = writeAll(client, pattern(24 * MiB));
      const reading = client.readable();
      await net.turn();
      client.close();
      await reading;
      assertEquals(await writing, false);
      server.close();
      await net.sleep(20);
      assertEquals([troubles, client.tryRead(new Uint8Array(1), 0, 1)], [0, FAILED]);
    },
  },
  {
    title: "waiting for a closed socket does not wait",
    async story({ pair }) {
      const [client] = await pair();
      client.close();
      await client.readable();
      await client.writable();
      assertEquals(client.closed, true);
    },
  },
  {
    title: "waiting for what is there already does not wait",
    async story({ pair, net }) {
      const [client, server] = await pair();
      await writeAll(server, hello);
      await until(net, "the bytes arrive", () => client.readReady);
      await client.readable();
      await client.writable();
      assertEquals(await nextRead(client), 5);
    },
  },
  {
    title: "wake wakes a reader without bytes",
    async story({ pair, net }) {
      const [client] = await pair();
      let woken = false;
      const reading = client.readable().then(() => woken = true);
      await net.turn();
      assertEquals(woken, false);
      client.wake();
      await reading;
      assertEquals(client.tryRead(new Uint8Array(1), 0, 1), WAIT);
      client.wake();
    },
  },
  {
    title: "abort cuts the connection so that the peer cannot take it for the end",
    except: { portable: "Deno.Conn cannot send a reset" },
    async story({ pair }) {
      const [client, server] = await pair();
      await writeAll(client, hello);
      assertEquals(await nextRead(server), 5);
      client.abort();
      client.abort();
      assertEquals([client.closed, await nextRead(server)], [true, FAILED]);
    },
  },
  {
    title: "abort ends the connection, also with bytes nobody took",
    async story({ pair, net }) {
      const [client, server] = await pair();
      const writing = writeAll(client, pattern(24 * MiB));
      await net.sleep(20);
      client.abort();
      assertEquals(await writing, false);
      let last = 0;
      while ((last = await nextRead(server)) > 0);
      assert.ok(last === 0 || last === FAILED);
    },
  },
  {
    title: "a paused listener leaves connections in the queue until it may go on",
    async story(world) {
      const door = world.listen();
      door.paused = true;
      // The portable listener takes one that it was already waiting for.
      const first = await world.dial(door.address);
      const second = await world.dial(door.address);
      let accepted = 0;
      const taking = Promise.all([door.accept(), door.accept()].map(async (one) => {
        await one;
        accepted++;
      }));
      await world.net.sleep(120);
      assert.ok(accepted <= (world.net.kind === "native" ? 0 : 1), `${accepted} accepted`);
      door.paused = false;
      await taking;
      assertEquals([first.closed, second.closed, accepted], [false, false, 2]);
      door.listener.close();
    },
  },
  {
    title: "a closed listener takes nobody, and whoever it took stays",
    async story(world) {
      const door = world.listen();
      const client = await world.dial(door.address);
      const server = await door.accept();
      door.listener.close();
      door.listener.close();
      let late = false;
      door.accept().then(() => late = true);
      const outcome = await world.dial(door.address).catch((error: unknown) => error);
      await world.net.sleep(20);
      assertEquals(late, false, String(outcome));
      await writeAll(client, hello);
      assertEquals(await nextRead(server), 5);
    },
  },
  {
    title: "IPv6 is spoken",
    async story({ pair }) {
      const [client, server] = await pair({ host: "::1", port: 0 });
      assertEquals([client.remoteHost, server.remoteHost], ["::1", "::1"]);
      await writeAll(client, hello);
      assertEquals(await nextRead(server), 5);
    },
  },
  {
    title: "a caller by IPv4 on an IPv6 listener is named by its IPv4 address",
    async story(world) {
      const door = world.listen({ host: "::", port: 0 });
      assert.ok("port" in door.address);
      await world.dial({ host: "127.0.0.1", port: door.address.port });
      assertEquals((await door.accept()).remoteHost, "127.0.0.1");
      door.listener.close();
    },
  },
  {
    title: "unix sockets are listened on and dialled",
    async story(world) {
      const folder = Deno.makeTempDirSync();
      try {
        const door = world.listen({ path: `${folder}/a.sock` });
        assertEquals(door.address, { path: `${folder}/a.sock` });
        const client = await world.dial(door.address);
        const server = await door.accept();
        assertEquals([client.remoteHost, server.remoteHost], ["unix", "unix"]);
        await writeAll(client, hello);
        client.closeWrite();
        assertEquals(await nextRead(server), 5);
        assertEquals(await nextRead(server), 0);
        door.listener.close();
        const missing = await dialError(world, { path: `${folder}/none.sock` });
        assertEquals(missing.code, "connect_refused");
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  },
  {
    title: "2,000 connections leave neither descriptors nor timers",
    async story(world) {
      const door = world.listen();
      const first = await world.dial(door.address);
      await writeAll(first, hello);
      await nextRead(await door.accept());
      first.close();
      const before = openDescriptors();
      for (let wave = 0; wave < 40; wave++) {
        const clients = await Promise.all(
          Array.from({ length: 50 }, () => world.dial(door.address)),
        );
        const servers = await Promise.all(clients.map(() => door.accept()));
        for (const socket of [...clients, ...servers]) socket.expireAfter(30_000);
        clients.forEach((client) => client.tryWrite(hello, 0, 5));
        for (const server of servers) assertEquals(await nextRead(server), 5);
        for (const [index, client] of clients.entries()) {
          if (index % 3 === 0) client.abort();
          else if (index % 3 === 1) client.close();
          else servers[index]!.close();
        }
        for (const socket of [...clients, ...servers]) socket.close();
        assertEquals(world.net.timers.count, 0);
      }
      await until(
        world.net,
        "the descriptors are given back",
        () => openDescriptors() <= before,
      );
      door.listener.close();
    },
  },
];

/** Open descriptors of this process; 0 where the system does not tell. */
function openDescriptors(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

const ipv6 = hasIpv6();

for (const maker of makers) {
  for (const { title, story, except, rawPeer } of cases) {
    const reason = maker.missing ?? except?.[maker.name] ??
      (rawPeer && raw === undefined ? "its peer needs the C library" : undefined) ??
      (title.includes("IPv6") && !ipv6 ? "this host has no IPv6" : undefined) ??
      (title.includes("unix") && Deno.build.os === "windows" ? "no unix sockets" : undefined);
    Deno.test({
      name: `${maker.name} sockets, ${title}${reason ? ` (skipped: ${reason})` : ""}`,
      ignore: reason !== undefined,
      fn: () => maker.run(story),
    });
  }
}
