/** The time that is left for a request, as sidecars tell each other: whole milliseconds in `x-mesher-deadline`. */

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
