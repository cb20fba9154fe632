/** What a backslash and the characters after it stand for in a regular expression. */
import { blanks, type CharSet, digits, inverted, wordChars } from "./char_set.ts";
import { fail, type PatternCursor } from "./cursor.ts";

const classes: ReadonlyMap<string, CharSet> = new Map([
  ["d", digits],
  ["D", inverted(digits)],
  ["w", wordChars],
  ["W", inverted(wordChars)],
  ["s", blanks],
  ["S", inverted(blanks)],
]);

const controls: ReadonlyMap<string, number> = new Map([
  ["t", 9],
  ["n", 10],
  ["v", 11],
  ["f", 12],
  ["r", 13],
]);

/** Reads one escape at the cursor. Shape: one character is a range of its own. Errors: PatternError. */
export function readEscape(cursor: PatternCursor): CharSet {
  const { source } = cursor;
  const letter = source[cursor.at + 1];
  if (letter === undefined) fail(cursor, "it ends in a backslash");
  const named = classes.get(letter);
  if (named) {
    cursor.at += 2;
    return named;
  }
  const unit = readUnit(cursor, letter);
  return [unit, unit];
}

function readUnit(cursor: PatternCursor, letter: string): number {
  const { source } = cursor;
  const hex = /^\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/
    .exec(source.slice(cursor.at, cursor.at + 6));
  if (hex) {
    cursor.at += hex[0].length;
    return parseInt(hex[1] ?? hex[2]!, 16);
  }
  const control = controls.get(letter);
  if (control === undefined && /[1-9k]/.test(letter)) {
    fail(cursor, "it refers back to a group, which takes no bounded time; write it without");
  }
  const isNull = letter === "0" && !/[0-9]/.test(source[cursor.at + 2] ?? "");
  if (control === undefined && !isNull && /[0-9A-Za-z]/.test(letter)) {
    fail(cursor, `\\${letter} is not known`);
  }
  cursor.at += 2;
  return isNull ? 0 : control ?? letter.charCodeAt(0);
}
