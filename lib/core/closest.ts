/** "Did you mean": the nearest of the words that would have been right. */

/** Number of single-letter edits between two words, a swap of neighbours counting as one. */
export function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let best = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      if (swapped) best = Math.min(best, before[column - 2]! + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[to.length]!;
}

/** Same letters and digits, whatever the case and the separators. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_.\s]/g, "");
}

/**
 * The candidate nearest to the word, undefined when none is near.
 *
 * Shape: near is one edit for every three letters, three at most; else the only candidate that is a longer or
 * shorter form of the word (`prod`, `warning`).
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(word);
  // Very long words come from hostile or garbled input, and no key is nearly that long.
  if (wanted.length < 2 || wanted.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const spelt = plain(candidate);
    // Words so unlike in length alone need no closer look, which is what makes long lists cheap.
    if (Math.abs(spelt.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, spelt);
    if (candidate !== "" && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined) return best;
  const forms = candidates.filter((candidate) => {
    const [short, long] = [wanted, plain(candidate)].sort((a, b) => a.length - b.length);
    return short!.length >= 3 && long!.startsWith(short!);
  });
  return forms.length === 1 ? forms[0] : undefined;
}
