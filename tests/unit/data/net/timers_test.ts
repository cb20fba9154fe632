/** The timer wheel: deadlines pass once, in time, whatever is moved, dropped or added meanwhile. */
import { assert, assertEquals } from "@test/assert";
import { Timers } from "../../../../lib/data/net/timers.ts";
import { Probe } from "../../../support/deadline_probe.ts";
import { seeded } from "../../../support/seeded.ts";

const tickMs = 8;

Deno.test("timers, a deadline passes once, not before it is due and at most one tick late", () => {
  for (const dueMs of [1, 7, 8, 9, 15, 16, 100, 4087, 4088, 4089, 4096, 5000, 20_000]) {
    const timers = new Timers(0, tickMs);
    const probe = new Probe();
    timers.set(probe, dueMs);
    let firedAt = -1;
    for (let now = 0; now <= dueMs + 3 * tickMs; now++) {
      timers.advance(now);
      if (probe.fired > 0 && firedAt < 0) firedAt = now;
    }
    assertEquals(probe.fired, 1, `due at ${dueMs}`);
    assert.ok(firedAt >= dueMs && firedAt <= dueMs + tickMs, `due ${dueMs}, fired ${firedAt}`);
    assertEquals(timers.count, 0);
  }
});

Deno.test("timers, a deadline that moves away is not called at its old time", () => {
  const timers = new Timers(0, tickMs);
  const probe = new Probe();
  timers.set(probe, 100);
  timers.set(probe, 1000);
  assertEquals(timers.count, 1);
  timers.advance(500);
  assertEquals(probe.fired, 0);
  timers.advance(1008);
  assertEquals(probe.fired, 1);
});

Deno.test("timers, a deadline that moves nearer is called at the nearer time", () => {
  const timers = new Timers(0, tickMs);
  const probe = new Probe();
  timers.set(probe, 30_000);
  timers.set(probe, 100);
  assertEquals(timers.count, 1);
  timers.advance(104);
  assertEquals(probe.fired, 1);
  timers.advance(60_000);
  assertEquals(probe.fired, 1);
});

Deno.test("timers, a lifted deadline is never called and leaves the wheel by itself", () => {
  const timers = new Timers(0, tickMs);
  const probe = new Probe();
  timers.set(probe, 100);
  timers.set(probe, Infinity);
  timers.advance(5000);
  assertEquals([probe.fired, timers.count], [0, 0]);
});

Deno.test("timers, a lifted deadline can be set again", () => {
  const timers = new Timers(0, tickMs);
  const probe = new Probe();
  timers.set(probe, 100);
  timers.set(probe, Infinity);
  timers.set(probe, 200);
  timers.advance(150);
  assertEquals(probe.fired, 0);
  timers.advance(208);
  assertEquals(probe.fired, 1);
});

Deno.test("timers, a dropped item leaves the wheel at once and dropping twice is harmless", () => {
  const timers = new Timers(0, tickMs);
  const probe = new Probe();
  timers.set(probe, 100);
  timers.drop(probe);
  timers.drop(probe);
  assertEquals(timers.count, 0);
  timers.advance(1000);
  assertEquals(probe.fired, 0);
});

Deno.test("timers, a deadline already past is called by the next tick", () => {
  const timers = new Timers(1000, tickMs);
  const probe = new Probe();
  timers.set(probe, 10);
  timers.advance(1008);
  assertEquals(probe.fired, 1);
});

Deno.test("timers, after a pause longer than the wheel everything due is called and the rest is kept", () => {
  const timers = new Timers(0, tickMs);
  const dues = Array.from({ length: 2000 }, (_, index) => index * 37 + 1);
  const probes = dues.map((due) => {
    const probe = new Probe();
    timers.set(probe, due);
    return probe;
  });
  timers.advance(50_000);
  const expected = dues.filter((due) => due <= 50_000).length;
  assertEquals(probes.filter((probe) => probe.fired === 1).length, expected);
  assertEquals(timers.count, dues.length - expected);
  timers.advance(100_000);
  assertEquals(probes.every((probe) => probe.fired === 1), true);
});

Deno.test("timers, an expired item may set itself again without being called in the same sweep", () => {
  const timers = new Timers(0, tickMs);
  const probe = new Probe();
  probe.onExpired = () => timers.set(probe, 24 + 100 * probe.fired);
  timers.set(probe, 24);
  timers.advance(24);
  assertEquals(probe.fired, 1);
  timers.advance(128);
  assertEquals(probe.fired, 2);
});

Deno.test("timers, an item may drop its neighbours during the sweep, before and behind it", () => {
  const timers = new Timers(0, tickMs);
  const [first, second, third] = [new Probe(), new Probe(), new Probe()];
  for (const probe of [first, second, third]) timers.set(probe, 24);
  second.onExpired = () => {
    timers.drop(first);
    timers.drop(third);
  };
  timers.advance(24);
  assertEquals([first.fired, second.fired, third.fired, timers.count], [1, 1, 0, 0]);
});

Deno.test("timers, an item may move its neighbour to another slot during the sweep", () => {
  const timers = new Timers(0, tickMs);
  const [first, second, third, later] = [new Probe(), new Probe(), new Probe(), new Probe()];
  for (const probe of [first, second, third]) timers.set(probe, 24);
  timers.set(later, 40);
  first.onExpired = () => {
    timers.drop(second);
    timers.set(second, 40);
  };
  timers.advance(24);
  assertEquals([first.fired, second.fired, third.fired, later.fired], [1, 0, 1, 0]);
  assertEquals(timers.count, 2);
  timers.advance(40);
  assertEquals([second.fired, later.fired, timers.count], [1, 1, 0]);
});

Deno.test("timers, waiting as told never calls a deadline more than a tick late", () => {
  const random = seeded(7);
  const timers = new Timers(0, tickMs);
  let now = 0;
  let late = 0, called = 0;
  const due = new Map<Probe, number>();
  const set = (probe: Probe) => {
    const at = now + 1 + random.below(random.below(4) === 0 ? 20_000 : 300);
    due.set(probe, at);
    timers.set(probe, at);
  };
  for (let index = 0; index < 50; index++) {
    const probe = new Probe();
    probe.onExpired = () => {
      called++;
      const expected = due.get(probe)!;
      assert.ok(now >= expected, "called early");
      late = Math.max(late, now - expected);
      set(probe);
    };
    set(probe);
  }
  for (let round = 0; round < 20_000; round++) {
    const waitMs = timers.waitMs(now, 1000);
    assert.ok(waitMs >= 0 && waitMs <= 1000);
    // Sockets wake the loop before the time as well.
    now += random.below(3) === 0 ? random() * waitMs : waitMs;
    timers.advance(now);
    if (random.below(5) === 0) set(random.of([...due.keys()]));
  }
  assert.ok(called > 1000, `called ${called} times`);
  assert.ok(late <= tickMs + 1, `${late} ms late`);
});

Deno.test("timers, an empty wheel lets the loop wait as long as it likes", () => {
  const timers = new Timers(0, tickMs);
  assertEquals(timers.waitMs(0, 1000), 1000);
  const probe = new Probe();
  timers.set(probe, 100);
  assert.ok(timers.waitMs(0, 1000) <= 104);
  timers.drop(probe);
  assertEquals(timers.waitMs(0, 1000), 1000);
});

Deno.test("timers, a random life of the wheel calls exactly what a plain list would", () => {
  // The second life is long enough for the far wheel to turn.
  const lives = [{ farMs: 30_000, pauseMs: 9000 }, { farMs: 700_000, pauseMs: 400_000 }];
  for (let seed = 1; seed <= 40; seed++) {
    const { farMs, pauseMs } = lives[seed % lives.length]!;
    const random = seeded(seed);
    const timers = new Timers(0, tickMs);
    const probes = Array.from({ length: 60 }, () => new Probe());
    const due = new Map<Probe, number>();
    let now = 0;
    for (const probe of probes) {
      probe.onExpired = () => {
        const expected = due.get(probe);
        assert.ok(expected !== undefined, `seed ${seed}: called without a deadline`);
        assert.ok(now >= expected, `seed ${seed}: called early`);
        due.delete(probe);
        // What a callback does to others is where wheels break.
        const other = random.of(probes);
        if (random.below(3) === 0) forget(other);
        if (random.below(3) === 0) set(other, now + random.below(600) - 20);
      };
    }
    const set = (probe: Probe, at: number) => {
      due.set(probe, at);
      timers.set(probe, at);
    };
    const forget = (probe: Probe) => {
      due.delete(probe);
      timers.drop(probe);
    };
    for (let step = 0; step < 1500; step++) {
      const probe = random.of(probes);
      const action = random.below(10);
      if (action < 5) set(probe, now + random.below(action === 0 ? farMs : 500));
      else if (action === 5) forget(probe);
      else if (action === 6) {
        due.delete(probe);
        timers.set(probe, Infinity);
      } else {
        now += random.below(action === 9 && step % 50 === 0 ? pauseMs : 30);
        timers.advance(now);
        for (const at of due.values()) {
          // A callback may set a deadline that has passed already; the next tick calls it.
          assert.ok(at > now - 2 * tickMs - 20, `seed ${seed}: ${now - at} ms overdue`);
        }
      }
    }
    now += 1_000_000;
    for (const probe of probes) probe.onExpired = () => due.delete(probe);
    timers.advance(now);
    assertEquals([due.size, timers.count], [0, 0], `seed ${seed}`);
  }
});
