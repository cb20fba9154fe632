/** Bounds one asynchronous step in time, on the injected clock. */
import type { Clock } from "../../core/ports.ts";

/** Thrown by `withDeadline` when the time is up. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Wishes to stop; the first to abort ends the step. */
  readonly signals?: readonly AbortSignal[];
}

/**
 * Runs a step and gives it up after a time.
 *
 * Shape: the step gets a signal that aborts when the time is up or somebody wants to stop. The answer does not wait for the
 * step to notice, because a foreign implementation may ignore its signal.
 * Errors: DeadlineError when the time is up; the reason of the signal that aborted; whatever the step throws.
 */
export async function withDeadline<T>(
  step: (signal: AbortSignal) => Promise<T>,
  options: DeadlineOptions,
): Promise<T> {
  const { clock, timeoutMs, signals = [] } = options;
  for (const signal of signals) signal.throwIfAborted();
  const inner = new AbortController();
  const done = new AbortController();
  const given = new Promise<never>((_, reject) => {
    inner.signal.addEventListener("abort", () => reject(inner.signal.reason), { once: true });
  });
  // Listeners that are taken off again, and not AbortSignal.any: the signals live as long as the process.
  const stop = () => inner.abort(signals.find((signal) => signal.aborted)?.reason);
  for (const signal of signals) signal.addEventListener("abort", stop, { once: true });
  void clock.sleep(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) inner.abort(new DeadlineError(`no answer within ${timeoutMs} ms`));
  });
  try {
    return await Promise.race([step(inner.signal), given]);
  } finally {
    done.abort();
    for (const signal of signals) signal.removeEventListener("abort", stop);
  }
}
