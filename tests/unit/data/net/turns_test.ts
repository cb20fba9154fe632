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

/** An event loop whose passes end when the test says so. */
class Loop {
  #then: (() => void) | undefined;

  readonly after = (then: () => void): void => {
    assertEquals(this.#then, undefined);
    this.#then = then;
  };

  /** Ends a pass. Shape: whether anybody waited for it. */
  pass(): boolean {
    const then = this.#then;
    this.#then = undefined;
    then?.();
    return then !== undefined;
  }
}

Deno.test("read turns, few busy sockets read at once", () => {
  const turns = new ReadTurns(new Loop().after);
  const [first] = crowd(turns, 100);
  turns.read(first!);
  assertEquals(first!.reads, 1);
});

Deno.test("read turns, the same socket served often is one busy socket", () => {
  const turns = new ReadTurns(new Loop().after);
  const socket = new Counted();
  for (let time = 0; time < 1000; time++) turns.served(socket);
  turns.read(socket);
  assertEquals(socket.reads, 1);
});

Deno.test("read turns, in a crowd a read waits until a pass has served hardly anybody", () => {
  const loop = new Loop();
  const turns = new ReadTurns(loop.after);
  const sockets = crowd(turns, 133);
  const [first, second] = sockets;
  turns.read(first!);
  turns.read(second!);
  assertEquals([first!.reads, second!.reads], [0, 0]);
  // So many are served in every pass: nobody of those held back comes again before that ends.
  for (let pass = 0; pass < 5; pass++) {
    assert(loop.pass(), "nobody waits for the end of the pass");
    assertEquals(first!.reads, 0);
    for (const socket of sockets.slice(50, 83)) turns.served(socket);
  }
  assert(loop.pass());
  for (const socket of sockets.slice(50, 82)) turns.served(socket);
  assert(loop.pass());
  assertEquals([first!.reads, second!.reads], [1, 1]);
  assert(!loop.pass(), "there is nothing left to wait for");
});

Deno.test("read turns, a crowd that has gone is forgotten after two rounds", () => {
  const turns = new ReadTurns(new Loop().after);
  const [first] = crowd(turns, 300);
  turns.nextRound();
  turns.nextRound();
  turns.read(first!);
  assert(first!.reads === 1);
});
