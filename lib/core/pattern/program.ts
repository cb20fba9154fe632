/** Turns the tree of a regular expression into steps, each of which looks at one character at most. */
import { type CharSet, foldChar, hasChar, wordChars } from "./char_set.ts";
import { PatternError } from "./cursor.ts";
import type { Assertion, ParsedPattern, PatternNode } from "./syntax.ts";

/** A split prefers `next`; a set, a mark and an assertion go on with the step after them. */
export type Step =
  | { readonly kind: "set"; readonly set: number }
  | { readonly kind: "split"; next: number; other: number }
  | { readonly kind: "jump"; next: number }
  | { readonly kind: "mark"; readonly slot: number }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "found" };

/** The characters of a program, in as few classes as it can tell apart. */
export interface Alphabet {
  readonly classes: number;
  /** Class of any character, its case put aside where the pattern does not look at it. */
  readonly classOf: (unit: number) => number;
  /** The same as a table for characters below 256. */
  readonly low: Uint8Array;
  /** 1 for classes of letters, digits and underscore. */
  readonly isWord: Uint8Array;
  /** `set * classes + class` is 1 where the set has the class. */
  readonly inSet: Uint8Array;
}

export interface Program {
  readonly steps: readonly Step[];
  readonly alphabet: Alphabet;
  readonly groups: number;
  /** Whether some assertion asks for the edge of a word. */
  readonly asksForWords: boolean;
}

const MAX_STEPS = 1000;
const MAX_CLASSES = 256;

/** Errors: PatternError for a pattern whose counted repetitions make it too large. */
export function compileProgram(source: string, parsed: ParsedPattern): Program {
  const steps: Step[] = [];
  const sets: CharSet[] = [];
  const setIndex = new Map<string, number>();

  const add = <S extends Step>(step: S): S => {
    if (steps.length >= MAX_STEPS) {
      throw new PatternError(source, `it takes more than ${MAX_STEPS} steps; repeat less`);
    }
    steps.push(step);
    return step;
  };

  const emitSet = (set: CharSet): void => {
    const key = set.join();
    let index = setIndex.get(key);
    if (index === undefined) {
      index = sets.push(set) - 1;
      setIndex.set(key, index);
    }
    add({ kind: "set", set: index });
  };

  const emitEither = (parts: readonly PatternNode[]): void => {
    const jumps: { next: number }[] = [];
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) {
        emit(part);
        break;
      }
      const split = add({ kind: "split", next: steps.length + 1, other: 0 });
      emit(part);
      jumps.push(add({ kind: "jump", next: 0 }));
      split.other = steps.length;
    }
    for (const jump of jumps) jump.next = steps.length;
  };

  const emitRepeat = ({ body, min, max, lazy }: PatternNode & { kind: "repeat" }): void => {
    for (let count = 0; count < min; count++) emit(body);
    const splits: { next: number; other: number }[] = [];
    const optional = max === Infinity ? 1 : max - min;
    for (let count = 0; count < optional; count++) {
      const at = steps.length;
      splits.push(add({ kind: "split", next: at + 1, other: 0 }));
      emit(body);
      if (max === Infinity) add({ kind: "jump", next: at });
    }
    for (const split of splits) {
      split.other = steps.length;
      if (lazy) [split.next, split.other] = [split.other, split.next];
    }
  };

  const emit = (node: PatternNode): void => {
    switch (node.kind) {
      case "set":
        return emitSet(node.set);
      case "assert":
        add({ kind: "assert", what: node.what });
        return;
      case "sequence":
        return node.parts.forEach(emit);
      case "either":
        return emitEither(node.parts);
      case "repeat":
        return emitRepeat(node);
      case "group":
        add({ kind: "mark", slot: 2 * node.index });
        emit(node.body);
        add({ kind: "mark", slot: 2 * node.index + 1 });
    }
  };

  emit(parsed.root);
  add({ kind: "found" });
  const alphabet = alphabetOf(sets, parsed.ignoreCase);
  if (alphabet.classes > MAX_CLASSES) {
    throw new PatternError(source, "it tells too many characters apart");
  }
  return {
    steps,
    alphabet,
    groups: parsed.groups,
    asksForWords: steps.some((step) => step.kind === "assert" && step.what.endsWith("word_edge")),
  };
}

function alphabetOf(sets: readonly CharSet[], ignoreCase: boolean): Alphabet {
  const edges = new Set([0]);
  for (const set of [...sets, wordChars]) {
    for (let at = 0; at < set.length; at += 2) edges.add(set[at]!).add(set[at + 1]! + 1);
  }
  edges.delete(0x10000);
  const starts = [...edges].sort((a, b) => a - b);
  const classes = starts.length;
  const isWord = Uint8Array.from(starts, (start) => hasChar(wordChars, start) ? 1 : 0);
  const inSet = new Uint8Array(sets.length * classes);
  for (const [index, set] of sets.entries()) {
    starts.forEach((start, at) => inSet[index * classes + at] = hasChar(set, start) ? 1 : 0);
  }
  const classOf = ignoreCase
    ? (unit: number) => indexOf(starts, foldChar(unit))
    : (unit: number) => indexOf(starts, unit);
  const low = Uint8Array.from({ length: 256 }, (_, unit) => classOf(unit));
  return { classes, low, classOf, isWord, inSet };
}

/** Index of the last start that is not beyond the character. */
function indexOf(starts: readonly number[], unit: number): number {
  let from = 0, to = starts.length - 1;
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if (starts[middle]! <= unit) from = middle;
    else to = middle - 1;
  }
  return from;
}
