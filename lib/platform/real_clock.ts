/** The clock of the running process. */
import type { Clock } from "../core/ports.ts";

// Longer delays overflow the timer and would fire at once.
const longestTimerMs = 2 ** 31 - 1;

/** Monotonic and wall time of the system; its timers do not keep the process alive. */
export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  async sleep(ms, signal) {
    const endMs = performance.now() + ms;
    for (let leftMs = ms; leftMs > 0 && !signal?.aborted; leftMs = endMs - performance.now()) {
      await sleepOnce(Math.min(leftMs, longestTimerMs), signal);
      if (leftMs <= longestTimerMs) return;
    }
  },
};

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    Deno.unrefTimer(timer);
    signal?.addEventListener("abort", done, { once: true });
  });
}
