/** Splicing: bytes that go from socket to socket inside the kernel, whole, bounded, and never to the wrong one. */
import { assert, assertEquals } from "@test/assert";
import { NativeNet } from "../../lib/data/net/native/loop.ts";
import { FAILED, type Socket, WAIT } from "../../lib/data/net/socket.ts";
import { encodeAddress } from "../../lib/plane/socket_address.ts";
import { sameBytes } from "./socket_case.ts";
import { makers, pattern, raw, readUpTo, until, type World, writeAll } from "./socket_worlds.ts";

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
    assert.ok(sameBytes(got, bytes), "the bytes differ");
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
  assert.ok(sameBytes(first.bytes, bytes.slice(0, 70_000)));
  assert.ok(sameBytes(rest.bytes, bytes.slice(70_000)));
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
  assert.ok(sameBytes(got, bytes));
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
  await until(net, "the sender stops", () => {
    const stands = source.pendingSplice === true && sent === before;
    before = sent;
    return stands;
  });
  assert.ok(sent < bytes.length, "nothing held the sender back");
  assertEquals([source.pendingSplice, net.pipes.busy], [true, 1]);
  const { bytes: got } = await readUpTo(server, bytes.length);
  await sending;
  assertEquals((await splicing).moved, bytes.length);
  assert.ok(sameBytes(got, bytes), "the bytes differ");
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
  assert.ok(sameBytes((await reading).bytes, bytes));
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
    await until(net, "the pipe is full", () => net.pipes.busy === 1);
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
      await until(net, "the pipe is full", () => net.pipes.busy === 1);
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
    assert.ok(sameBytes(got, bytes), "bytes of an earlier connection came through");
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
