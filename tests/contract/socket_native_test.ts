/** What only native sockets can do and what can only go wrong there: splicing, reused descriptors, foreign calls. */
import { assert, assertEquals } from "@test/assert";
import { NativeNet } from "../../lib/data/net/native/loop.ts";
import type { NativeSocket } from "../../lib/data/net/native/socket.ts";
import { FAILED, type Socket, WAIT } from "../../lib/data/net/socket.ts";
import { encodeAddress, EpollEvents, errno, type Libc, openLibc } from "../../lib/plane/libc.ts";
import { seeded } from "../support/seeded.ts";
import { makers, nextRead, pattern, raw, readUpTo, type World, writeAll } from "./socket_worlds.ts";

const native = makers.find((maker) => maker.name === "native")!;
const { missing } = native;

function story(title: string, fn: (world: World, net: NativeNet) => Promise<void>): void {
  Deno.test({
    name: `native sockets, ${title}${missing ? ` (skipped: ${missing})` : ""}`,
    ignore: missing !== undefined,
    fn: () =>
      native.run((world) => {
        assert.ok(world.net instanceof NativeNet);
        return fn(world, world.net);
      }),
  });
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Moves bytes until so many have reached the target. Shape: the number that arrived, and how it stopped. */
async function spliceAll(
  source: Socket,
  target: Socket,
  length: number,
): Promise<{ readonly moved: number; readonly stop: "count" | "end" | "failed" | "closed" }> {
  let moved = 0;
  while (moved < length) {
    const count = source.spliceTo!(target, length - moved);
    if (count === undefined) return { moved, stop: "closed" };
    if (count === 0) return { moved, stop: "end" };
    if (count === FAILED) return { moved, stop: "failed" };
    if (count > 0) moved += count;
    else await (source.readReady || source.pendingSplice ? target.writable() : source.readable());
  }
  return { moved, stop: "count" };
}

const pipe = 1 << 20;
const sizes = [
  1,
  2,
  4095,
  4096,
  4097,
  65_535,
  65_536,
  65_537,
  pipe - 1,
  pipe,
  pipe + 1,
  2 * pipe,
  5 * pipe + 7,
];

for (const size of sizes) {
  story(`splice, ${size} bytes go from socket to socket whole`, async ({ pair }, net) => {
    const [client, source] = await pair();
    const [target, server] = await pair();
    const bytes = pattern(size);
    const sending = writeAll(client, bytes);
    const [{ moved, stop }, { bytes: got }] = await Promise.all([
      spliceAll(source, target, size),
      readUpTo(server, size),
    ]);
    assert.ok(await sending);
    assertEquals([moved, stop], [size, "count"]);
    assert.ok(equal(got, bytes), "the bytes differ");
    assertEquals([net.pipes.busy, source.pendingSplice], [0, false]);
  });
}

story("splice, takes no byte beyond what it was asked for", async ({ pair }) => {
  const [client, source] = await pair();
  const [target, server] = await pair();
  const bytes = pattern(100_000);
  const sending = writeAll(client, bytes);
  assertEquals((await spliceAll(source, target, 70_000)).moved, 70_000);
  assert.ok(await sending);
  const rest = await readUpTo(source, 30_000);
  const first = await readUpTo(server, 70_000);
  assert.ok(equal(first.bytes, bytes.slice(0, 70_000)));
  assert.ok(equal(rest.bytes, bytes.slice(70_000)));
});

story("splice, many small packets fill the pipe without losing one", async ({ pair }, net) => {
  const [client, source] = await pair();
  const [target, server] = await pair();
  const bytes = pattern(60_000);
  for (let at = 0; at < bytes.length; at += 60) {
    assertEquals(client.tryWrite(bytes, at, at + 60), 60);
  }
  await net.turn();
  const [, { bytes: got }] = await Promise.all([
    spliceAll(source, target, bytes.length),
    readUpTo(server, bytes.length),
  ]);
  assert.ok(equal(got, bytes));
  assertEquals(net.pipes.busy, 0);
});

story("splice, a target that does not read holds the source back", async ({ pair }, net) => {
  const [client, source] = await pair();
  const [target, server] = await pair();
  // More than the buffers of two connections and a pipe hold.
  const bytes = pattern(48 * pipe);
  let sent = 0;
  const sending = (async () => {
    while (sent < bytes.length) {
      const count = client.tryWrite(bytes, sent, bytes.length);
      assert.ok(count !== FAILED);
      if (count === WAIT) await client.writable();
      else sent += count;
    }
  })();
  const splicing = spliceAll(source, target, bytes.length);
  let before = -1;
  while (before !== sent) {
    before = sent;
    await net.sleep(40);
  }
  assert.ok(sent < bytes.length, "nothing held the sender back");
  assertEquals([source.pendingSplice, net.pipes.busy], [true, 1]);
  const { bytes: got } = await readUpTo(server, bytes.length);
  await sending;
  assertEquals((await splicing).moved, bytes.length);
  assert.ok(equal(got, bytes), "the bytes differ");
  assertEquals(net.pipes.busy, 0);
});

story("splice, tells the end of the source after its last byte", async ({ pair }, net) => {
  const [client, source] = await pair();
  const [target, server] = await pair();
  const bytes = pattern(300_000);
  const sending = writeAll(client, bytes).then(() => client.closeWrite());
  const reading = readUpTo(server, bytes.length);
  const { moved, stop } = await spliceAll(source, target, Infinity);
  await sending;
  assertEquals([moved, stop], [bytes.length, "end"]);
  assert.ok(equal((await reading).bytes, bytes));
  assertEquals([source.spliceTo!(target, 10), net.pipes.busy], [0, 0]);
});

story("splice, a source that is reset is no end", async (world, net) => {
  for (const early of [true, false]) {
    const door = world.listen();
    const fd = world.keep(raw!.connect(encodeAddress(door.address)));
    const source = await door.accept();
    door.listener.close();
    const [target, server] = await world.pair();
    const bytes = pattern(1000);
    assertEquals(raw!.send(fd, bytes, 0, 1000), 1000);
    if (early) assertEquals((await spliceAll(source, target, 1000)).moved, 1000);
    raw!.resetOnClose(fd);
    raw!.close(fd);
    assertEquals((await spliceAll(source, target, Infinity)).stop, "failed");
    assertEquals(source.spliceTo!(target, 10), FAILED, "it stays so");
    assertEquals([source.broken, target.broken, net.pipes.busy], [true, false, 0]);
    target.close();
    if (early) assertEquals((await readUpTo(server, 2000)).bytes.length, 1000);
  }
});

story(
  "splice, a target closed in the middle fails the target and frees the pipe",
  async (world, net) => {
    const { pair } = world;
    const [client, source] = await pair();
    const [target, server] = await pair();
    const sending = writeAll(client, pattern(24 * pipe));
    const splicing = spliceAll(source, target, 24 * pipe);
    await net.sleep(60);
    assertEquals(net.pipes.busy, 1);
    server.abort();
    assertEquals((await splicing).stop, "failed");
    assertEquals([target.broken, source.broken, net.pipes.busy], [true, false, 0]);
    source.close();
    assertEquals(await sending, false);
  },
);

story(
  "splice, closing either end frees the pipe and its bytes never reach another",
  async (world, net) => {
    const { pair } = world;
    for (const which of ["source", "target"] as const) {
      const [client, source] = await pair();
      const [target] = await pair();
      const sending = writeAll(client, pattern(24 * pipe, 1));
      const splicing = spliceAllUntilClosed(source, target);
      await net.sleep(60);
      assertEquals(net.pipes.busy, 1, which);
      if (which === "source") {
        source.close();
        assertEquals(net.pipes.busy, 0, "the pipe goes with its source");
        target.close();
      } else {
        target.close();
        await splicing;
        source.close();
      }
      await splicing;
      assertEquals([net.pipes.busy, await sending], [0, false], which);
    }
    const [client, source] = await pair();
    const [target, server] = await pair();
    const bytes = pattern(pipe, 99);
    const sending = writeAll(client, bytes);
    const [, { bytes: got }] = await Promise.all([
      spliceAll(source, target, pipe),
      readUpTo(server, pipe),
    ]);
    assert.ok(await sending);
    assert.ok(equal(got, bytes), "bytes of an earlier connection came through");
  },
);

async function spliceAllUntilClosed(source: Socket, target: Socket): Promise<void> {
  for (;;) {
    const count = source.spliceTo!(target, pipe);
    if (count === undefined || count === 0 || count === FAILED) return;
    if (count > 0) continue;
    await (source.readReady || source.pendingSplice ? target.writable() : source.readable());
  }
}

story("splice, not with a socket of another maker or a closed one", async ({ pair }) => {
  const [client, source] = await pair();
  assertEquals(source.spliceTo!({} as Socket, 10), undefined);
  client.close();
  assertEquals(source.spliceTo!(client, 10), undefined);
  source.close();
  assertEquals(source.spliceTo!(client, 10), undefined);
});

story(
  "a descriptor number that is used again in the same batch gets no event of its predecessor",
  async (world, net) => {
    const door = world.listen();
    const [one, onePeer] = await connected(world);
    const [two, twoPeer] = await connected(world);
    let next: Promise<Socket> | undefined;
    let freed = -1;
    const replace = (other: NativeSocket) => () => {
      if (next !== undefined) return;
      freed = other.fd;
      other.close();
      // The lowest free number is taken, so that the event still to come would meet the new connection.
      next = world.dial(door.address);
    };
    one.onTrouble = replace(two);
    two.onTrouble = replace(one);
    // Both hang-ups are in one answer of epoll_wait.
    raw!.shutdownWrite(onePeer);
    raw!.shutdownWrite(twoPeer);
    await net.turn();
    assert.ok(next !== undefined);
    const socket = await next as NativeSocket;
    assertEquals(socket.fd, freed, "the number was used again");
    assertEquals([socket.hungUp, socket.broken, socket.readReady], [false, false, false]);
    const server = await door.accept();
    await writeAll(server, pattern(7));
    assertEquals(await nextRead(socket), 7);
    door.listener.close();
  },
);

async function connected(world: World): Promise<readonly [NativeSocket, number]> {
  const door = world.listen();
  const fd = raw!.connect(encodeAddress(door.address));
  const socket = await door.accept() as NativeSocket;
  door.listener.close();
  await world.net.turn();
  return [socket, fd];
}

story("a peer that vanishes before it is accepted does no harm", async (world) => {
  const door = world.listen();
  for (let index = 0; index < 20; index++) {
    const fd = raw!.connect(encodeAddress(door.address));
    raw!.resetOnClose(fd);
    raw!.close(fd);
  }
  const client = await world.dial(door.address);
  await writeAll(client, pattern(3));
  for (let seen = 0; seen < 21; seen++) {
    const socket = await door.accept();
    if (await nextRead(socket) === 3) return door.listener.close();
  }
  assert.fail("the good connection did not come through");
});

story(
  "turns go on while somebody waits for one, and sleeping ends in time",
  async (_world, net) => {
    const before = net.turns;
    await net.turn();
    await net.turn();
    assert.ok(net.turns >= before + 2);
    const startMs = performance.now();
    await net.sleep(30);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 29 && tookMs < 500, `${tookMs} ms`);
  },
);

Deno.test({
  name: `native sockets, a loop that has ended leaves the sets of other loops alone${
    missing ? ` (skipped: ${missing})` : ""
  }`,
  ignore: missing !== undefined,
  async fn() {
    const libc = openLibc()!;
    const net = new NativeNet(libc);
    const wakeFd = libc.eventFd(), listenFd = libc.listenTcp({ host: "127.0.0.1", port: 0 });
    const address = libc.localAddress(listenFd);
    const listener = net.listen(
      { role: "inbound", address, fd: listenFd },
      () => {},
      () => false,
    );
    await net.run(wakeFd, { stopped: () => true, messages: () => Promise.resolve(), turned() {} });
    // Takes the number of the set that was closed, and the listener too.
    const other = libc.epollCreate();
    assertEquals(libc.epollAdd(other, listenFd, 1, 7), 0);
    listener.close();
    assertEquals(libc.epollAdd(other, listenFd, 1, 7), -17, "still in the other set");
    for (const fd of [other, wakeFd, listenFd]) libc.close(fd);
  },
});

function foreign(title: string, fn: (libc: Libc) => void): void {
  Deno.test({
    name: `foreign calls, ${title}${missing ? ` (skipped: ${missing})` : ""}`,
    ignore: missing !== undefined,
    fn: () => fn(raw!),
  });
}

const notDescriptors = [-1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 32, 2 ** 32 + 1, -(2 ** 31)];
const notLengths = [-1, 0, 0.5, NaN, Infinity, 2 ** 31, 2 ** 32 + 1];

const descriptorCalls: Readonly<Record<string, (libc: Libc, fd: number) => unknown>> = {
  localAddress: (libc, fd) => libc.localAddress(fd),
  accept: (libc, fd) => libc.accept(fd),
  socketError: (libc, fd) => libc.socketError(fd),
  resetOnClose: (libc, fd) => libc.resetOnClose(fd),
  recv: (libc, fd) => libc.recv(fd, new Uint8Array(8), 0, 8),
  peek: (libc, fd) => libc.peek(fd),
  send: (libc, fd) => libc.send(fd, new Uint8Array(8), 0, 8),
  shutdownWrite: (libc, fd) => libc.shutdownWrite(fd),
  "splice from": (libc, fd) => libc.splice(fd, 0, 8),
  "splice to": (libc, fd) => libc.splice(0, fd, 8),
  signal: (libc, fd) => libc.signal(fd),
  clear: (libc, fd) => libc.clear(fd),
  epollAdd: (libc, fd) => libc.epollAdd(0, fd, 1, 1),
  "epollAdd to": (libc, fd) => libc.epollAdd(fd, 0, 1, 1),
  epollRemove: (libc, fd) => libc.epollRemove(0, fd),
  "epollRemove from": (libc, fd) => libc.epollRemove(fd, 0),
  epollWait: (libc, fd) => libc.epollWait(fd, new EpollEvents(1), 0),
};

for (const [name, call] of Object.entries(descriptorCalls)) {
  foreign(`${name} refuses what is no descriptor`, (libc) => {
    for (const fd of notDescriptors) {
      assert.throws(() => call(libc, fd), RangeError, `${fd}`);
    }
  });
}

foreign("close passes over failed calls and refuses what is no descriptor", (libc) => {
  libc.close(-24);
  for (const fd of [0.5, NaN, Infinity, 2 ** 31, 2 ** 32]) {
    assert.throws(() => libc.close(fd), RangeError, `${fd}`);
  }
});

foreign("sizes, backlogs, events and waiting times are checked", (libc) => {
  const epoll = libc.epollCreate();
  for (const bad of notLengths) {
    assert.throws(() => libc.splice(0, 1, bad), RangeError, `splice ${bad}`);
    assert.throws(() => libc.pipe(bad), RangeError, `pipe ${bad}`);
    assert.throws(() => new EpollEvents(bad), RangeError, `events ${bad}`);
  }
  assert.throws(() => new EpollEvents(1e9), RangeError);
  for (const bad of [-1, 0.5, NaN, 2 ** 31]) {
    assert.throws(() => libc.listenTcp({ host: "127.0.0.1", port: 0 }, bad), RangeError);
  }
  for (const bad of [-2, 0.5, NaN, Infinity, 2 ** 31]) {
    assert.throws(() => libc.epollWait(epoll, new EpollEvents(1), bad), RangeError, `${bad}`);
  }
  const noEvents = { bytes: new Uint8Array(1), capacity: 512 } as unknown as EpollEvents;
  assert.throws(() => libc.epollWait(epoll, noEvents, 0), RangeError);
  for (const bad of [0.5, NaN, 2 ** 32, -(2 ** 32)]) {
    assert.throws(() => libc.epollAdd(epoll, 0, bad, 1), RangeError, `events ${bad}`);
    assert.throws(() => libc.epollAdd(epoll, 0, 1, bad), RangeError, `generation ${bad}`);
  }
  libc.close(epoll);
});

foreign("failures come back as negative error numbers", (libc) => {
  const epoll = libc.epollCreate();
  const closed = libc.epollCreate();
  libc.close(closed);
  const EBADF = 9, ENOTSOCK = 88;
  assertEquals(libc.recv(closed, new Uint8Array(1), 0, 1), -EBADF);
  assertEquals(libc.send(epoll, new Uint8Array(1), 0, 1), -ENOTSOCK);
  assertEquals(libc.epollWait(closed, new EpollEvents(1), 0), -EBADF);
  assertEquals(libc.accept(closed), -EBADF);
  assert.throws(() => libc.localAddress(epoll), /system error 88/);
  const listener = libc.listenTcp({ host: "127.0.0.1", port: 0 });
  assertEquals(libc.listenTcp(libc.localAddress(listener)), -errno.EADDRINUSE);
  assertEquals(libc.listenTcp({ host: "192.0.2.1", port: 0 }), -errno.EADDRNOTAVAIL);
  assertEquals(libc.accept(listener), -errno.EAGAIN);
  for (const fd of [listener, epoll]) libc.close(fd);
});

foreign("a buffer is touched in its range only, whatever the range", (libc) => {
  const listener = libc.listenTcp({ host: "127.0.0.1", port: 0 });
  const client = libc.connect(encodeAddress(libc.localAddress(listener)));
  const server = libc.accept(listener);
  assert.ok(server >= 0);
  const random = seeded(77);
  const odd = [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 65, 64, 63, 0, 1];
  const number = () => random.below(3) === 0 ? random.of(odd) : random.below(70);
  const fill = new Uint8Array(64).fill(0xee);
  let good = 0, refused = 0;
  for (let round = 0; round < 20_000; round++) {
    // The buffer lies between guards in one piece of memory.
    const memory = new Uint8Array(192).fill(0x55);
    const buffer = memory.subarray(64, 128);
    const from = number(), to = number();
    const inside = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to &&
      to <= 64;
    if (!inside || from === to) {
      assert.throws(() => libc.recv(client, buffer, from, to), RangeError, `${from} ${to}`);
      if (!inside) {
        assert.throws(() => libc.send(client, buffer, from, to), RangeError, `${from} ${to}`);
      }
      refused++;
      continue;
    }
    assertEquals(libc.send(server, fill, 0, to - from), to - from);
    assertEquals(libc.recv(client, buffer, from, to), to - from);
    memory.forEach((byte, at) => {
      const expected = at >= 64 + from && at < 64 + to ? 0xee : 0x55;
      if (byte !== expected) assert.fail(`byte ${at - 64} after a read into ${from} to ${to}`);
    });
    buffer.fill(7, from, to);
    assertEquals(libc.send(client, buffer, from, to), to - from);
    const back = new Uint8Array(64);
    assertEquals(libc.recv(server, back, 0, 64), to - from);
    assert.ok(back.subarray(0, to - from).every((byte) => byte === 7), "sent from elsewhere");
    good++;
  }
  assert.ok(good > 3000 && refused > 3000, `${good} good, ${refused} refused`);
  // Nothing that was refused has reached the kernel.
  assertEquals(libc.recv(client, new Uint8Array(8), 0, 8), -errno.EAGAIN);
  assertEquals(libc.recv(server, new Uint8Array(8), 0, 8), -errno.EAGAIN);
  assert.throws(() => libc.recv(client, new Uint8Array(0), 0, 0), RangeError);
  const gone = new Uint8Array(8);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  assert.throws(() => libc.recv(client, gone, 0, 8), RangeError, "memory that was given away");
  for (const fd of [client, server, listener]) libc.close(fd);
});
