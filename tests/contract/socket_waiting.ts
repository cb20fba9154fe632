/** Stories of deadlines, hang-ups, waking and closing under somebody's hands. */
import { assert, assertEquals } from "@test/assert";
import { FAILED, WAIT } from "../../lib/data/net/socket.ts";
import { hello, MiB, type SocketCase } from "./socket_case.ts";
import { inTimeMs, nextRead, pattern, until, writeAll } from "./socket_worlds.ts";

export const waitingCases: readonly SocketCase[] = [
  {
    title: "a deadline wakes reader and writer and tells of trouble once",
    async story({ pair, net }) {
      const [client] = await pair();
      let troubles = 0;
      client.onTrouble = () => troubles++;
      // Deadlines count from the time of the turn.
      const startMs = net.now();
      client.expireAfter(60);
      const writing = writeAll(client, pattern(24 * MiB));
      await client.readable();
      assertEquals(client.timedOut, true);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs >= 55 && tookMs < inTimeMs, `${tookMs} ms`);
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
      client.expireAfter(inTimeMs);
      await net.sleep(60);
      assertEquals(client.timedOut, false, "moved away");
      client.expireAfter(20);
      client.expireAfter(Infinity);
      await net.sleep(60);
      assertEquals(client.timedOut, false, "lifted");
      client.expireAfter(20);
      await client.readable();
      assertEquals(client.timedOut, true, "set again");
      client.expireAfter(inTimeMs);
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
];
