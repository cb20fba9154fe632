/** Flags of the JavaScript engine that the compiled program runs with, and that it is measured with from source. */

/**
 * A young generation of 16 MiB at most: with a thousand requests under way much of it is alive, and copying that again
 * and again in 4 MiB cost a tenth of the CPU time. It grows only under such load, and shrinks when that is over: a
 * collection that can be asked for (lib/data/tidying.ts) gives back what only the start or a time of much work took.
 * With small code preferred, a few hundred busy connections cost a fifth more CPU.
 */
export const v8Flags = "--v8-flags=--max-semi-space-size=16,--expose-gc";
