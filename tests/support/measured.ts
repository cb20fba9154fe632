/** Times that a test measures: how long something took, and what is usual of many such times. */

/** Runs something. Shape: how long it took. Units: milliseconds. */
export async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await run();
  return performance.now() - beganMs;
}

/** The middle one of some figures: what a machine that stalls now and then does not change. */
export function medianOf(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
