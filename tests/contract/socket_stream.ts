/** Stories of bytes, backpressure, ends and resets. */
import { assert, assertEquals } from "@test/assert";
import { FAILED, WAIT } from "../../lib/data/net/socket.ts";
import { encodeAddress } from "../../lib/plane/socket_address.ts";
import { hello, MiB, rawPair, rawSend, sameBytes, type SocketCase } from "./socket_case.ts";
import { nextRead, pattern, raw, readUpTo, until, writeAll } from "./socket_worlds.ts";

export const streamCases: readonly SocketCase[] = [
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
      assert.ok(sameBytes(back.bytes, bytes), "the echo differs");
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
      assert.ok(sameBytes(got, bytes), "the bytes differ");
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
      assert.ok(sameBytes(got, bytes.subarray(0, taken)));
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
      assert.ok(sameBytes(got, bytes.subarray(0, taken)));
    },
  },
  {
    title: "an end that comes with the last bytes is not lost behind a short read",
    needs: "raw peers",
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
    needs: "raw peers",
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
    needs: "raw peers",
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
    needs: "raw peers",
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
    needs: "raw peers",
    async story(world) {
      const [socket, fd] = await rawPair(world);
      const writing = writeAll(socket, pattern(24 * MiB));
      await world.net.sleep(20);
      raw!.resetOnClose(fd);
      raw!.close(fd);
      assertEquals(await writing, false);
    },
  },
];
