/** Builds one whole Config from flags, environment, file and defaults, or says what is wrong with them. */
import type * as z from "zod";
import { fileVariable, readEnvironment, type Setting } from "./environment.ts";
import { flagOf, isTree, leafPaths, shapeAt, type Tree, valueAt } from "./paths.ts";
import { type ConfigProblem, type ConfigSource, formatSource, mask, showValue } from "./problem.ts";
import { findContradictions, findOddities, type RuleFinding } from "./rules.ts";
import { type Config, schema, secretPaths } from "./schema.ts";
import { closest } from "./suggest.ts";
import { lineOf, parseFile } from "./yaml_file.ts";

export interface LoadInput {
  /** Values by path, as parseFlags gives them. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined or a rejection when the file cannot be read. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** The file; without it, the one that MESHER_CONFIG names, or none. */
  readonly path?: string;
}

/** The file that was read. Its text may hold secrets. */
export interface LoadedFile {
  readonly path: string;
  readonly text: string;
}

export type LoadResult =
  | {
    readonly ok: true;
    readonly config: Config;
    /** For every path, what set it. */
    readonly sources: Readonly<Record<string, ConfigSource>>;
    readonly warnings: readonly ConfigProblem[];
    readonly file?: LoadedFile;
  }
  | {
    readonly ok: false;
    /** At least one. */
    readonly problems: readonly ConfigProblem[];
    readonly file?: LoadedFile;
  };

/** The values of all sources laid over each other, with the memory of where each came from. */
interface Merged {
  readonly tree: Tree;
  readonly sources: Readonly<Record<string, ConfigSource>>;
  readonly file?: LoadedFile;
}

/** Loads the configuration. Errors: none thrown; every mistake found is in `problems`. */
export async function loadConfig(input: LoadInput): Promise<LoadResult> {
  const environment = readEnvironment(input.env);
  const flags = readFlags(input.flags);
  const outside = [...environment.problems, ...flags.problems];

  const path = input.path ?? (input.env[fileVariable]?.trim() || undefined);
  const read = path === undefined ? undefined : await readText(path, input.readFile);
  if (read !== undefined && "expectation" in read) {
    return { ok: false, problems: [{ ...read, source: sourceOfPath(input) }, ...outside] };
  }
  const parsed = read === undefined ? undefined : await parseFile(read.text, read.path);
  const file = read === undefined ? {} : { file: read };
  if (parsed?.ok === false) return { ok: false, problems: [parsed.problem, ...outside], ...file };

  const merged = {
    ...merge(parsed?.tree ?? {}, [...environment.settings, ...flags.settings], read?.path),
    ...file,
  };
  const result = schema.safeParse(merged.tree);
  const own = result.success
    ? findContradictions(result.data).map((finding) => ruleProblem(finding, merged))
    : result.error.issues.flatMap((issue) => issueProblems(issue, merged));
  const problems = [...own, ...outside];
  if (!result.success || problems.length > 0) return { ok: false, problems, ...file };
  return {
    ok: true,
    config: result.data,
    sources: merged.sources,
    warnings: findOddities(result.data).map((finding) => ruleProblem(finding, merged)),
    ...file,
  };
}

async function readText(
  path: string,
  readFile: LoadInput["readFile"],
): Promise<LoadedFile | ConfigProblem> {
  try {
    const text = await readFile(path);
    if (text !== undefined) return { path, text };
    return { path, expectation: "does not exist; name an existing file or none" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { path, expectation: `cannot be read: ${reason}` };
  }
}

function sourceOfPath(input: LoadInput): string {
  return input.path === undefined ? fileVariable : "the command line";
}

function readFlags(
  flags: Readonly<Record<string, string>>,
): { readonly settings: readonly Setting[]; readonly problems: readonly ConfigProblem[] } {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [path, value] of Object.entries(flags)) {
    const name = flagOf(path);
    if (leafPaths.includes(path)) {
      settings.push({ path, value: value.trim(), source: { kind: "flag", name } });
    } else {
      problems.push({ path: name, expectation: "is not a key", source: "the command line" });
    }
  }
  return { settings, problems };
}

/** Later settings win over earlier ones and over the file. A key without a value in the file is not set. */
function merge(fileTree: Tree, settings: readonly Setting[], fileName: string | undefined): Merged {
  const tree = copyGroup(fileTree, []);
  const sources: Record<string, ConfigSource> = {};
  for (const path of leafPaths) {
    sources[path] = valueAt(tree, path.split(".")) === undefined
      ? { kind: "default", name: "default" }
      : { kind: "file", name: fileName ?? "" };
  }
  for (const { path, value, source } of settings) {
    const keys = path.split(".");
    const last = keys.pop()!;
    let place = tree;
    for (const key of keys) {
      // A file may say something else where a group belongs; that stays, to be reported.
      const inner = place[key] ?? (place[key] = {});
      place = isTree(inner) ? inner as Record<string, unknown> : {};
    }
    place[last] = value;
    sources[path] = source;
  }
  return { tree, sources };
}

function copyGroup(tree: Tree, path: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(tree).filter(([, value]) => value !== null);
  // fromEntries and not assignment: a key called __proto__ has to stay an ordinary, unknown key.
  return Object.fromEntries(entries.map(([key, value]) => {
    const inner = [...path, key];
    return [key, isTree(value) && shapeAt(inner) ? copyGroup(value, inner) : value];
  }));
}

/** Where the value of a path came from, in words; for a file with the line where it can be found. */
function sourceText(path: readonly PropertyKey[], merged: Merged): string | undefined {
  const leafPath = leafPaths.find((leafPath) => isWithin(path, leafPath.split(".")));
  const source = leafPath === undefined ? undefined : merged.sources[leafPath];
  if (source !== undefined && source.kind !== "file") {
    return source.kind === "default" ? undefined : formatSource(source);
  }
  if (merged.file === undefined) return undefined;
  const line = lineOf(merged.file.text, path);
  return line === undefined ? merged.file.path : `${merged.file.path} line ${line}`;
}

function isWithin(path: readonly PropertyKey[], leafPath: readonly string[]): boolean {
  return leafPath.length <= path.length && leafPath.every((key, index) => key === path[index]);
}

function withSource(problem: ConfigProblem, source: string | undefined): ConfigProblem {
  return source === undefined ? problem : { ...problem, source };
}

function ruleProblem({ path, expectation }: RuleFinding, merged: Merged): ConfigProblem {
  return withSource({ path, expectation }, sourceText(path.split("."), merged));
}

function issueProblems(issue: z.core.$ZodIssue, merged: Merged): readonly ConfigProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey([...issue.path.map(String), key], merged));
  }
  const path = issue.path.map(String).join(".");
  // Only groups are checked by type: every leaf takes anything and says itself what it wants.
  const expectation = issue.code === "custom"
    ? issue.message
    : "is not a set of keys; write its keys on lines of their own below it, indented";
  const suggestion: unknown = issue.code === "custom" ? issue.params?.["suggestion"] : undefined;
  const value = valueAt(merged.tree, issue.path);
  const secret = secretPaths.has(path);
  return [withSource({
    path,
    ...(value === undefined ? {} : { value: secret ? mask : showValue(value) }),
    expectation,
    ...(typeof suggestion === "string" ? { suggestion } : {}),
  }, sourceText(issue.path, merged))];
}

/** An unknown key is shown without its value: it may be a misspelt secret. */
function unknownKey(path: readonly string[], merged: Merged): ConfigProblem {
  const group = path.slice(0, -1);
  const key = path[path.length - 1]!;
  const near = closest(key, Object.keys(shapeAt(group) ?? {}));
  const suggestion = near === undefined ? elsewhere(key) : [...group, near].join(".");
  return withSource({
    path: path.join("."),
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
