/** Gives back what the engine holds of memory that only a thread's start, or work that is over, has used. */

/** What the engine offers. */
export interface Engine {
  /** There when it was started with --expose-gc. */
  readonly gc?: (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void;
  readonly usedBytes: () => number;
}

function ownEngine(): Engine {
  const { gc } = globalThis as Pick<Engine, "gc">;
  return {
    ...(gc === undefined ? {} : { gc }),
    usedBytes: () => Deno.memoryUsage().heapUsed,
  };
}

/** With more than this in use little of it is left over, and to look for it takes long. */
const mostBytes = 32 * 1024 * 1024;

/**
 * Lets the engine look for what is no longer needed, and shrink. By itself it does so when it wants more memory, which
 * an idle sidecar never does.
 *
 * Cost: holds the calling thread up for 10 to 30 ms, so it is for moments with nothing to do. Shape: does nothing where
 * the engine does not offer it.
 */
export function giveBackMemory({ gc, usedBytes }: Engine = ownEngine()): void {
  if (gc === undefined || usedBytes() > mostBytes) return;
  // Only as a last resort it also gives up the space for new objects, which loading the program has made large.
  gc({ type: "major", flavor: "last-resort" });
}
