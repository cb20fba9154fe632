/** Round robin over the endpoints that may be used. */

/**
 * The next usable index after the last one picked.
 *
 * Shape: -1 when none is usable. Each usable index is returned once per round, whatever the others do.
 * Cost: one call of `usable` when the next one is.
 */
export function nextIndex(
  count: number,
  last: number,
  usable: (index: number) => boolean,
): number {
  for (let step = 1; step <= count; step++) {
    const index = (last + step) % count;
    if (usable(index)) return index;
  }
  return -1;
}
