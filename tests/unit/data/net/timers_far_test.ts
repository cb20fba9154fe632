/** Far deadlines on the timer wheel: called to the tick like near ones, and hardly looked at until then. */
import { assert, assertEquals } from "@test/assert";
import { type Deadline, Timers } from "../../../../lib/data/net/timers.ts";
import { Probe } from "../../../support/deadline_probe.ts";
import { seeded } from "../../../support/seeded.ts";

const tickMs = 8;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** A loop that sleeps as long as the wheel lets it, on a clock of its own. */
class Loop {
  now: number;
  wakes = 0;
  readonly timers: Timers;

  constructor(startMs = 0, tick = tickMs) {
    this.now = startMs;
    this.timers = new Timers(startMs, tick);
  }

  arm(item: Deadline, ms: number): void {
    this.timers.set(item, this.now + ms);
  }

  /** Runs for a while. Shape: `shortenMs` says by how much something else cuts a sleep short. */
  run(ms: number, shortenMs: (waitMs: number) => number = () => 0): void {
    const endMs = this.now + ms;
    for (;;) {
      const waitMs = this.timers.waitMs(this.now, Infinity);
      assert(waitMs >= 0);
      if (this.now + waitMs > endMs) break;
      this.now += waitMs - shortenMs(waitMs);
      this.wakes++;
      this.timers.advance(this.now);
    }
    this.now = endMs;
    this.timers.advance(endMs);
  }
}

Deno.test("far timers, at any distance a deadline passes once, not early and at most a tick late", () => {
  // A clock that has run for months has ticks of more than 31, 32 and 40 bits.
  const starts = [0, 1000.5, 2 ** 31 * tickMs - 5000, 2 ** 32 * tickMs - 300_000, 2 ** 43 + 0.25];
  const nearEndMs = 511 * tickMs;
  const farEndMs = 255 * 128 * tickMs;
  const edges = [nearEndMs, 4096, 5 * 1024, minuteMs, farEndMs, farEndMs + 1024, 2 * farEndMs];
  const distances = edges.flatMap((edge) => [edge - tickMs, edge - 1, edge, edge + 1, edge + 9]);
  for (const tick of [tickMs, 16]) {
    for (const startMs of starts) {
      for (const dueMs of [...distances, 60 * minuteMs, 3 * dayMs]) {
        const loop = new Loop(startMs, tick);
        const probe = new Probe();
        let firedAt = NaN;
        probe.onExpired = () => firedAt = loop.now;
        loop.arm(probe, dueMs);
        loop.run(dueMs + 2 * tick);
        const what = `start ${startMs}, due ${dueMs}, tick ${tick}: at ${firedAt}`;
        assertEquals([probe.fired, probe.dueAt, loop.timers.count], [1, Infinity, 0], what);
        // The first tick that does not come before it; waiting is in whole milliseconds.
        const bestMs = Math.ceil((startMs + dueMs) / tick) * tick;
        assert(firedAt >= bestMs && firedAt < bestMs + 1, what);
      }
    }
  }
});

Deno.test("far timers, an idle crowd wakes the loop once a second while deadlines are spread, else hardly ever", () => {
  const table = [
    { idleMs: 30_000, spreadMs: 2000, lookMs: 27_000, wakes: 0 },
    { idleMs: minuteMs, spreadMs: 2000, lookMs: 57_000, wakes: 0 },
    { idleMs: 4 * minuteMs, spreadMs: 30_000, lookMs: 200_000, wakes: 0 },
    // Beyond the reach of the far wheel the crowd is looked at once in each of its turns.
    { idleMs: 60 * minuteMs, spreadMs: 2000, lookMs: 50 * minuteMs, wakes: 12 * 3 },
    { idleMs: 60 * minuteMs, spreadMs: 300_000, lookMs: 50 * minuteMs, wakes: 3000 },
  ];
  for (const { idleMs, spreadMs, lookMs, wakes } of table) {
    const loop = new Loop();
    const crowd = Array.from({ length: 4000 }, () => new Probe());
    for (const [index, probe] of crowd.entries()) {
      loop.now = index / crowd.length * spreadMs;
      loop.timers.advance(loop.now);
      loop.arm(probe, idleMs);
    }
    loop.wakes = 0;
    loop.run(lookMs - spreadMs);
    const what = `idle ${idleMs}, spread ${spreadMs}: ${loop.wakes} wakes`;
    assert(loop.wakes <= wakes, what);
    loop.run(idleMs);
    assertEquals(crowd.filter(({ fired }) => fired === 1).length, crowd.length, what);
  }
});

Deno.test("far timers, requests on idle connections leave the crowd as quiet as it was", () => {
  const loop = new Loop();
  const random = seeded(3);
  const crowd = Array.from({ length: 1000 }, () => new Probe());
  for (const probe of crowd) loop.arm(probe, minuteMs);
  // Ten requests a second, each with a time limit that is lifted in time.
  for (let second = 0; second < 55; second++) {
    for (let request = 0; request < 10; request++) {
      const probe = random.of(crowd);
      loop.arm(probe, 15_000);
      loop.run(40);
      loop.arm(probe, Infinity);
      loop.arm(probe, minuteMs);
      loop.run(60);
    }
  }
  assert(loop.wakes <= 55, `${loop.wakes} wakes in 55 s`);
  loop.run(2 * minuteMs);
  assertEquals(crowd.filter(({ fired }) => fired === 1).length, crowd.length);
});

Deno.test("far timers, a deadline that is changed while it waits holds as changed last", () => {
  const table: { what: string; steps: readonly (number | "drop")[]; dueMs: number | undefined }[] =
    [
      { what: "far to near", steps: [minuteMs, 100], dueMs: 100 },
      { what: "far to far and nearer", steps: [minuteMs, 20_000], dueMs: 20_000 },
      { what: "far to far and further", steps: [20_000, minuteMs], dueMs: minuteMs },
      { what: "beyond the wheel to far", steps: [dayMs, minuteMs], dueMs: minuteMs },
      { what: "beyond the wheel to near", steps: [dayMs, 8], dueMs: 8 },
      { what: "near to far", steps: [100, minuteMs], dueMs: minuteMs },
      { what: "near to beyond", steps: [100, dayMs], dueMs: dayMs },
      { what: "far to near and back", steps: [minuteMs, 300, minuteMs], dueMs: minuteMs },
      {
        what: "within one far slot",
        steps: [minuteMs, minuteMs + 90, minuteMs + 20],
        dueMs: 60_020,
      },
      { what: "far, lifted", steps: [minuteMs, Infinity], dueMs: undefined },
      { what: "far, lifted, near", steps: [minuteMs, Infinity, 100], dueMs: 100 },
      { what: "far, dropped", steps: [minuteMs, "drop"], dueMs: undefined },
      { what: "far, dropped, far", steps: [minuteMs, "drop", 30_000], dueMs: 30_000 },
      { what: "far to the past", steps: [minuteMs, -500], dueMs: 0 },
    ];
  for (const { what, steps, dueMs } of table) {
    for (const neighbours of [0, 2]) {
      const loop = new Loop(777.5);
      const probe = new Probe();
      const others = Array.from({ length: neighbours }, () => new Probe());
      let firedAt: number | undefined;
      probe.onExpired = () => firedAt = loop.now - 777.5;
      for (const step of steps) {
        if (step === "drop") loop.timers.drop(probe);
        else {
          for (const other of others) loop.arm(other, step);
          loop.arm(probe, step);
        }
      }
      loop.run(2 * dayMs);
      assertEquals([probe.fired, loop.timers.count], [dueMs === undefined ? 0 : 1, 0], what);
      if (dueMs !== undefined) {
        assert(firedAt! >= dueMs && firedAt! <= dueMs + tickMs + 1, `${what}: at ${firedAt}`);
      }
    }
  }
});

Deno.test("far timers, entries of one far slot may drop and move each other while they are called", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const loop = new Loop();
    const due = new Map<Probe, number>();
    const crowd = Array.from({ length: 40 }, () => new Probe());
    const set = (probe: Probe, ms: number) => {
      due.set(probe, loop.now + ms);
      loop.arm(probe, ms);
    };
    for (const probe of crowd) {
      probe.onExpired = () => {
        assert(loop.now >= due.get(probe)!, `seed ${seed}: called early or without a deadline`);
        due.delete(probe);
        const other = random.of(crowd);
        const action = random.below(4);
        if (action < 2) {
          due.delete(other);
          loop.timers.drop(other);
        } else if (action === 2) {
          set(other, random.of([1, 400, 5000, minuteMs, 300_000]));
        }
      };
      set(probe, minuteMs + random.below(1000));
    }
    loop.run(10 * dayMs, (waitMs) => (random.below(3) === 0 ? random() * waitMs : 0));
    assertEquals([due.size, loop.timers.count], [0, 0], `seed ${seed}`);
  }
});

Deno.test("far timers, after any pause what is due is called in the order of ticks and the rest is kept", () => {
  const random = seeded(11);
  for (const pauseMs of [100, 4096, 20_000, 262_144, 300_000, 60 * minuteMs, 40 * dayMs]) {
    const loop = new Loop(123.25);
    const called: number[] = [];
    const dues = Array.from({ length: 3000 }, () => {
      const probe = new Probe();
      const dueMs = random.below(random.of([1000, 10_000, 300_000, dayMs]));
      probe.onExpired = () => called.push(Math.ceil((123.25 + dueMs) / tickMs));
      loop.arm(probe, dueMs);
      return dueMs;
    });
    loop.now += pauseMs;
    loop.timers.advance(loop.now);
    const due = (ms: number) => Math.ceil((123.25 + ms) / tickMs) * tickMs <= loop.now;
    assertEquals(called.length, dues.filter(due).length, `pause ${pauseMs}`);
    assertEquals(called, called.toSorted((a, b) => a - b), `pause ${pauseMs}`);
    assertEquals(loop.timers.count, dues.length - called.length);
    loop.run(2 * dayMs);
    assertEquals(called.length, dues.length, `pause ${pauseMs}`);
  }
});

Deno.test("far timers, what sets itself again when it is called comes again in time, at any distance", () => {
  for (const againMs of [1, 8, 4080, 4087, 4088, 4089, 4096, minuteMs, 260_096, 261_120, 262_144]) {
    const loop = new Loop();
    const probe = new Probe();
    const times: number[] = [];
    probe.onExpired = () => {
      times.push(loop.now);
      if (times.length < 5) loop.arm(probe, againMs);
    };
    loop.arm(probe, 24);
    loop.run(24 + 5 * (againMs + tickMs));
    const stepMs = Math.ceil(againMs / tickMs) * tickMs;
    assertEquals(times, [0, 1, 2, 3, 4].map((step) => 24 + step * stepMs), `again ${againMs}`);
  }
});

Deno.test("far timers, what sets itself to a time that has passed waits for another tick", () => {
  for (const againMs of [0, -1, -14, -minuteMs]) {
    const loop = new Loop();
    const probe = new Probe();
    probe.onExpired = () => loop.arm(probe, againMs);
    loop.arm(probe, 24);
    for (const [tick, fired] of [[3, 1], [4, 2], [5, 3]] as const) {
      loop.now = tick * tickMs;
      loop.timers.advance(loop.now);
      assertEquals(probe.fired, fired, `again ${againMs}`);
    }
  }
});

Deno.test("far timers, what is set while a long pause is made up for counts from its end", () => {
  for (const again of [0, 100, 5000, minuteMs, dayMs]) {
    const loop = new Loop();
    const probe = new Probe();
    const times: number[] = [];
    probe.onExpired = () => {
      times.push(loop.now);
      if (times.length === 1) loop.arm(probe, again);
    };
    loop.arm(probe, 30_000);
    loop.now = 60 * minuteMs + 3;
    loop.timers.advance(loop.now);
    assertEquals(times, [loop.now]);
    const dueMs = loop.now + again;
    loop.run(2 * dayMs);
    assertEquals(times.length, 2, `again after ${again}`);
    assert(times[1]! >= dueMs && times[1]! <= dueMs + tickMs + 1, `again after ${again}`);
  }
});

Deno.test("far timers, a clock that goes back calls nothing and loses nothing", () => {
  const timers = new Timers(100_000, tickMs);
  const [near, far] = [new Probe(), new Probe()];
  timers.set(near, 100_500);
  timers.set(far, 160_000);
  for (const now of [99_000, 0, 100_300]) timers.advance(now);
  assertEquals([near.fired, far.fired], [0, 0]);
  assert(timers.waitMs(99_000, 5000) > 1000);
  timers.advance(100_504);
  timers.advance(160_000);
  assertEquals([near.fired, far.fired, timers.count], [1, 1, 0]);
});
