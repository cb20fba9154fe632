/** The original's tests of a text, `{exact: jason}` and the like, as tests of ours. */
import { compilePattern } from "../../core/pattern/pattern.ts";
import type { RequestMatch, TextMatch } from "../../core/traffic.ts";
import { entriesOf, NotTaken, textOf, wholeOf } from "./plain_tree.ts";

/** Which member of ours each operator is. */
const members = {
  exact: "exact",
  contains: "contains",
  regex: "regex",
  noEqu: "not",
  less: "less",
  noLess: "atLeast",
  greater: "greater",
  noGreater: "atMost",
} as const satisfies Record<string, keyof TextMatch>;

type Writable = { -readonly [Key in keyof TextMatch]: TextMatch[Key] };

/**
 * Reads operators with their values; all of them have to fit.
 *
 * Shape: the original upper-cases pattern and text where case does not matter, which turns `\d` into `\D`; here
 * only the comparison ignores case.
 * Errors: NotTaken for an unknown operator, a bound that is no whole number, and a pattern that is none: with any
 * of these the original's rule never fits.
 */
export function readOperators(value: unknown): TextMatch {
  const match: Writable = {};
  for (const [operator, raw] of entriesOf(value)) {
    if (operator === "caseInsensitive") {
      if (textOf(raw) === "true") match.ignoreCase = true;
    } else {
      Object.assign(match, readOperator(operator, raw));
    }
  }
  return match;
}

/** One operator. Errors: as readOperators. */
export function readOperator(operator: string, raw: unknown): TextMatch {
  if (!Object.hasOwn(members, operator)) {
    throw new NotTaken(
      `the operator ${JSON.stringify(operator)} is not known, so it never fits; known are ${
        Object.keys(members).join(", ")
      }`,
    );
  }
  const member = members[operator as keyof typeof members];
  switch (member) {
    case "exact":
    case "contains":
    case "not":
      return { [member]: textOf(raw) };
    case "regex":
      return { regex: checkedPattern(textOf(raw)) };
    default:
      return { [member]: wholeOf(raw) };
  }
}

function checkedPattern(source: string): string {
  try {
    compilePattern(source);
    return source;
  } catch (error) {
    throw new NotTaken(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The ways in which a header can fit a test for which a header that is missing is an empty text.
 *
 * Shape: one match, or two of which either will do. Header names are lower-cased: their case never mattered to HTTP.
 */
export function headerWays(name: string, test: TextMatch): readonly RequestMatch[] {
  const header = (value: TextMatch): RequestMatch => ({
    headers: [{ name: name.toLowerCase(), value }],
  });
  const { ignoreCase: _, ...tests } = test;
  const count = Object.keys(tests).length;
  if (count === 0) return [{}];
  if (!fitsEmpty(test)) return [header(test.not === undefined ? test : { ...test, present: true })];
  // A lone `not` fits a missing value here, too.
  if (count === 1 && test.not !== undefined) return [header(test)];
  return [header(test), header({ present: false })];
}

function fitsEmpty(test: TextMatch): boolean {
  const { exact, contains, regex, not, less, atLeast, greater, atMost } = test;
  if ([less, atLeast, greater, atMost].some((bound) => bound !== undefined)) return false;
  return (exact ?? "") === "" && (contains ?? "") === "" && not !== "" &&
    (regex === undefined || compilePattern(regex).test(""));
}

const MAX_WAYS = 32;

/**
 * All conditions together, each given as ways of which one will do.
 *
 * Shape: one match; `any` in it has none of its own. Errors: NotTaken when there are too many ways to write them out.
 */
export function allOfWays(conditions: readonly (readonly RequestMatch[])[]): RequestMatch {
  let ways: readonly RequestMatch[] = [{}];
  for (const condition of conditions) {
    ways = ways.flatMap((way) => condition.map((other) => together(way, other)));
    if (ways.length > MAX_WAYS) throw new NotTaken("its conditions can fit in too many ways");
  }
  return oneOfWays(ways);
}

export function oneOfWays(ways: readonly RequestMatch[]): RequestMatch {
  return ways.length === 1 ? ways[0]! : { any: ways };
}

/** Two matches without `any`, of which only one asks for anything but headers and query parameters. */
function together(one: RequestMatch, other: RequestMatch): RequestMatch {
  const headers = [...one.headers ?? [], ...other.headers ?? []];
  const queries = [...one.queries ?? [], ...other.queries ?? []];
  return {
    ...one,
    ...other,
    ...(headers.length > 0 ? { headers } : {}),
    ...(queries.length > 0 ? { queries } : {}),
  };
}
