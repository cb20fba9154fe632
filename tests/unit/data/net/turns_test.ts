/** Fair turns: few sockets read at once, a crowd waits for each other. */
import { assert, assertEquals } from "@test/assert";
import { type Reading, ReadTurns } from "../../../../lib/data/net/portable/turns.ts";

/** A socket whose reads are counted and never bring anything by themselves. */
class Counted implements Reading {
  servedIn = 0;
  reads = 0;

  startRead(): void {
    this.reads++;
  }
}

function crowd(turns: ReadTurns, count: number): Counted[] {
  const sockets = Array.from({ length: count }, () => new Counted());
  for (const socket of sockets) turns.served(socket);
  return sockets;
}

/** Passes of the event loop, as the turns count them. */
async function passes(count: number): Promise<void> {
  for (let pass = 0; pass < count; pass++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("read turns, few busy sockets read at once", () => {
  const turns = new ReadTurns();
  const [first] = crowd(turns, 100);
  turns.read(first!);
  assertEquals(first!.reads, 1);
});

Deno.test("read turns, the same socket served often is one busy socket", () => {
  const turns = new ReadTurns();
  const socket = new Counted();
  for (let time = 0; time < 1000; time++) turns.served(socket);
  turns.read(socket);
  assertEquals(socket.reads, 1);
});

Deno.test("read turns, in a crowd a read waits until a pass has served nobody", async () => {
  const turns = new ReadTurns();
  const sockets = crowd(turns, 101);
  const [first, second] = sockets;
  turns.read(first!);
  turns.read(second!);
  assertEquals([first!.reads, second!.reads], [0, 0]);
  // Somebody is served in every pass: nobody of those held back comes again before that ends.
  for (let pass = 0; pass < 5; pass++) {
    turns.served(sockets[50 + pass]!);
    await passes(1);
    assertEquals(first!.reads, 0);
  }
  await passes(4);
  assertEquals([first!.reads, second!.reads], [1, 1]);
});

Deno.test("read turns, a crowd that has gone is forgotten after two rounds", () => {
  const turns = new ReadTurns();
  const [first] = crowd(turns, 300);
  turns.nextRound();
  turns.nextRound();
  turns.read(first!);
  assert(first!.reads === 1);
});
