/** How noisy the machine is while something is measured: timers of an idle thread, and time given to other guests. */
import { stealTicks } from "./process_cost.ts";

export interface MachineNoise {
  /** How late the timers of a thread came that had nothing else to do. Units: milliseconds. */
  readonly lateMs: readonly number[];
  /** Share of the processor time that the host gave to others; 0 where that is not told. */
  readonly stealShare: number;
}

/** Begins to look. Shape: the returned function ends it and says what was seen. */
export async function watchMachine(): Promise<() => Promise<MachineNoise>> {
  const before = await stealTicks();
  const worker = new Worker(new URL("./timer_lag_worker.ts", import.meta.url), { type: "module" });
  return async () => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage("enough");
    const lateMs = await promise;
    worker.terminate();
    const after = await stealTicks();
    return {
      lateMs,
      stealShare: (after.steal - before.steal) / Math.max(1, after.total - before.total),
    };
  };
}
