/** The pulse of the event loops: late timers and threads that no longer turn. */
import { assertEquals } from "@test/assert";
import { Pulse } from "../../../../lib/control/telemetry/pulse.ts";
import type { Clock } from "../../../../lib/core/ports.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

Deno.test("pulse, the largest delay of a timer is kept for a minute", async () => {
  const clock = new FakeClock();
  let lateMs = 0;
  const late: Clock = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    sleep: (ms, signal) => clock.sleep(ms + lateMs, signal),
  };
  const pulse = new Pulse(late, { threads: 0, read: () => undefined });
  await clock.advance(1000);
  assertEquals(pulse.loopDelayMs, 0);
  lateMs = 250;
  await clock.advance(1000);
  lateMs = 0;
  await clock.advance(1250);
  assertEquals(pulse.loopDelayMs, 250);
  await clock.advance(58_000);
  assertEquals(pulse.loopDelayMs, 250);
  await clock.advance(3_000);
  assertEquals(pulse.loopDelayMs, 0);
  await pulse.stop();
  assertEquals(clock.sleeping, 0);
});

Deno.test("pulse, a thread that no longer turns grows old, the others do not", async () => {
  const clock = new FakeClock();
  const turns: (number | undefined)[] = [1, 1];
  const pulse = new Pulse(clock, { threads: 2, read: (thread) => turns[thread] });
  for (let second = 0; second < 5; second++) {
    turns[1]! += 3;
    await clock.advance(1000);
  }
  assertEquals(pulse.turnAgesMs(), [5000, 0]);
  // Its replacement begins to count again.
  turns[0] = undefined;
  await clock.advance(1000);
  turns[0] = 1;
  turns[1]! += 3;
  await clock.advance(1000);
  assertEquals(pulse.turnAgesMs(), [0, 0]);
  await pulse.stop();
});
