/** Random numbers from a seed, so that a property test that failed once fails again. */

export interface Seeded {
  /** In [0, 1). */
  (): number;
  /** A whole number in [0, below). */
  below(count: number): number;
  /** One of the entries. */
  of<T>(entries: readonly T[]): T;
}

/** Shape: the same numbers for the same seed. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return Object.assign(next, {
    below,
    of: <T>(entries: readonly T[]): T => {
      const entry = entries[below(entries.length)];
      if (entry === undefined) throw new Error("nothing to choose from");
      return entry;
    },
  });
}
