/** Reads a regular expression into a tree; refuses what cannot be searched for in linear time. */
import { fail, type PatternCursor } from "./cursor.ts";
import { anyChar, type CharSet, charSet, foldSet, inverted } from "./char_set.ts";
import { readEscape } from "./escapes.ts";
import { readBrackets } from "./brackets.ts";

export type Assertion = "start" | "end" | "word_edge" | "no_word_edge";

export type PatternNode =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "either"; readonly parts: readonly PatternNode[] }
  | {
    readonly kind: "repeat";
    readonly body: PatternNode;
    readonly min: number;
    /** Infinity: no bound. */
    readonly max: number;
    readonly lazy: boolean;
  }
  /** Groups count from 1. */
  | { readonly kind: "group"; readonly index: number; readonly body: PatternNode };

export interface ParsedPattern {
  readonly root: PatternNode;
  readonly groups: number;
  readonly ignoreCase: boolean;
}

const MAX_LENGTH = 4096;
const MAX_DEPTH = 100;
const MAX_REPEAT = 1000;
const MAX_GROUPS = 99;

/**
 * Parses the usual syntax: that of JavaScript without look-around, back references and `\p`, plus `[:alpha:]` and its
 * like within brackets and a leading `(?i)`.
 *
 * Errors: PatternError.
 */
export function parsePattern(source: string, ignoreCase: boolean): ParsedPattern {
  const cursor: PatternCursor = { source, at: 0, ignoreCase, groups: 0, depth: 0 };
  if (source.length > MAX_LENGTH) fail(cursor, `it is longer than ${MAX_LENGTH} characters`);
  if (source.startsWith("(?i)")) {
    cursor.at = 4;
    cursor.ignoreCase = true;
  }
  const root = readEither(cursor);
  if (cursor.at < source.length) fail(cursor, "a ) has no ( before it");
  return { root, groups: cursor.groups, ignoreCase: cursor.ignoreCase };
}

function readEither(cursor: PatternCursor): PatternNode {
  if (++cursor.depth > MAX_DEPTH) fail(cursor, "its groups are nested too deep");
  const parts = [readSequence(cursor)];
  while (cursor.source[cursor.at] === "|") {
    cursor.at++;
    parts.push(readSequence(cursor));
  }
  cursor.depth--;
  return parts.length === 1 ? parts[0]! : { kind: "either", parts };
}

function readSequence(cursor: PatternCursor): PatternNode {
  const parts: PatternNode[] = [];
  for (;;) {
    const char = cursor.source[cursor.at];
    if (char === undefined || char === "|" || char === ")") break;
    parts.push(readRepeat(cursor, readAtom(cursor, char)));
  }
  return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
}

function readAtom(cursor: PatternCursor, char: string): PatternNode {
  if (repeatAt(cursor) !== undefined) fail(cursor, `there is nothing before ${char} to repeat`);
  switch (char) {
    case "(":
      return readGroup(cursor);
    case "[":
      return setOf(cursor, readBrackets(cursor));
    case "\\":
      return readOutsideEscape(cursor);
  }
  cursor.at++;
  switch (char) {
    case ".":
      return { kind: "set", set: anyChar };
    case "^":
      return { kind: "assert", what: "start" };
    case "$":
      return { kind: "assert", what: "end" };
  }
  const unit = char.charCodeAt(0);
  return setOf(cursor, { set: [unit, unit], negated: false });
}

function readOutsideEscape(cursor: PatternCursor): PatternNode {
  const next = cursor.source[cursor.at + 1];
  if (next === "b" || next === "B") {
    cursor.at += 2;
    return { kind: "assert", what: next === "b" ? "word_edge" : "no_word_edge" };
  }
  return setOf(cursor, { set: readEscape(cursor), negated: false });
}

/** Cases are folded before a set is inverted: `[^a]` without regard to case has neither `a` nor `A`. */
function setOf(
  cursor: PatternCursor,
  { set, negated }: { readonly set: CharSet; readonly negated: boolean },
): PatternNode {
  const members = cursor.ignoreCase ? foldSet(set) : charSet(set);
  return { kind: "set", set: negated ? inverted(members) : members };
}

function readGroup(cursor: PatternCursor): PatternNode {
  const { source } = cursor;
  let index = 0;
  if (source[cursor.at + 1] !== "?") {
    index = ++cursor.groups;
    cursor.at++;
  } else {
    const opening = /^\(\?(?::|P?<[A-Za-z_]\w*>)/.exec(source.slice(cursor.at, cursor.at + 64));
    if (!opening) fail(cursor, groupFault(source.slice(cursor.at + 2)));
    if (opening[0] !== "(?:") index = ++cursor.groups;
    cursor.at += opening[0].length;
  }
  if (cursor.groups > MAX_GROUPS) {
    fail(cursor, `it has more than ${MAX_GROUPS} groups; write (?: for those not used`);
  }
  const body = readEither(cursor);
  if (source[cursor.at] !== ")") fail(cursor, "a ( has no ) after it");
  cursor.at++;
  return index === 0 ? body : { kind: "group", index, body };
}

function groupFault(rest: string): string {
  if (/^(?:<?[=!])/.test(rest)) {
    return "it looks ahead or behind, which takes no bounded time; write it without";
  }
  return rest.startsWith("i")
    ? "(?i) may stand at its beginning only"
    : "it has an unknown (? group";
}

interface Repeat {
  readonly min: number;
  readonly max: number;
  readonly length: number;
}

function repeatAt({ source, at }: PatternCursor): Repeat | undefined {
  switch (source[at]) {
    case "*":
      return { min: 0, max: Infinity, length: 1 };
    case "+":
      return { min: 1, max: Infinity, length: 1 };
    case "?":
      return { min: 0, max: 1, length: 1 };
    case "{": {
      const counts = /^\{(\d{1,9})(?:(,)(\d{0,9}))?\}/.exec(source.slice(at, at + 24));
      if (!counts) return undefined;
      const min = Number(counts[1]);
      const max = counts[2] === undefined ? min : counts[3] === "" ? Infinity : Number(counts[3]);
      return { min, max, length: counts[0].length };
    }
    default:
      return undefined;
  }
}

function readRepeat(cursor: PatternCursor, body: PatternNode): PatternNode {
  const repeat = repeatAt(cursor);
  if (!repeat) return body;
  if (body.kind === "assert") fail(cursor, "it repeats a place, not a character");
  const { min, max } = repeat;
  if (min > max) fail(cursor, `{${min},${max}} counts backwards`);
  if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) {
    fail(cursor, `it repeats more than ${MAX_REPEAT} times`);
  }
  cursor.at += repeat.length;
  const lazy = cursor.source[cursor.at] === "?";
  if (lazy) cursor.at++;
  if (repeatAt(cursor) !== undefined) fail(cursor, "it repeats a repetition; put it in brackets");
  return { kind: "repeat", body, min, max, lazy };
}
