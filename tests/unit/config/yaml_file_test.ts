import { assert, assertEquals } from "@test/assert";
import { formatProblem } from "../../../lib/config/problem.ts";
import { lineOf, parseFile } from "../../../lib/config/yaml_file.ts";

const broken: readonly (readonly [text: string, where: string, word: RegExp])[] = [
  ["log: info\n\tvia: true\n", "mesher.yaml line 2 column 1", /tab/i],
  ["log: info\nlog: warn\n", "mesher.yaml line 2 column 1", /unique|duplicate/i],
  ["log: a: b\n", "mesher.yaml line 1 column 6", /mapping/i],
  ["ports: [1\n", "mesher.yaml line 2 column 1", /sequence/i],
];

for (const [text, where, word] of broken) {
  Deno.test(`the broken file ${JSON.stringify(text)} is refused with line and column`, async () => {
    const parsed = await parseFile(text, "mesher.yaml");
    assert.ok(!parsed.ok);
    assertEquals(parsed.problem.source, where);
    assert.match(formatProblem(parsed.problem), /^mesher\.yaml: is not valid YAML: \S[^\n]*$/);
    assert.match(parsed.problem.expectation, word);
  });
}

for (const text of ["- a\n- b\n", "just words", "42"]) {
  Deno.test(`the file ${JSON.stringify(text)} without keys is refused`, async () => {
    const parsed = await parseFile(text, "mesher.yaml");
    assert.ok(!parsed.ok);
    assert.match(parsed.problem.expectation, /does not hold keys/);
  });
}

for (const text of ["", "# only a comment\n", "---\n", "\uFEFF"]) {
  Deno.test(`the empty file ${JSON.stringify(text)} sets nothing`, async () => {
    assertEquals(await parseFile(text, "mesher.yaml"), { ok: true, tree: {} });
  });
}

const text = [
  "# timeouts:",
  "log: info",
  "discovery:",
  "  timeout: 1s",
  "timeouts:",
  "    # connect: 1s",
  '    "connect": 2s',
  "    'head': 2s",
  "check:",
  "  - type: http",
  "    path: /x",
  "retry: {max_attempts: 1}",
].join("\n");

const places: readonly (readonly [path: string, line: number | undefined])[] = [
  ["log", 2],
  ["discovery.timeout", 4],
  ["timeouts", 5],
  ["timeouts.connect", 7],
  ["timeouts.head", 8],
  ["timeouts.response", 5],
  ["check.0.path", 9],
  ["retry.max_attempts", 12],
  ["timeout", undefined],
];

for (const [path, line] of places) {
  Deno.test(`the line of ${path} is ${line ?? "unknown"}`, () => {
    assertEquals(lineOf(text, path.split(".")), line);
  });
}
