/** Idle connections: the newest is used first, and none that ended, spoke or grew old is handed out. */
import { assertEquals } from "@test/assert";
import { IdlePool, type PoolGauge } from "../../../../lib/data/net/pool.ts";
import { FakeSocket } from "../../../support/fake_socket.ts";

function connection() {
  return { socket: new FakeSocket() };
}

function pool(maxIdle?: number) {
  const gauge: PoolGauge = { idle: 0 };
  return { gauge, pool: new IdlePool<ReturnType<typeof connection>>(gauge, maxIdle) };
}

Deno.test("pool, hands out the connection used last", () => {
  const { pool: idle, gauge } = pool();
  const [one, two] = [connection(), connection()];
  idle.put(one, 1000);
  idle.put(two, 1000);
  assertEquals([gauge.idle, idle.size, two.socket.deadlineMs], [2, 2, 1000]);
  assertEquals(idle.take(), two);
  assertEquals(idle.take(), one);
  assertEquals([idle.take(), gauge.idle], [undefined, 0]);
  assertEquals([one.socket.closed, one.socket.onTrouble], [false, undefined]);
});

const unusable: readonly (readonly [title: string, spoil: (socket: FakeSocket) => void])[] = [
  ["that was closed", (socket) => socket.close()],
  ["whose peer hung up unnoticed", (socket) => socket.hungUp = true],
  ["with bytes nobody asked for", (socket) => socket.arrive([1])],
  ["whose time is over", (socket) => socket.timedOut = true],
];

for (const [title, spoil] of unusable) {
  Deno.test(`pool, passes over and closes a connection ${title}`, () => {
    const { pool: idle, gauge } = pool();
    const [good, bad] = [connection(), connection()];
    idle.put(good, 1000);
    idle.put(bad, 1000);
    spoil(bad.socket);
    assertEquals(idle.take(), good);
    assertEquals([bad.socket.closed, gauge.idle], [true, 0]);
  });
}

for (const [title, spoil] of unusable.slice(0, 3)) {
  Deno.test(`pool, does not take in a connection ${title}`, () => {
    const { pool: idle, gauge } = pool();
    const bad = connection();
    spoil(bad.socket);
    idle.put(bad, 1000);
    assertEquals([idle.size, gauge.idle, bad.socket.closed], [0, 0, true]);
  });
}

Deno.test("pool, takes in a connection that may have more to read but has not", () => {
  const { pool: idle } = pool();
  const one = connection();
  one.socket.claimsReadReady = true;
  idle.put(one, 1000);
  assertEquals([idle.size, one.socket.closed], [1, false]);
});

Deno.test("pool, drops a connection as soon as it ends while it waits", () => {
  const { pool: idle, gauge } = pool();
  const [one, two] = [connection(), connection()];
  idle.put(one, 1000);
  idle.put(two, 1000);
  one.socket.end();
  assertEquals([idle.size, gauge.idle, one.socket.closed], [1, 1, true]);
  assertEquals(idle.take(), two);
});

Deno.test("pool, closes what does not fit", () => {
  const { pool: idle, gauge } = pool(2);
  const all = [connection(), connection(), connection()];
  for (const one of all) idle.put(one, 1000);
  assertEquals(all.map((one) => one.socket.closed), [false, false, true]);
  assertEquals([idle.size, gauge.idle], [2, 2]);
});

Deno.test("pool, closes everything and leaves the gauge to the other pools", () => {
  const gauge: PoolGauge = { idle: 0 };
  const first = new IdlePool<ReturnType<typeof connection>>(gauge);
  const second = new IdlePool<ReturnType<typeof connection>>(gauge);
  const all = [connection(), connection(), connection()];
  first.put(all[0]!, 1000);
  first.put(all[1]!, 1000);
  second.put(all[2]!, 1000);
  first.closeAll();
  assertEquals([first.size, second.size, gauge.idle], [0, 1, 1]);
  assertEquals(all.map((one) => one.socket.closed), [true, true, false]);
  all[0]!.socket.onTrouble?.();
  assertEquals(gauge.idle, 1);
});
