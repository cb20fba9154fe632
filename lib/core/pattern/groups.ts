/** Finds where the first occurrence of a regular expression and its groups stand in a text. */
import type { Assertion } from "./syntax.ts";
import type { Program } from "./program.ts";

/** The ways under way, the preferred one first, each with the places it has marked. */
class Ways {
  readonly steps: Int32Array;
  readonly marks: Int32Array;
  count = 0;

  constructor(size: number, slots: number) {
    this.steps = new Int32Array(size);
    this.marks = new Int32Array(size * slots);
  }
}

/**
 * Walks through a text once and follows all ways through a program beside each other, in the order in which the
 * pattern prefers them.
 *
 * Cost: the length of the text times the size of the pattern at most; memory for one walk, kept for the next.
 * Source: Thompson's simulation with marks, as described by Pike.
 */
export class GroupFinder {
  readonly #program: Program;
  /** Whether an occurrence can begin at another place than the text's start. */
  readonly #anywhere: boolean;
  readonly #slots: number;
  /** The place at which a step was last reached: whoever comes second is preferred less. */
  readonly #reached: Int32Array;
  readonly #marks: Int32Array;
  #now: Ways;
  #next: Ways;
  #text = "";

  constructor(program: Program, { anywhere }: { readonly anywhere: boolean }) {
    this.#program = program;
    this.#anywhere = anywhere;
    this.#slots = 2 * (program.groups + 1);
    this.#reached = new Int32Array(program.steps.length);
    this.#marks = new Int32Array(this.#slots);
    this.#now = new Ways(program.steps.length, this.#slots);
    this.#next = new Ways(program.steps.length, this.#slots);
  }

  /**
   * Shape: two places per group, where it begins and ends, group 0 being the whole; -1 for a group that took no part.
   * Undefined when there is no occurrence. Of several the leftmost, then what the pattern prefers.
   */
  find(text: string): Int32Array | undefined {
    const { alphabet, steps } = this.#program;
    const slots = this.#slots;
    this.#text = text;
    this.#reached.fill(-1);
    this.#now.count = 0;
    let found: Int32Array | undefined;
    for (let place = 0; place <= text.length; place++) {
      const now = this.#now, next = this.#next;
      // A new beginning is what is preferred least, and of no use once something was found.
      if (found === undefined && (place === 0 || this.#anywhere)) {
        this.#marks.fill(-1);
        this.#marks[0] = place;
        this.#follow(now, 0, place);
      }
      if (now.count === 0 && (found !== undefined || !this.#anywhere)) break;
      const column = place < text.length ? alphabet.classOf(text.charCodeAt(place)) : -1;
      next.count = 0;
      for (let index = 0; index < now.count; index++) {
        const at = now.steps[index]!;
        const step = steps[at]!;
        if (step.kind === "found") {
          found = now.marks.slice(index * slots, (index + 1) * slots);
          found[1] = place;
          // The ways behind this one are preferred less.
          break;
        }
        if (step.kind !== "set" || column < 0) continue;
        if (alphabet.inSet[step.set * alphabet.classes + column] !== 1) continue;
        for (let slot = 0; slot < slots; slot++) {
          this.#marks[slot] = now.marks[index * slots + slot]!;
        }
        this.#follow(next, at + 1, place + 1);
      }
      this.#now = next;
      this.#next = now;
    }
    return found;
  }

  /** Adds all steps that look at a character and can be reached from `at` without one. */
  #follow(ways: Ways, at: number, place: number): void {
    for (;;) {
      if (this.#reached[at] === place) return;
      this.#reached[at] = place;
      const step = this.#program.steps[at]!;
      switch (step.kind) {
        case "jump":
          at = step.next;
          break;
        case "split":
          this.#follow(ways, step.next, place);
          at = step.other;
          break;
        case "mark": {
          const before = this.#marks[step.slot]!;
          this.#marks[step.slot] = place;
          this.#follow(ways, at + 1, place);
          this.#marks[step.slot] = before;
          return;
        }
        case "assert":
          if (!this.#holds(step.what, place)) return;
          at++;
          break;
        default:
          ways.steps[ways.count] = at;
          ways.marks.set(this.#marks, ways.count * this.#slots);
          ways.count++;
          return;
      }
    }
  }

  #holds(what: Assertion, place: number): boolean {
    switch (what) {
      case "start":
        return place === 0;
      case "end":
        return place === this.#text.length;
      case "word_edge":
        return this.#isWord(place - 1) !== this.#isWord(place);
      case "no_word_edge":
        return this.#isWord(place - 1) === this.#isWord(place);
    }
  }

  #isWord(place: number): boolean {
    if (place < 0 || place >= this.#text.length) return false;
    const { classOf, isWord } = this.#program.alphabet;
    return isWord[classOf(this.#text.charCodeAt(place))] === 1;
  }
}
