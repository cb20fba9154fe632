/** Regular expressions: the same answers as the built-in engine, in time that no text can stretch. */
import { assert, assertEquals } from "@test/assert";
import { compilePattern, MAX_TEXT } from "../../../../lib/core/pattern/pattern.ts";
import { PatternError } from "../../../../lib/core/pattern/cursor.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";

const fits: readonly (readonly [pattern: string, text: string, fits: boolean])[] = [
  ["", "", true],
  ["", "anything", true],
  ["a", "cat", true],
  ["^a", "cat", false],
  ["t$", "cat", true],
  ["^cat$", "cat", true],
  ["^cat$", "cats", false],
  ["a.c", "abc", true],
  ["a.c", "a\nc", false],
  ["a|b", "xb", true],
  ["^(a|b)$", "ab", false],
  ["^(?:ab)+$", "ababab", true],
  ["^(?:ab)+$", "ababa", false],
  ["^a{2,3}$", "a", false],
  ["^a{2,3}$", "aaa", true],
  ["^a{2,3}$", "aaaa", false],
  ["^a{2}$", "aa", true],
  ["^a{2,}$", "aaaaa", true],
  ["a{,2}", "a{,2}", true],
  ["x{y", "x{y", true],
  ["]}", "]}", true],
  ["[a-c]x", "bx", true],
  ["[^a-c]x", "bx", false],
  ["[]a]+", "]", true],
  ["[^]a]", "]a", false],
  ["[a-]", "-", true],
  ["[\\]\\-]", "-", true],
  ["[\\d.]+$", "1.2", true],
  ["[\\b]", "\b", true],
  ["^[[:alpha:]]+$", "abc", true],
  ["^[[:alpha:]]+$", "ab1", false],
  ["^[^[:digit:]]$", "7", false],
  ["\\d\\D\\w\\W\\s\\S", "1aa  x", true],
  ["\\.", "x", false],
  ["\\x41\\u0042", "AB", true],
  ["\\0", "\0", true],
  ["\\/\\-\\@", "/-@", true],
  ["\\bcat\\b", "a cat!", true],
  ["\\bcat\\b", "concat", false],
  ["\\Bcat", "concat", true],
  ["\\b$", "a", true],
  ["\\b$", "a ", false],
  ["^$", "", true],
  ["^$", "a", false],
  ["(?i)CaT", "xcAt", true],
  ["(?<name>a)(?P<other>b)", "ab", true],
  ["a*?b+?", "aab", true],
  ["é", "café", true],
  ["[ÿ-Ą]", "Ā", true],
  ["^(.*?;)?(u=1)(;.*)?$", "a=b;u=1;c=d", true],
  ["^(.*?;)?(u=1)(;.*)?$", "a=b;u=12", false],
  ["(a*)*$", "aaaa", true],
  ["(?:|a)+$", "aa", true],
];

for (const [pattern, text, expected] of fits) {
  Deno.test(`pattern, ${pattern} ${expected ? "occurs" : "does not occur"} in ${JSON.stringify(text)}`, () => {
    assertEquals(compilePattern(pattern).test(text), expected);
  });
}

const withoutCase: readonly (readonly [pattern: string, text: string, fits: boolean])[] = [
  ["cat", "CAT", true],
  ["CAT", "cat", true],
  ["^[a-z]+$", "CaT", true],
  ["[^a-z]", "CAT", false],
  ["\\d[A-Z]", "7q", true],
  ["ÄÖ", "äö", true],
  ["ж", "Ж", true],
];

for (const [pattern, text, expected] of withoutCase) {
  Deno.test(`pattern, ${pattern} without regard to case and ${text}`, () => {
    assertEquals(compilePattern(pattern, { ignoreCase: true }).test(text), expected);
  });
}

const refused: readonly (readonly [pattern: string, reason: RegExp])[] = [
  ["(a", /a \( has no \) after it/],
  ["a)", /a \) has no \( before it/],
  ["[a", /a \[ has no \] after it/],
  ["*a", /nothing before \* to repeat/],
  ["a|+", /nothing before \+ to repeat/],
  ["a**", /repeats a repetition/],
  ["^*", /repeats a place/],
  ["a{3,2}", /counts backwards/],
  ["a{1001}", /more than 1000 times/],
  ["(?:a{900}){900}", /more than 1000 steps/],
  ["a\\", /ends in a backslash/],
  ["(a)\\1", /refers back/],
  ["(?=a)", /looks ahead or behind/],
  ["(?<!a)b", /looks ahead or behind/],
  ["a(?i)b", /at its beginning only/],
  ["(?>a)", /unknown \(\? group/],
  ["\\pL", /\\p is not known/],
  ["[z-a]", /runs backwards/],
  ["[\\d-z]", /has a class for its end/],
  ["[[:nope:]]", /\[:nope:\] is not known/],
  ["(?:".repeat(200) + ")".repeat(200), /nested too deep/],
  ["(a)".repeat(100), /more than 99 groups/],
  ["a".repeat(5000), /longer than 4096 characters/],
];

for (const [pattern, reason] of refused) {
  Deno.test(`pattern, refuses ${pattern.slice(0, 20)} and names it`, () => {
    assert.throws(() => compilePattern(pattern), (error) => {
      assert(error instanceof PatternError);
      assert(error.message.includes(JSON.stringify(pattern)));
      assert.match(error.message, reason);
      return true;
    });
  });
}

const found:
  readonly (readonly [pattern: string, text: string, places: readonly number[] | undefined])[] = [
    ["b", "abc", [1, 2]],
    ["x", "abc", undefined],
    ["(a)(b)?", "ac", [0, 1, 0, 1, -1, -1]],
    ["a+", "baaa", [1, 4]],
    ["a+?", "baaa", [1, 2]],
    ["(a+?)(a*)", "aaa", [0, 3, 0, 1, 1, 3]],
    ["a|ab", "ab", [0, 1]],
    ["ab|a", "ab", [0, 2]],
    ["^/v1/([^/]+)/(.*)$", "/v1/items/4/5", [0, 13, 4, 9, 10, 13]],
    ["(?:x|(y))+", "xyx", [0, 3, 1, 2]],
    ["$", "ab", [2, 2]],
    ["\\b", " ab", [1, 1]],
  ];

for (const [pattern, text, places] of found) {
  Deno.test(`pattern, ${pattern} stands in ${text} at ${places}`, () => {
    const match = compilePattern(pattern).find(text);
    assertEquals(match && [...match], places);
  });
}

/** A pattern that both engines read alike: no repetition of what may be empty, where they differ by design. */
function randomPattern(
  random: Seeded,
  depth: number,
  opening = "(",
): { text: string; nullable: boolean } {
  const atoms = ["a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\W", "\\d", "1", " "];
  const roll = depth <= 0 ? 0 : random.below(8);
  if (roll <= 2) return { text: random.of(atoms), nullable: false };
  if (roll === 3) return { text: random.of(["^", "$", "\\b", "\\B"]), nullable: true };
  if (roll === 4) {
    const a = randomPattern(random, depth - 1, opening);
    const b = randomPattern(random, depth - 1, opening);
    return { text: `${opening}${a.text}|${b.text})`, nullable: a.nullable || b.nullable };
  }
  if (roll === 5) {
    // What a repeated group has marked in an earlier round JavaScript forgets, and others do not.
    const body = randomPattern(random, depth - 1, "(?:");
    if (body.nullable) return body;
    const repeat = random.of(["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?", "+?", "??"]);
    return {
      text: `(?:${body.text})${repeat}`,
      nullable: /^[*?]|^\{0/.test(repeat),
    };
  }
  const parts = Array.from(
    { length: 2 + random.below(3) },
    () => randomPattern(random, depth - 1, opening),
  );
  return {
    text: parts.map((part) => part.text).join(""),
    nullable: parts.every((part) => part.nullable),
  };
}

Deno.test("pattern, answers as the built-in engine does for random patterns and texts", () => {
  const random = seeded(71);
  let occurrences = 0;
  for (let round = 0; round < 3000; round++) {
    const source = randomPattern(random, 4).text;
    const ignoreCase = random.below(4) === 0;
    const ours = compilePattern(source, { ignoreCase });
    const theirs = new RegExp(source, ignoreCase ? "di" : "d");
    for (let trial = 0; trial < 8; trial++) {
      const text = Array.from({ length: random.below(9) }, () => random.of([..."abcAB1 -é"])).join(
        "",
      );
      const match = theirs.exec(text);
      const expected = match?.indices?.flatMap((places) => places ?? [-1, -1]);
      const places = ours.find(text);
      assertEquals(places && [...places], expected, `/${source}/ in ${JSON.stringify(text)}`);
      assertEquals(ours.test(text), match !== null, `/${source}/ in ${JSON.stringify(text)}`);
      if (match) occurrences++;
    }
  }
  assert(occurrences > 3000, `only ${occurrences} occurrences`);
});

Deno.test("pattern, no text makes a search take long that takes a backtracking engine for ever", () => {
  const text = "a".repeat(MAX_TEXT - 1) + "!";
  for (
    const source of ["^(a+)+$", "^(a|a)*$", "(.*)*x", "a*a*a*a*a*b", "(a|b|ab)*c$", ".*.*.*=.*x"]
  ) {
    const pattern = compilePattern(source);
    const start = performance.now();
    assertEquals(pattern.test(text), false);
    // A backtracking engine needs longer than there is; this bound is a hundred times what is usual here.
    assert(performance.now() - start < 1000, `${source} took ${performance.now() - start} ms`);
  }
});

Deno.test("pattern, goes on rightly when its table of states is full", () => {
  const random = seeded(5);
  const source = "[ab]*a[ab]{14}$";
  const ours = compilePattern(source), theirs = /[ab]*a[ab]{14}$/;
  for (let round = 0; round < 40; round++) {
    const text = Array.from({ length: 400 }, () => random.of(["a", "b"])).join("");
    assertEquals(ours.test(text), theirs.test(text), text);
  }
});

Deno.test("pattern, a text longer than the bound fits none", () => {
  const pattern = compilePattern("a");
  assertEquals(pattern.test("a".repeat(MAX_TEXT)), true);
  assertEquals(pattern.test("a".repeat(MAX_TEXT + 1)), false);
  assertEquals(pattern.find("a".repeat(MAX_TEXT + 1)), undefined);
});
