/** Foreign calls refuse what would harm before the kernel sees it, and touch no byte outside the range given. */
import { assert, assertEquals } from "@test/assert";
import { type Libc } from "../../lib/plane/libc.ts";
import { EpollEvents, errno } from "../../lib/plane/linux.ts";
import { encodeAddress } from "../../lib/plane/socket_address.ts";
import { seeded } from "../support/seeded.ts";
import { makers, raw } from "./socket_worlds.ts";

const { missing } = makers.find((maker) => maker.name === "native")!;

function foreign(title: string, fn: (libc: Libc) => void): void {
  Deno.test({
    name: `foreign calls, ${title}${missing ? ` (skipped: ${missing})` : ""}`,
    ignore: missing !== undefined,
    fn: () => fn(raw!),
  });
}

/** Repeats a call until there is something for it; a busy kernel delivers later than within the call before. */
function once(call: () => number): number {
  const latestMs = performance.now() + 10_000;
  for (;;) {
    const result = call();
    if (result !== -errno.EAGAIN || performance.now() > latestMs) return result;
  }
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
  const server = once(() => libc.accept(listener));
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
    assertEquals(once(() => libc.recv(client, buffer, from, to)), to - from);
    memory.forEach((byte, at) => {
      const expected = at >= 64 + from && at < 64 + to ? 0xee : 0x55;
      if (byte !== expected) assert.fail(`byte ${at - 64} after a read into ${from} to ${to}`);
    });
    buffer.fill(7, from, to);
    assertEquals(libc.send(client, buffer, from, to), to - from);
    const back = new Uint8Array(64);
    assertEquals(once(() => libc.recv(server, back, 0, 64)), to - from);
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
