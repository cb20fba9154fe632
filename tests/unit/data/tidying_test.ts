/** When a data thread gives memory back: in no moment in which somebody would wait for it. */
import { assertEquals } from "@test/assert";
import { Tidying } from "../../../lib/data/tidying.ts";

/** A thread that turns so many times in each of some seconds. */
function thread(clientsAtStart: number) {
  let nowMs = 0;
  let clients = clientsAtStart;
  let given = 0;
  const loop = { now: () => nowMs, activity: 0 };
  const tidying = new Tidying(loop, () => given++);
  return {
    given: () => given,
    connect: (count: number) => clients = count,
    seconds(count: number, turns: number) {
      for (let second = 0; second < count; second++) {
        const startMs = nowMs;
        for (let turn = 1; turn <= turns; turn++) {
          nowMs = startMs + turn * 1000 / turns;
          loop.activity += 2;
          tidying.turned(clients);
        }
      }
    },
  };
}

Deno.test("tidying, once after the start, when nobody is connected", () => {
  const one = thread(0);
  one.seconds(1, 2);
  assertEquals(one.given(), 1);
  one.seconds(60, 2);
  assertEquals(one.given(), 1, "an idle thread has nothing more to give");
});

Deno.test("tidying, not after the start while somebody is connected, but once they have gone", () => {
  const one = thread(3);
  one.seconds(20, 10);
  assertEquals(one.given(), 0);
  one.connect(0);
  one.seconds(1, 10);
  assertEquals(one.given(), 1);
});

Deno.test("tidying, when much work is over, also while connections stay open, and once for each time", () => {
  const one = thread(0);
  one.seconds(1, 2);
  one.connect(100);
  one.seconds(10, 5000);
  assertEquals(one.given(), 1, "not while there is work");
  one.seconds(25, 20);
  assertEquals(one.given(), 1, "a short rest is no end");
  one.seconds(2, 5000);
  one.seconds(35, 20);
  assertEquals(one.given(), 2);
  one.seconds(120, 20);
  assertEquals(one.given(), 2);
});

Deno.test("tidying, little work is not worth it", () => {
  const one = thread(0);
  one.seconds(1, 2);
  one.seconds(10, 100);
  one.seconds(100, 2);
  assertEquals(one.given(), 1);
});
