/** Sets of characters as ranges, the alphabet of regular expressions. */

/** Shape: first and last of each range one after the other, ascending, neither touching nor overlapping. */
export type CharSet = readonly number[];

const LAST = 0xffff;

/** Shape: takes ranges in any order, overlapping or not. */
export function charSet(ranges: readonly number[]): CharSet {
  const pairs: (readonly [number, number])[] = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) pairs.push([ranges[at]!, ranges[at + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [first, last] of pairs) {
    const end = merged.length - 1;
    if (end > 0 && first <= merged[end]! + 1) merged[end] = Math.max(merged[end]!, last);
    else merged.push(first, last);
  }
  return merged;
}

export function inverted(set: CharSet): CharSet {
  const rest: number[] = [];
  let next = 0;
  for (let at = 0; at < set.length; at += 2) {
    if (set[at]! > next) rest.push(next, set[at]! - 1);
    next = set[at + 1]! + 1;
  }
  if (next <= LAST) rest.push(next, LAST);
  return rest;
}

export function hasChar(set: CharSet, unit: number): boolean {
  for (let at = 0; at < set.length && set[at]! <= unit; at += 2) {
    if (unit <= set[at + 1]!) return true;
  }
  return false;
}

/** Scripts with two cases that occur in names; letters beyond keep their case. */
const FOLDED_TO = 0x5ff;

/** The lower case of a character, where that is one character too. */
export function foldChar(unit: number): number {
  if (unit < 128) return unit >= 65 && unit <= 90 ? unit + 32 : unit;
  if (unit > FOLDED_TO) return unit;
  const lower = String.fromCharCode(unit).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
}

/** The set together with the lower case of all its members. */
export function foldSet(set: CharSet): CharSet {
  const ranges = [...set];
  for (let at = 0; at < set.length; at += 2) {
    for (let unit = set[at]!; unit <= Math.min(set[at + 1]!, FOLDED_TO); unit++) {
      const lower = foldChar(unit);
      if (lower !== unit) ranges.push(lower, lower);
    }
  }
  return charSet(ranges);
}

function codes(text: string): readonly number[] {
  return [...text].map((char) => char.charCodeAt(0));
}

export const digits: CharSet = codes("09");
export const wordChars: CharSet = charSet(codes("09AZ__az"));
export const blanks: CharSet = charSet(
  codes(
    "\t\r  \u00a0\u00a0\u1680\u1680\u2000\u200a\u2028\u2029\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff",
  ),
);
/** What a dot stands for: everything but the ends of lines. */
export const anyChar: CharSet = inverted(charSet(codes("\n\n\r\r\u2028\u2029")));

/** Classes that are written `[:name:]` within brackets. */
export const namedClasses: ReadonlyMap<string, CharSet> = new Map([
  ["alnum", codes("09AZaz")],
  ["alpha", codes("AZaz")],
  ["ascii", [0, 127]],
  ["blank", codes("\t\t  ")],
  ["cntrl", [0, 31, 127, 127]],
  ["digit", digits],
  ["graph", codes("!~")],
  ["lower", codes("az")],
  ["print", codes(" ~")],
  ["punct", codes("!/:@[`{~")],
  ["space", codes("\t\r  ")],
  ["upper", codes("AZ")],
  ["word", wordChars],
  ["xdigit", codes("09AFaf")],
]);
