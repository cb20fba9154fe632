/** Inboxes on one scratch buffer: no byte is lost, changed or seen by another, whoever reads when. */
import { assert, assertEquals } from "@test/assert";
import { Inbox, Scratch } from "../../../../lib/data/http1/inbox.ts";
import { WAIT } from "../../../../lib/data/net/socket.ts";
import { FakeSocket } from "../../../support/fake_socket.ts";
import { seeded } from "../../../support/seeded.ts";

function unread(inbox: Inbox): number[] {
  return [...inbox.bytes.subarray(inbox.start, inbox.end)];
}

Deno.test("inbox, unread bytes survive another inbox that needs the scratch", () => {
  const scratch = new Scratch(16);
  const [one, two] = [new FakeSocket(), new FakeSocket()];
  const [first, second] = [new Inbox(one, scratch), new Inbox(two, scratch)];
  one.arrive([1, 2, 3, 4]);
  two.arrive([5, 6]);
  assertEquals(first.fill(), 4);
  first.consume(1);
  assertEquals(second.fill(), 2);
  assertEquals([unread(first), unread(second)], [[2, 3, 4], [5, 6]]);
  one.arrive([7]);
  assertEquals(first.fill(), 1);
  assertEquals([unread(first), unread(second)], [[2, 3, 4, 7], [5, 6]]);
});

Deno.test("inbox, an idle one holds no memory of its own and the scratch is anybody's", () => {
  const scratch = new Scratch(8);
  const [one, two] = [new FakeSocket(), new FakeSocket()];
  const [first, second] = [new Inbox(one, scratch), new Inbox(two, scratch)];
  one.arrive([1]);
  first.fill();
  two.arrive([2]);
  second.fill();
  assert.ok(first.bytes !== scratch.bytes, "the unread byte moved");
  first.consume(1);
  assertEquals([first.bytes === scratch.bytes, first.length], [true, 0]);
});

Deno.test("inbox, grows for what it cannot consume and a read is never offered an empty range", () => {
  const scratch = new Scratch(8);
  const socket = new FakeSocket();
  const inbox = new Inbox(socket, scratch);
  const bytes = Array.from({ length: 40_000 }, (_, index) => index & 255);
  socket.arrive(bytes);
  while (inbox.fill() !== WAIT);
  assertEquals(unread(inbox), bytes);
});

Deno.test("inbox, tells the end of the stream and that nothing is there", () => {
  const socket = new FakeSocket();
  const inbox = new Inbox(socket, new Scratch(8));
  assertEquals(inbox.fill(), WAIT);
  socket.arrive([1]);
  socket.end();
  assertEquals([inbox.fill(), inbox.fill(), inbox.length], [1, 0, 1]);
});

Deno.test("inbox, consuming more than there is empties it", () => {
  const socket = new FakeSocket();
  const inbox = new Inbox(socket, new Scratch(8));
  socket.arrive([1, 2]);
  inbox.fill();
  inbox.consume(5);
  assertEquals([inbox.length, inbox.start], [0, 0]);
});

Deno.test("inboxes, a random life of many on one scratch loses and mixes nothing", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const scratch = new Scratch(random.of([8, 64, 1024]));
    const all = Array.from({ length: 6 }, (_, owner) => {
      const socket = new FakeSocket();
      return {
        socket,
        inbox: new Inbox(socket, scratch),
        owner,
        arrived: [] as number[],
        expected: [] as number[],
      };
    });
    let serial = 0;
    for (let step = 0; step < 600; step++) {
      const one = random.of(all);
      // What the others did since its last turn must not have changed it.
      assertEquals(unread(one.inbox), one.expected, `seed ${seed}, step ${step}, ${one.owner}`);
      if (random.below(3) === 0) {
        const bytes = Array.from({ length: random.below(50) }, () => (serial++ * 7) & 255);
        one.socket.maxRead = 1 + random.below(60);
        one.socket.arrive(bytes);
        one.arrived.push(...bytes);
      } else if (random.below(2) === 0) {
        const before = one.inbox.length;
        const count = one.inbox.fill();
        assertEquals(one.inbox.length, before + Math.max(0, count));
        if (count > 0) one.expected.push(...one.arrived.splice(0, count));
      } else {
        const count = random.below(one.inbox.length + 1);
        one.inbox.consume(count);
        one.expected.splice(0, count);
      }
      assertEquals(unread(one.inbox), one.expected, `seed ${seed}, step ${step}, ${one.owner}`);
    }
    for (const { inbox, expected, owner } of all) {
      assertEquals(unread(inbox), expected, `seed ${seed}, at the end, inbox ${owner}`);
    }
  }
});
