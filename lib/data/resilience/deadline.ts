/** The time that is left for a request, as sidecars tell each other. */

/** Whole milliseconds that are left when the request is sent. */
export const deadlineField = "x-mesher-deadline";

/** More than a day is not told apart; nothing that calls and answers takes so long. */
const longestMs = 86_400_000;

/**
 * What another sidecar said is left.
 *
 * Shape: pure; undefined when the text is no whole number without a sign, so that rubbish sets no limit. 0: none is
 * left. Units: milliseconds, one day at most.
 */
export function parseDeadline(text: string): number | undefined {
  const value = text.trim();
  return /^\d{1,15}$/.test(value) ? Math.min(longestMs, Number(value)) : undefined;
}

/** The field's value. Shape: rounded down, so that no hop takes more than it was given; 0 when nothing is left. */
export function formatDeadline(leftMs: number): string {
  // Also for what is no number: nothing is left rather than no limit.
  return leftMs > 0 ? String(Math.floor(Math.min(longestMs, leftMs))) : "0";
}

/** What a request may take: its own time or the caller's, whichever ends first. Shape: Infinity for no limit. */
export function effectiveDeadline(ownMs: number, inheritedMs: number | undefined): number {
  return inheritedMs === undefined ? ownMs : Math.min(ownMs, inheritedMs);
}
