/** The line of requests that wait for their turn: its order, its bounds, and what it does when too many come. */
import { assert, assertEquals } from "@test/assert";
import { Waiter, WaitingLine } from "../../../../lib/data/resilience/queue.ts";
import { seeded } from "../../../support/seeded.ts";

const policy = { queue: 3, queueMs: 1000 };

/** A line of named waiters and what became of them, in order. */
class Story {
  readonly line: WaitingLine;
  readonly told: string[] = [];
  readonly waiters = new Map<string, Waiter>();

  constructor(lengthAndTime = policy) {
    this.line = new WaitingLine(lengthAndTime);
  }

  join(name: string, nowMs: number, deadlineMs?: number): boolean {
    const waiter = new Waiter((outcome) => this.told.push(`${name} ${outcome}`), deadlineMs);
    this.waiters.set(name, waiter);
    return this.line.join(waiter, nowMs);
  }
}

Deno.test("waiting line, who came first goes first", () => {
  const story = new Story();
  for (const name of ["a", "b", "c"]) story.join(name, 0);
  assertEquals([1, 2, 3, 4].map((nowMs) => story.line.take(nowMs)), [true, true, true, false]);
  assertEquals(story.told, ["a turn", "b turn", "c turn"]);
});

Deno.test("waiting line, is bounded, and who does not get in is not told anything", () => {
  const story = new Story();
  assertEquals(["a", "b", "c", "d"].map((name) => story.join(name, 0)), [true, true, true, false]);
  assertEquals([story.line.length, story.told], [3, []]);
});

Deno.test("waiting line, with no places nobody waits", () => {
  assertEquals(new Story({ queue: 0, queueMs: 1000 }).join("a", 0), false);
});

Deno.test("waiting line, nobody joins after its own deadline", () => {
  assertEquals(new Story().join("a", 100, 100), false);
});

Deno.test("waiting line, lets go who has waited long enough, oldest first", () => {
  const story = new Story();
  story.join("a", 0);
  story.join("b", 100);
  story.join("c", 200, 600);
  assertEquals(story.line.nextDueMs(), 1000);
  assertEquals([story.line.expire(999), story.line.expire(1100)], [0, 3]);
  assertEquals(story.told, ["a late", "b late", "c late"]);
  assertEquals([story.line.length, story.line.nextDueMs()], [0, Infinity]);
});

Deno.test("waiting line, who is late by its own deadline does not get a turn", () => {
  const story = new Story();
  story.join("a", 0, 50);
  story.join("b", 10);
  assertEquals(story.line.take(60), true);
  assertEquals(story.told, ["a late", "b turn"]);
});

for (const leaves of ["a", "b", "c"]) {
  Deno.test(`waiting line, ${leaves} of a, b and c leaves and the others keep their order`, () => {
    const story = new Story();
    for (const name of ["a", "b", "c"]) story.join(name, 0);
    const waiter = story.waiters.get(leaves)!;
    story.line.leave(waiter);
    story.line.leave(waiter);
    assertEquals(story.line.length, 2);
    story.line.take(1);
    story.line.take(1);
    assertEquals(
      story.told,
      ["a", "b", "c"].filter((name) => name !== leaves).map((name) => `${name} turn`),
    );
  });
}

Deno.test("waiting line, leaving after one's turn harms nobody", () => {
  const story = new Story();
  story.join("a", 0);
  story.line.take(1);
  story.join("b", 1);
  story.line.leave(story.waiters.get("a")!);
  assertEquals([story.line.length, story.line.take(2), story.told], [1, true, [
    "a turn",
    "b turn",
  ]]);
});

Deno.test("waiting line, when the oldest has waited too long the newest goes first", () => {
  const story = new Story();
  story.join("a", 0);
  story.join("b", 400);
  assertEquals(story.line.overloaded(499), false);
  assertEquals(story.line.overloaded(500), true);
  story.join("c", 500);
  story.line.take(501);
  assertEquals(story.told, ["c turn"]);
});

Deno.test("waiting line, when the old ones are gone order is fair again", () => {
  const story = new Story();
  story.join("a", 0);
  story.join("b", 900);
  story.join("c", 950);
  story.line.expire(1000);
  story.line.take(1000);
  assertEquals(story.told, ["a late", "b turn"]);
});

Deno.test("waiting line, when it is full and stands still the oldest makes room for the newest", () => {
  const story = new Story();
  for (const name of ["a", "b", "c"]) story.join(name, 0);
  assertEquals([story.join("d", 499), story.join("e", 500)], [false, true]);
  assertEquals([story.line.length, story.told], [3, ["a shed"]]);
  story.line.take(501);
  assertEquals(story.told, ["a shed", "e turn"]);
});

Deno.test("waiting line, a changed policy holds for who waits already", () => {
  const story = new Story();
  story.join("a", 0);
  story.line.apply({ queue: 1, queueMs: 100 });
  assertEquals([story.join("b", 10), story.line.nextDueMs()], [false, 100]);
});

Deno.test("waiting line, whatever happens everybody is told once at most, in time, and the count is right", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const bound = 1 + random.below(20);
    const line = new WaitingLine({ queue: bound, queueMs: 200 });
    const waiting = new Map<Waiter, number>();
    let nowMs = 0, told = 0, joined = 0, left = 0;
    for (let step = 0; step < 3000; step++) {
      nowMs += random.below(12);
      const turn = random();
      if (turn < 0.5) {
        const waiter: Waiter = new Waiter((outcome) => {
          told++;
          const sinceMs = waiting.get(waiter);
          assert.ok(sinceMs !== undefined, "told twice, or after it left");
          waiting.delete(waiter);
          const late = nowMs - sinceMs >= 200 || nowMs >= waiter.deadlineMs;
          assertEquals(outcome === "late", late, `${outcome} after ${nowMs - sinceMs} ms`);
          if (outcome === "shed") assert.ok(nowMs - sinceMs >= 100);
        }, random() < 0.2 ? nowMs + random.below(300) : Infinity);
        // The map has to know it before it can be told, and forgets it when it did not get in.
        waiting.set(waiter, nowMs);
        if (line.join(waiter, nowMs)) joined++;
        else waiting.delete(waiter);
      } else if (turn < 0.75) line.take(nowMs);
      else if (turn < 0.9) line.expire(nowMs);
      else if (waiting.size > 0) {
        const waiter = random.of([...waiting.keys()]);
        waiting.delete(waiter);
        line.leave(waiter);
        left++;
      }
      assertEquals(line.length, waiting.size);
      assert.ok(line.length <= bound);
    }
    assertEquals(joined, told + left + line.length);
  }
});
