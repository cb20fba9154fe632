/** The queue of lines before a sink that is stuck, slow or broken. */
import { assertEquals } from "@test/assert";
import { LineQueue, type LineQueueOptions } from "../../../lib/platform/line_queue.ts";
import { settle } from "../../support/fake_clock.ts";

/** A sink that can be held shut or broken. */
function memorySink() {
  let text = "";
  let gate: Promise<void> = Promise.resolve();
  let broken = false;
  return {
    lines: () => text.split("\n").slice(0, -1),
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    break: (value: boolean) => {
      broken = value;
    },
    async write(bytes: Uint8Array) {
      await gate;
      if (broken) throw new Error("gone");
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
  };
}

function setUp(options: Partial<LineQueueOptions> = {}) {
  const sink = memorySink();
  const queue = new LineQueue({ sink, ...options });
  return { sink, queue };
}

Deno.test("line queue, a stuck sink costs lines beyond the bound and never the caller's time", async () => {
  const { sink, queue } = setUp({ maxWaitingBytes: 8 });
  const open = sink.hold();
  let made = 0;
  for (let count = 0; count < 100; count++) queue.push(() => `l${made++}`);
  await settle();
  assertEquals([made, queue.dropped, sink.lines()], [3, 97, []]);
  open();
  await queue.flush(1_000);
  assertEquals(sink.lines(), ["l0", "l1", "l2"]);
  queue.push(() => "after");
  await queue.flush(1_000);
  assertEquals([sink.lines().at(-1), queue.dropped], ["after", 97]);
});

Deno.test("line queue, says once that it has caught up, and how many lines are lacking", async () => {
  const { sink, queue } = setUp({
    maxWaitingBytes: 4,
    caughtUp: (dropped) => `${dropped} lines are lacking`,
  });
  for (let round = 0; round < 2; round++) {
    const open = sink.hold();
    for (let count = 0; count < 4; count++) queue.push(() => "l");
    await settle();
    open();
    await queue.flush(1_000);
  }
  const round = ["l", "l", "2 lines are lacking"];
  assertEquals([sink.lines(), queue.dropped], [[...round, ...round], 4]);
});

Deno.test("line queue, a sink that fails costs the lines that waited, is told of once, and is tried again", async () => {
  const failures: unknown[] = [];
  const { sink, queue } = setUp({ failed: (error) => failures.push((error as Error).message) });
  sink.break(true);
  for (let count = 0; count < 3; count++) {
    queue.push(() => "lost");
    queue.push(() => "lost");
    await queue.flush(1_000);
  }
  assertEquals([queue.dropped, failures], [6, ["gone"]]);
  sink.break(false);
  queue.push(() => "kept");
  await queue.flush(1_000);
  assertEquals([sink.lines(), queue.dropped], [["kept"], 6]);
});
