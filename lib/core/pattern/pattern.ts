/** Regular expressions for texts that strangers write: no pattern and no text makes a search take long. */
import { Finder } from "./finder.ts";
import { GroupFinder } from "./groups.ts";
import { compileProgram } from "./program.ts";
import { parsePattern } from "./syntax.ts";

/** Longer texts fit no pattern, so that what one search may take has a bound. Units: characters. */
export const MAX_TEXT = 8192;

/** Shape: keeps what searches have worked out, so it belongs to one thread. */
export interface Pattern {
  readonly source: string;
  /** Number of capturing groups. */
  readonly groups: number;
  /** Whether it occurs anywhere in the text. Cost: a few nanoseconds a character. */
  test(text: string): boolean;
  /**
   * Where the first occurrence stands.
   *
   * Shape: begin and end of the whole, then of each group, -1 for one that took no part; undefined for none.
   */
  find(text: string): Int32Array | undefined;
}

/**
 * Compiles a regular expression.
 *
 * Backtracking engines, the built-in one among them, can take seconds for one crafted header, so searches run on an
 * automaton. The price is that look-around and back references are refused, as every such engine does.
 *
 * Errors: PatternError, which names the pattern.
 */
export function compilePattern(
  source: string,
  { ignoreCase = false }: { readonly ignoreCase?: boolean } = {},
): Pattern {
  const program = compileProgram(source, parsePattern(source, ignoreCase));
  const finder = new Finder(program);
  const test = (text: string): boolean => text.length <= MAX_TEXT && finder.test(text);
  let groupFinder: GroupFinder | undefined;
  return {
    source,
    groups: program.groups,
    test,
    find: (text) => {
      if (!test(text)) return undefined;
      groupFinder ??= new GroupFinder(program, { anywhere: finder.anywhere });
      return groupFinder.find(text);
    },
  };
}
