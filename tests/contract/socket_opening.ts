/** Stories of connections that are made, taken, refused and given back. */
import { assert, assertEquals, rejection } from "@test/assert";
import type { Address } from "../../lib/core/address.ts";
import { MeshError } from "../../lib/core/errors.ts";
import { encodeAddress } from "../../lib/plane/socket_address.ts";
import { hello, type SocketCase } from "./socket_case.ts";
import { inTimeMs, nextRead, raw, readUpTo, until, type World, writeAll } from "./socket_worlds.ts";

async function dialError(world: World, address: Address, timeoutMs = inTimeMs): Promise<MeshError> {
  const error = await rejection(world.dial(address, timeoutMs));
  assert.ok(error instanceof MeshError, String(error));
  return error;
}

export const openingCases: readonly SocketCase[] = [
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
    needs: "raw peers",
    async story(world) {
      const fd = world.keep(raw!.listenTcp({ host: "127.0.0.1", port: 0 }, 0));
      const address = raw!.localAddress(fd);
      // The queue of the listener is full after these.
      for (let index = 0; index < 3; index++) world.keep(raw!.connect(encodeAddress(address)));
      // Deadlines count from the time of the turn.
      const startMs = world.net.now();
      const error = await dialError(world, address, 80);
      const tookMs = performance.now() - startMs;
      assertEquals(error.code, "connect_timeout");
      assert.ok(tookMs >= 75 && tookMs < inTimeMs, `${tookMs} ms`);
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
    needs: "IPv6",
    async story({ pair }) {
      const [client, server] = await pair({ host: "::1", port: 0 });
      assertEquals([client.remoteHost, server.remoteHost], ["::1", "::1"]);
      await writeAll(client, hello);
      assertEquals(await nextRead(server), 5);
    },
  },
  {
    title: "a caller by IPv4 on an IPv6 listener is named by its IPv4 address",
    needs: "IPv6",
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
    needs: "unix sockets",
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
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return 0;
  }
}
