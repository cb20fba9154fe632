/** Steps that are bounded in time. */
import { assert, assertEquals, rejection } from "@test/assert";
import { DeadlineError, withDeadline } from "../../../../lib/control/registry/deadline.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

Deno.test("deadline, a step that ends in time leaves no timer behind", async () => {
  const clock = new FakeClock();
  const answer = await withDeadline(() => Promise.resolve(7), { clock, timeoutMs: 100 });
  assertEquals(answer, 7);
  assertEquals(clock.sleeping, 0);
});

Deno.test("deadline, a step that ignores its signal is given up all the same", async () => {
  const clock = new FakeClock();
  let told: AbortSignal | undefined;
  const failed = rejection(withDeadline((signal) => {
    told = signal;
    return new Promise(() => {});
  }, { clock, timeoutMs: 100 }));
  await clock.advance(100);
  assert(await failed instanceof DeadlineError);
  assert(told?.aborted);
});

Deno.test("deadline, the caller's wish to stop ends the step with the caller's reason", async () => {
  const clock = new FakeClock();
  const caller = new AbortController();
  const failed = rejection(
    withDeadline(() => new Promise(() => {}), {
      clock,
      timeoutMs: 100,
      signals: [new AbortController().signal, caller.signal],
    }),
  );
  caller.abort("enough");
  assertEquals(await failed, "enough");
  assertEquals(clock.sleeping, 0);
});
