/** Reads a class of characters in brackets. */
import { type CharSet, charSet, namedClasses } from "./char_set.ts";
import { readEscape } from "./escapes.ts";
import { fail, type PatternCursor } from "./cursor.ts";

/**
 * Reads from `[` to the `]` that closes it.
 *
 * Shape: a `]` that comes first is a member, as POSIX has it; JavaScript's empty class has no use here.
 * Errors: PatternError.
 */
export function readBrackets(
  cursor: PatternCursor,
): { readonly set: CharSet; readonly negated: boolean } {
  const { source } = cursor;
  cursor.at++;
  const negated = source[cursor.at] === "^";
  if (negated) cursor.at++;
  const ranges: number[] = [];
  for (let first = true;; first = false) {
    const char = source[cursor.at];
    if (char === undefined) fail(cursor, "a [ has no ] after it");
    if (char === "]" && !first) break;
    const from = readMember(cursor, char);
    if (isRange(cursor)) {
      cursor.at++;
      const to = readMember(cursor, source[cursor.at]!);
      if (from.length !== 2 || to.length !== 2 || from[0] !== from[1] || to[0] !== to[1]) {
        fail(cursor, "a range in brackets has a class for its end");
      }
      if (from[0]! > to[0]!) fail(cursor, "a range in brackets runs backwards");
      ranges.push(from[0]!, to[0]!);
    } else {
      ranges.push(...from);
    }
  }
  cursor.at++;
  return { set: charSet(ranges), negated };
}

/** A hyphen before the closing bracket stands for itself. */
function isRange({ source, at }: PatternCursor): boolean {
  return source[at] === "-" && source[at + 1] !== undefined && source[at + 1] !== "]";
}

function readMember(cursor: PatternCursor, char: string): CharSet {
  const { source } = cursor;
  if (char === "\\") {
    if (source[cursor.at + 1] === "b") {
      cursor.at += 2;
      return [8, 8];
    }
    return readEscape(cursor);
  }
  if (source.startsWith("[:", cursor.at)) {
    const end = source.indexOf(":]", cursor.at + 2);
    const name = end < 0 ? "" : source.slice(cursor.at + 2, end);
    const named = namedClasses.get(name);
    if (named) {
      cursor.at = end + 2;
      return named;
    }
    if (/^\^?[a-z]+$/.test(name)) fail(cursor, `[:${name}:] is not known`);
  }
  cursor.at++;
  const unit = char.charCodeAt(0);
  return [unit, unit];
}
