/** Turns the test of one text into a function. */
import { compilePattern } from "../../core/pattern/pattern.ts";
import type { TextMatch } from "../../core/traffic.ts";

/** Undefined stands for a value that is not there. */
export type TextTest = (value: string | undefined) => boolean;

/**
 * Compiles a test.
 *
 * Shape: a value that is not there fits `present: false` and a lone `not`, nothing else. A match without members
 * asks whether there is a value.
 * Errors: PatternError.
 */
export function compileText(match: TextMatch): TextTest {
  const tests = valueTests(match);
  const { present } = match;
  if (present === false) return (value) => value === undefined;
  const fitsNone = present === undefined && match.not !== undefined && tests.length === 1;
  if (tests.length === 0) return (value) => value !== undefined;
  const first = tests[0]!;
  if (tests.length === 1) return (value) => value === undefined ? fitsNone : first(value);
  return (value) => {
    if (value === undefined) return false;
    for (let index = 0; index < tests.length; index++) if (!tests[index]!(value)) return false;
    return true;
  };
}

type ValueTest = (value: string) => boolean;

function valueTests(match: TextMatch): readonly ValueTest[] {
  const tests: ValueTest[] = [];
  const folds = match.ignoreCase === true;
  const withText = (
    text: string | undefined,
    test: (value: string, wanted: string) => boolean,
  ): void => {
    if (text === undefined) return;
    if (!folds) {
      tests.push((value) => test(value, text));
      return;
    }
    const lower = text.toLowerCase();
    tests.push((value) => test(value.toLowerCase(), lower));
  };
  withText(match.exact, (value, wanted) => value === wanted);
  withText(match.not, (value, wanted) => value !== wanted);
  withText(match.prefix, (value, wanted) => value.startsWith(wanted));
  withText(match.suffix, (value, wanted) => value.endsWith(wanted));
  withText(match.contains, (value, wanted) => value.includes(wanted));
  const withNumber = (
    bound: number | undefined,
    test: (value: number, bound: number) => boolean,
  ): void => {
    // No number compares with NaN in any way, so a text that is none fits nothing.
    if (bound !== undefined) tests.push((value) => test(wholeNumber(value), bound));
  };
  withNumber(match.less, (value, bound) => value < bound);
  withNumber(match.atMost, (value, bound) => value <= bound);
  withNumber(match.greater, (value, bound) => value > bound);
  withNumber(match.atLeast, (value, bound) => value >= bound);
  if (match.regex !== undefined) {
    const pattern = compilePattern(match.regex, { ignoreCase: folds });
    tests.push(pattern.test);
  }
  return tests;
}

/** NaN for a text that is no whole number in plain digits. */
function wholeNumber(text: string): number {
  const first = text.charCodeAt(0);
  const from = first === 43 || first === 45 ? 1 : 0;
  if (text.length === from) return NaN;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 48 || unit > 57) return NaN;
  }
  return Number(text);
}
