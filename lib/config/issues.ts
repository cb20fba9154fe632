/** From what the schema and the rules object to, to problems in words with their place and source. */
import type * as z from "zod";
import type { Merged } from "./merge.ts";
import { keysAt, leafPaths, valueAt } from "./paths.ts";
import { type ConfigProblem, formatSource, mask, showValue } from "./problem.ts";
import type { RuleFinding } from "./rules.ts";
import { isSecret } from "./secrets.ts";
import { closest } from "../core/closest.ts";
import { lineOf } from "./yaml_file.ts";

/** Where the value of a path came from, in words; for a file with the line where it can be found. */
function sourceText(path: readonly PropertyKey[], merged: Merged): string | undefined {
  const source = path
    .map((_, index) => merged.sources[path.slice(0, path.length - index).map(String).join(".")])
    .find((source) => source !== undefined);
  if (source === undefined || source.kind === "default") return undefined;
  if (source.kind !== "file" || merged.file === undefined) return formatSource(source);
  const line = lineOf(merged.file.text, path);
  return line === undefined ? merged.file.path : `${merged.file.path} line ${line}`;
}

function withSource(problem: ConfigProblem, source: string | undefined): ConfigProblem {
  return source === undefined ? problem : { ...problem, source };
}

/** The problem of a rule over several keys. */
export function ruleProblem({ path, expectation }: RuleFinding, merged: Merged): ConfigProblem {
  const steps = typeof path === "string" ? path.split(".") : path;
  return withSource({ path: steps.map(String).join("."), expectation }, sourceText(steps, merged));
}

const notASet = "is not a set of keys; write its keys on lines of their own below it, indented";
const notAList =
  "is not a list; write its entries on lines of their own below it, each begun with - (in a variable: JSON)";

/** The problems of one objection of the schema. */
export function issueProblems(
  issue: z.core.$ZodIssue,
  merged: Merged,
): readonly ConfigProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey([...issue.path, key], merged));
  }
  const path = issue.path.map(String).join(".");
  const params = issue.code === "custom" ? issue.params : undefined;
  const suggestion: unknown = params?.["suggestion"];
  const aboutKey = issue.code === "invalid_key" || params?.["aboutKey"] === true;
  const value = aboutKey ? undefined : valueAt(merged.tree, issue.path);
  const shown = value === undefined
    ? {}
    : { value: isSecret(issue.path) ? mask : showValue(value) };
  return [withSource({
    path,
    ...shown,
    expectation: wordsOf(issue, value === undefined && !aboutKey),
    ...(typeof suggestion === "string" ? { suggestion } : {}),
  }, sourceText(issue.path, merged))];
}

function wordsOf(issue: z.core.$ZodIssue, isMissing: boolean): string {
  // Only groups and lists are checked by type: every leaf takes anything and says itself what it wants.
  if (issue.code === "invalid_type") {
    if (isMissing) return "is missing; it has to be set";
    return issue.expected === "array" ? notAList : notASet;
  }
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  return isMissing ? issue.message.replace(/^is not /, "is missing; it has to be ") : issue.message;
}

/** An unknown key is shown without its value: it may be a misspelt secret. */
function unknownKey(path: readonly PropertyKey[], merged: Merged): ConfigProblem {
  const group = path.slice(0, -1);
  const key = String(path[path.length - 1]!);
  const near = closest(key, keysAt(group) ?? []);
  const inside = leafPaths.some((leaf) => leaf === String(path[0]));
  const suggestion = near !== undefined
    ? [...group, near].map(String).join(".")
    : inside
    ? undefined
    : elsewhere(key);
  return withSource({
    path: path.map(String).join("."),
    expectation: "is not a key of the configuration",
    ...(suggestion === undefined ? {} : { suggestion }),
  }, sourceText(path, merged));
}

/** The only path with such a key in another group, for a key written into the wrong one. */
function elsewhere(key: string): string | undefined {
  const lastKey = (path: string) => path.slice(path.lastIndexOf(".") + 1);
  const near = closest(key, leafPaths.map(lastKey));
  const paths = leafPaths.filter((path) => lastKey(path) === near);
  return paths.length === 1 ? paths[0] : undefined;
}
