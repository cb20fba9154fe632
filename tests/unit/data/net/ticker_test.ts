/** The beat of the portable clock: steady under work, silent without, never later than a deadline asks for. */
import { assert, assertEquals } from "@test/assert";
import { type Schedule, Ticker } from "../../../../lib/data/net/portable/ticker.ts";

const beatMs = 16;

/** Timers on a clock that the test moves. */
class FakeSchedule implements Schedule {
  now = 0;
  readonly #timers = new Map<number, { atMs: number; everyMs: number; then: () => void }>();
  #last = 0;

  every(ms: number, then: () => void): number {
    return this.#add({ atMs: this.now + ms, everyMs: ms, then });
  }

  after(ms: number, then: () => void): number {
    return this.#add({ atMs: this.now + ms, everyMs: Infinity, then });
  }

  #add(timer: { atMs: number; everyMs: number; then: () => void }): number {
    this.#timers.set(++this.#last, timer);
    return this.#last;
  }

  cancel(timer: number): void {
    this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  run(ms: number): void {
    const endMs = this.now + ms;
    for (;;) {
      const [first] = [...this.#timers].sort(([, a], [, b]) => a.atMs - b.atMs);
      if (first === undefined || first[1].atMs > endMs) break;
      const [id, timer] = first;
      this.now = timer.atMs;
      timer.atMs += timer.everyMs;
      if (timer.atMs === Infinity) this.#timers.delete(id);
      timer.then();
    }
    this.now = endMs;
  }
}

/** A ticker and the times of its beats. Shape: `restMs` is what the next deadline leaves. */
function start(restMs: (nowMs: number) => number, onBeat: (beat: number) => void = () => {}) {
  const schedule = new FakeSchedule();
  const beats: number[] = [];
  const ticker = new Ticker({
    beatMs,
    beat: () => onBeat(beats.push(schedule.now)),
    restMs: () => restMs(schedule.now),
    schedule,
  });
  return { schedule, beats, ticker };
}

Deno.test("ticker, without anything to do it beats once a second", () => {
  const { schedule, beats, ticker } = start(() => 1000);
  schedule.run(1000);
  assertEquals(ticker.resting, true);
  const before = beats.length;
  schedule.run(60_000);
  assertEquals([beats.length - before, schedule.pending], [60, 1]);
});

Deno.test("ticker, while something happens now and then it beats steadily", () => {
  for (const everyMs of [1, 16, 100, 240]) {
    const { schedule, beats, ticker } = start(() => 1000);
    while (schedule.now < 12_000) {
      schedule.run(everyMs);
      ticker.touch();
    }
    assertEquals(beats.length, Math.floor(schedule.now / beatMs), `something every ${everyMs} ms`);
  }
});

Deno.test("ticker, what happens in its rest brings the beat back at once", () => {
  const { schedule, beats, ticker } = start(() => 1000);
  schedule.run(5001);
  assertEquals(ticker.resting, true);
  const count = beats.length;
  ticker.touch();
  assertEquals([ticker.resting, schedule.pending], [false, 1]);
  schedule.run(64);
  assertEquals(beats.slice(count), [5017, 5033, 5049, 5065]);
});

Deno.test("ticker, it rests no longer than until the next deadline, and beats steadily around it", () => {
  for (const deadlineMs of [300, 777, 1000, 4321]) {
    const { schedule, beats } = start((now) => {
      return Math.min(1000, now < deadlineMs ? deadlineMs - now : 1000);
    });
    schedule.run(6000);
    const lateMs = beats.find((at) => at >= deadlineMs)! - deadlineMs;
    assert(lateMs <= beatMs, `deadline ${deadlineMs}: ${lateMs} ms late`);
    assert(beats.length < 60, `deadline ${deadlineMs}: ${beats.length} beats`);
  }
});

Deno.test("ticker, with a deadline at hand it does not rest", () => {
  const { schedule, beats, ticker } = start(() => beatMs);
  schedule.run(1600);
  assertEquals([beats.length, ticker.resting], [100, false]);
});

Deno.test("ticker, what a beat sets in motion is something that happens", () => {
  const { schedule, beats, ticker } = start(() => 1000, (beat) => beat === 20 && ticker.touch());
  schedule.run(10_000);
  assertEquals(beats[16]! - beats[15]!, 1000);
  assertEquals(beats.slice(20, 30).map((at, index) => at - beats[19 + index]!), Array(10).fill(16));
});

Deno.test("ticker, stopped it beats no more, whether it rested or not, and whatever happens", () => {
  for (const ranMs of [0, 100, 5000]) {
    const { schedule, beats, ticker } = start(() => 1000);
    schedule.run(ranMs);
    const count = beats.length;
    ticker.stop();
    ticker.touch();
    schedule.run(5000);
    assertEquals([beats.length - count, schedule.pending], [0, 0], `after ${ranMs} ms`);
  }
});

Deno.test("ticker, stopped in the midst of a beat it beats no more", () => {
  for (const last of [3, 16, 18]) {
    const { schedule, beats, ticker } = start(() => 1000, (beat) => beat === last && ticker.stop());
    schedule.run(10_000);
    assertEquals([beats.length, schedule.pending], [last, 0]);
  }
});
