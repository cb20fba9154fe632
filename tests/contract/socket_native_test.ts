/** What can only go wrong with native sockets: descriptor numbers that come back, and sets of several loops. */
import { assert, assertEquals } from "@test/assert";
import { NativeNet } from "../../lib/data/net/native/loop.ts";
import type { NativeSocket } from "../../lib/data/net/native/socket.ts";
import type { Socket } from "../../lib/data/net/socket.ts";
import { openLibc } from "../../lib/plane/libc.ts";
import { encodeAddress } from "../../lib/plane/socket_address.ts";
import { inTimeMs, makers, nextRead, pattern, raw, type World, writeAll } from "./socket_worlds.ts";

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
    raw!.shutdownWrite(onePeer);
    raw!.shutdownWrite(twoPeer);
    // Both hang-ups are in one answer of epoll_wait, once the kernel has delivered both; a busy one does it later.
    for (const { fd } of [one, two]) comes(() => raw!.peek(fd) === 0);
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

/** Waits, without a turn of the loop, for what the kernel does within microseconds as a rule. */
function comes(holds: () => boolean): void {
  const latestMs = performance.now() + inTimeMs;
  while (!holds()) assert.ok(performance.now() < latestMs, "it does not come");
}

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
    const startMs = net.now();
    await net.sleep(30);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 29 && tookMs < inTimeMs, `${tookMs} ms`);
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
      { accepted: () => {}, full: () => false, pausing: () => {} },
    );
    await net.run(wakeFd, {
      stopped: () => true,
      messages: () => Promise.resolve(true),
      turned() {},
    });
    // Takes the number of the set that was closed, and the listener too.
    const other = libc.epollCreate();
    assertEquals(libc.epollAdd(other, listenFd, 1, 7), 0);
    listener.close();
    assertEquals(libc.epollAdd(other, listenFd, 1, 7), -17, "still in the other set");
    for (const fd of [other, wakeFd, listenFd]) libc.close(fd);
  },
});
