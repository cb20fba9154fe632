/** Tests of one text: each member, and what a missing value fits. */
import { assertEquals } from "@test/assert";
import type { TextMatch } from "../../../../lib/core/traffic.ts";
import { compileText } from "../../../../lib/data/routing/text_match.ts";

const table: readonly (readonly [match: TextMatch, value: string | undefined, fits: boolean])[] = [
  [{ exact: "a" }, "a", true],
  [{ exact: "a" }, "A", false],
  [{ exact: "a", ignoreCase: true }, "A", true],
  [{ exact: "" }, "", true],
  [{ exact: "" }, undefined, false],
  [{ prefix: "/api" }, "/api/x", true],
  [{ prefix: "/api" }, "/ap", false],
  [{ prefix: "/API", ignoreCase: true }, "/api", true],
  [{ suffix: ".js" }, "a.js", true],
  [{ suffix: ".js" }, "a.ts", false],
  [{ contains: "b" }, "abc", true],
  [{ contains: "B" }, "abc", false],
  [{ contains: "B", ignoreCase: true }, "abc", true],
  [{ not: "a" }, "b", true],
  [{ not: "a" }, "a", false],
  [{ not: "a" }, undefined, true],
  [{ not: "a", ignoreCase: true }, "A", false],
  [{ not: "a", present: true }, undefined, false],
  [{ not: "a", prefix: "b" }, undefined, false],
  [{ regex: "^a+$" }, "aaa", true],
  [{ regex: "^a+$" }, "AAA", false],
  [{ regex: "^a+$", ignoreCase: true }, "AAA", true],
  [{ regex: "b" }, "abc", true],
  [{ regex: ".*" }, undefined, false],
  [{ less: 10 }, "9", true],
  [{ less: 10 }, "10", false],
  [{ atMost: 10 }, "10", true],
  [{ atMost: 10 }, "11", false],
  [{ greater: 10 }, "11", true],
  [{ greater: 10 }, "10", false],
  [{ atLeast: 10 }, "10", true],
  [{ atLeast: 10 }, "9", false],
  [{ less: 10 }, "9.5", false],
  [{ less: 10 }, "", false],
  [{ less: 10 }, " 9", false],
  [{ less: 10 }, "9x", false],
  [{ less: 10 }, "0x1", false],
  [{ less: 10 }, "-", false],
  [{ less: 10 }, "-3", true],
  [{ less: 10 }, "+3", true],
  [{ less: 10 }, undefined, false],
  [{ greater: 5 }, "99999999999999999999", true],
  [{ atLeast: 5, less: 8 }, "7", true],
  [{ atLeast: 5, less: 8 }, "8", false],
  [{ present: true }, "", true],
  [{ present: true }, undefined, false],
  [{ present: false }, undefined, true],
  [{ present: false }, "", false],
  [{ present: false, exact: "a" }, undefined, true],
  [{}, "a", true],
  [{}, undefined, false],
  [{ prefix: "a", suffix: "c", contains: "b" }, "abc", true],
  [{ prefix: "a", suffix: "c", contains: "x" }, "abc", false],
];

for (const [match, value, fits] of table) {
  Deno.test(`text match, ${JSON.stringify(match)} and ${JSON.stringify(value)}: ${fits}`, () => {
    assertEquals(compileText(match)(value), fits);
  });
}
