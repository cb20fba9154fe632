/** Messages of a data thread: all come in, and none of its turns is spent on many. */
import { assertEquals } from "@test/assert";
import { Inbox } from "../../../lib/data/inbox.ts";

/** Shape: `perDelivery` messages come with each delivery, which takes `deliveryMs`. */
function inbox(posted: number, { perDelivery = 1, deliveryMs = 0.1 } = {}) {
  const announced = new Int32Array(new SharedArrayBuffer(4));
  announced[0] = posted;
  const seen = { messages: 0, deliveries: 0 };
  let nowMs = 0;
  const one = new Inbox({
    announced,
    now: () => nowMs,
    deliver: () => {
      nowMs += deliveryMs;
      seen.deliveries++;
      for (let count = 0; count < perDelivery && seen.messages < announced[0]!; count++) {
        one.received(++seen.messages);
      }
      return Promise.resolve();
    },
  });
  return { one, seen, announced };
}

Deno.test("inbox, takes all messages of a turn when they take no time", async () => {
  const { one, seen } = inbox(5);
  assertEquals([await one.take(), seen.messages], [true, 5]);
});

Deno.test("inbox, leaves messages that take long for the next turns, at least one for each", async () => {
  const { one, seen } = inbox(3, { deliveryMs: 5 });
  const turns: unknown[] = [];
  for (let turn = 0; turn < 3; turn++) turns.push([await one.take(), seen.messages]);
  assertEquals(turns, [[false, 1], [false, 2], [true, 3]]);
});

Deno.test("inbox, what is posted meanwhile comes in too", async () => {
  const { announced, one, seen } = inbox(1, { deliveryMs: 5, perDelivery: 10 });
  assertEquals(await one.take(), true);
  announced[0] = 20;
  assertEquals([await one.take(), await one.take(), seen.messages], [false, true, 20]);
});

Deno.test("inbox, a message that never comes is given up, and the next ones are taken", async () => {
  const { announced, one, seen } = inbox(1, { deliveryMs: 0.01, perDelivery: 0 });
  let turns = 1;
  while (!await one.take()) turns++;
  assertEquals([turns > 1, seen.deliveries], [true, 1000]);
  announced[0] = 2;
  assertEquals(await one.take(), false);
  one.received(2);
  assertEquals(await one.take(), true);
});
