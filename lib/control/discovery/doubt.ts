/** Whether a registry that leaves something out is believed at once: not while there is a recent sign that it forgot. */
import type { RegistrySign } from "../registry/registry.ts";

/**
 * How long a sign counts.
 *
 * Units: milliseconds. So long a default lease lasts: by then whoever lives has found out that the registry lost it
 * and is listed again.
 */
export const doubtMs = 120_000;

/**
 * Why lists of the registry are doubted just now.
 *
 * Shape: pure; the reason of the newest sign that still counts, undefined when there is none.
 */
export function doubtAt(
  nowMs: number,
  signs: readonly (RegistrySign | undefined)[],
): string | undefined {
  let newest: RegistrySign | undefined;
  for (const sign of signs) {
    if (sign === undefined || nowMs - sign.atMs >= doubtMs) continue;
    if (newest === undefined || sign.atMs > newest.atMs) newest = sign;
  }
  return newest?.why;
}
