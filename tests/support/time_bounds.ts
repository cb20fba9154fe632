/** Times in tests on sockets, and bounds on them that hold on a slow machine too. Units: milliseconds. */

/** Far longer than any test takes: whoever would have to wait for the end of it is not answered in one. */
export const longMs = 120_000;

/** Whoever is answered within it waited for nothing that lasts `longMs`; a machine that stalls for a while fits in. */
export const soonMs = 10_000;

/**
 * By how much a time may seem too short. A data thread reads its clock once a turn: one that is held up in the middle of
 * a turn counts from an older time.
 */
export const staleMs = 100;

/** What became of something, and how long it took. */
export async function timed<T>(promise: Promise<T>): Promise<readonly [T, number]> {
  const beganMs = performance.now();
  return [await promise, performance.now() - beganMs];
}

/** The time that a head says is left for its request. Shape: NaN when it says nothing. */
export function deadlineOf(head: string): number {
  return Number(/^x-mesher-deadline: *(\d+)\r$/m.exec(head)?.[1]);
}
