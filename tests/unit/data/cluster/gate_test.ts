/** The gate of a cluster: who is let in, who waits, who is turned away, and that no place is ever lost. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { Gate } from "../../../../lib/data/cluster/gate.ts";
import { slot } from "../../../../lib/plane/counters.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { concurrency, gateWith, patient, refusal, waitAt } from "../../../support/gate.ts";
import { seeded } from "../../../support/seeded.ts";

Deno.test("gate, lets in as many as the limit says, and any number without one", () => {
  const { gate } = gateWith({ concurrency: concurrency(2) });
  assertEquals([gate.tryEnter(), gate.tryEnter(), gate.tryEnter()], [true, true, false]);
  gate.leave(gate.admit(), "ok", 5);
  assertEquals([gate.open, gate.tryEnter(), gate.tryEnter()], [1, true, false]);
  const open = gateWith({ concurrency: concurrency(0) }).gate;
  for (let index = 0; index < 1000; index++) assert(open.tryEnter());
  assertEquals(open.open, 1000);
});

Deno.test("gate, who waits comes before who comes later, in the order of the line", async () => {
  const { gate } = gateWith({ concurrency: concurrency(1, 3) });
  gate.tryEnter();
  const first = waitAt(gate);
  const second = waitAt(gate);
  gate.leave(gate.admit(), "ok", 5);
  await settle();
  assertEquals([first.outcome, second.outcome, gate.open], ["in", "", 1]);
  // Between the end of one and the turn of the next nobody slips in.
  assertEquals(gate.tryEnter(), false);
  gate.leave(gate.admit(), "ok", 5);
  await settle();
  assertEquals([second.outcome, gate.tryEnter()], ["in", false]);
});

Deno.test("gate, says why it turns away: no room in the line, or no turn in time", async () => {
  const { gate, clock } = gateWith({ concurrency: concurrency(1, 1, 100) });
  gate.tryEnter();
  const waiting = gate.wait(gate.admit(), patient);
  const full = await refusal(gate.wait(gate.admit(), patient));
  assertEquals([full.code, full.status], ["concurrency_limit", 503]);
  assertMatch(full.message, /^1 calls to shop are under way and 1 wait$/);
  const late = refusal(waiting);
  await clock.advance(99);
  assertEquals(gate.open, 1);
  await clock.advance(1);
  assertEquals((await late).code, "concurrency_limit");
  assertMatch((await late).message, /^no call to shop ended in time/);
  // Whoever let go of the last one does not go on looking.
  await clock.advance(1000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("gate, nobody waits beyond the request's own end, wherever it stands in the line", async () => {
  const { gate, clock } = gateWith({ concurrency: concurrency(1, 3, 100) });
  gate.tryEnter();
  const oldest = waitAt(gate);
  const hurried = waitAt(gate, { deadlineMs: clock.now() + 30 });
  const calm = waitAt(gate, { deadlineMs: clock.now() + 500 });
  await clock.advance(29);
  assertEquals([oldest.outcome, hurried.outcome], ["", ""]);
  await clock.advance(1);
  assertEquals([oldest.outcome, hurried.outcome, calm.outcome], ["", "concurrency_limit", ""]);
  gate.leave(gate.admit(), "ok", 1);
  gate.leave(gate.admit(), "ok", 1);
  await settle();
  assertEquals([oldest.outcome, calm.outcome, gate.open], ["in", "in", 1]);
  const over = waitAt(gate, { deadlineMs: clock.now() });
  await settle();
  assertEquals(over.outcome, "concurrency_limit");
  await clock.advance(100);
  assertEquals(clock.sleeping, 0);
});

Deno.test("gate, without a line who finds no place is turned away at once", async () => {
  const { gate, clock } = gateWith({ concurrency: concurrency(1) });
  gate.tryEnter();
  assertEquals((await refusal(gate.wait(gate.admit(), patient))).code, "concurrency_limit");
  assertEquals(clock.sleeping, 0);
});

Deno.test("gate, a client that leaves the line makes room in it and takes no turn", async () => {
  const { gate } = gateWith({ concurrency: concurrency(1, 1) });
  gate.tryEnter();
  const gone = waitAt(gate);
  gone.leave();
  await settle();
  assertEquals(gone.outcome, "client_gone");
  const next = waitAt(gate);
  gate.leave(gate.admit(), "ok", 1);
  await settle();
  assertEquals([next.outcome, gate.open], ["in", 1]);
});

Deno.test("gate, a client that leaves when its turn has come has a place to give back", async () => {
  const { gate } = gateWith({ concurrency: concurrency(1, 1) });
  gate.tryEnter();
  const one = waitAt(gate);
  gate.leave(gate.admit(), "ok", 1);
  one.leave();
  await settle();
  assertEquals([one.outcome, gate.open], ["in", 1]);
  gate.leave(gate.admit(), "abandoned", 0);
  assertEquals([gate.open, gate.tryEnter()], [0, true]);
});

Deno.test("gate, a changed limit holds at once, also for who waits already", async () => {
  const { gate, gauge } = gateWith({ concurrency: concurrency(1, 4) });
  gate.tryEnter();
  const line = [waitAt(gate), waitAt(gate), waitAt(gate)];
  gate.publish();
  assertEquals([gauge("limit"), gauge("queued")], [1, 3]);
  gate.setPolicy({ concurrency: concurrency(2, 4) });
  await settle();
  assertEquals(line.map(({ outcome }) => outcome), ["in", "", ""]);
  // Without a limit there is no line either.
  gate.setPolicy({ concurrency: concurrency(0) });
  await settle();
  assertEquals(line.map(({ outcome }) => outcome), ["in", "in", "in"]);
  assertEquals([gate.open, gate.tryEnter()], [5 - 1, true]);
  gate.publish();
  assertEquals([gauge("limit"), gauge("queued")], [0, 0]);
});

Deno.test("gate, several that share a block show what they have together, until they close", async () => {
  const counters = new Float64Array(256);
  const clock = new FakeClock();
  const options = { name: "app", random: () => 0.5, clock, counters, base: 0 };
  const gates = [2, 3].map((limit) => new Gate({ concurrency: concurrency(limit, 4) }, options));
  for (const gate of gates) {
    while (gate.tryEnter());
    waitAt(gate);
    gate.publish();
    gate.publish();
  }
  assertEquals([counters[slot.limit], counters[slot.queued]], [5, 2]);
  gates[0]!.close();
  assertEquals([counters[slot.limit], counters[slot.queued]], [3, 1]);
  gates[1]!.close();
  assertEquals([counters[slot.limit], counters[slot.queued]], [0, 0]);
  await clock.advance(1000);
});

Deno.test("gate, random stories: never over the limit, never idle while one waits, all places come back", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const limit = 1 + random.below(5);
    const { gate, clock } = gateWith({ concurrency: concurrency(limit, random.below(6), 50) });
    let inside = 0;
    const line: { outcome: string; leave: () => void }[] = [];
    const look = async (what: string) => {
      await settle();
      for (const one of line.splice(0)) {
        if (one.outcome === "in") inside++;
        else if (one.outcome === "") line.push(one);
      }
      const story = `seed ${seed}, ${what}`;
      assertEquals(gate.open, inside, story);
      assert(gate.open <= limit, story);
      assert(
        line.length === 0 || gate.open === limit,
        `${line.length} wait beside a place: ${story}`,
      );
    };
    for (let step = 0; step < 60; step++) {
      const action = random.below(5);
      if (action <= 1) {
        if (gate.tryEnter()) inside++;
        else {
          const deadlineMs = random.below(3) === 0 ? clock.now() + random.below(60) : Infinity;
          line.push(waitAt(gate, { deadlineMs }));
        }
      } else if (action === 2 && inside > 0) {
        inside--;
        gate.leave(gate.admit(), random.of(["ok", "error", "failed", "abandoned"] as const), 5);
      } else if (action === 3 && line.length > 0) random.of(line).leave();
      else await clock.advance(random.below(40));
      await look(`step ${step}`);
    }
    while (inside > 0) {
      inside--;
      gate.leave(gate.admit(), "ok", 1);
      await look("at the end");
    }
    assertEquals([gate.open, line.length], [0, 0]);
    await clock.advance(1000);
    assertEquals(clock.sleeping, 0);
  }
});
