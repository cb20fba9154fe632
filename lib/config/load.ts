/** Builds one whole Config from flags, environment, file and defaults, or says what is wrong with them. */
import { readProperties } from "./app_leaf.ts";
import { fileVariable, readEnvironment, type Setting } from "./environment.ts";
import { issueProblems, ruleProblem } from "./issues.ts";
import { Refusal } from "./leaf.ts";
import { type Layer, type Merged, mergeLayers, settingLayer } from "./merge.ts";
import { flagOf, leafPaths, type Tree, valueAt } from "./paths.ts";
import { isOriginalVariable, noOriginal, type OriginalLayers } from "./original/variables.ts";
import type { ConfigProblem, ConfigSource } from "./problem.ts";
import { findContradictions, findOddities } from "./rules.ts";
import { type Config, schema } from "./schema.ts";
import { parseFile } from "./yaml_file.ts";

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
    /** For every path, what set it; below `services` for every key that is there. */
    readonly sources: Readonly<Record<string, ConfigSource>>;
    readonly warnings: readonly ConfigProblem[];
    /** What all sources say, to lay changes over. Its values may be secrets. */
    readonly merged: Merged;
    readonly file?: LoadedFile;
  }
  | {
    readonly ok: false;
    /** At least one. */
    readonly problems: readonly ConfigProblem[];
    readonly file?: LoadedFile;
  };

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

  const own: Layer = {
    tree: parsed?.tree ?? {},
    source: { kind: "file", name: read?.path ?? "" },
  };
  const settings = [...environment.settings, ...flags.settings].map(settingLayer);
  const original = await readOriginal(input, mergeLayers([own, ...settings]).tree);
  const merged = {
    ...mergeLayers([...original.below, own, ...original.above, ...settings]),
    ...file,
  };
  const result = validate(merged);
  const problems = [...result.ok ? [] : result.problems, ...original.problems, ...outside];
  if (!result.ok || problems.length > 0) return { ok: false, problems, ...file };
  return { ...result, warnings: [...original.warnings, ...result.warnings] };
}

/** A loaded configuration with changes on top that are no part of any file: the same checks hold for the whole. */
export function loadOverridden(merged: Merged, changes: Tree): LoadResult {
  const layer: Layer = { tree: changes, source: { kind: "admin", name: "the admin API" } };
  return validate(mergeLayers([layer], merged));
}

function validate(merged: Merged): LoadResult {
  const file = merged.file === undefined ? {} : { file: merged.file };
  // Code made for a check that runs once costs more than the check: half of the time of a start.
  const result = schema.safeParse(merged.tree, { jitless: true });
  const problems = result.success
    ? findContradictions(result.data).map((finding) => ruleProblem(finding, merged))
    : result.error.issues.flatMap((issue) => issueProblems(issue, merged));
  if (!result.success || problems.length > 0) return { ok: false, problems, ...file };
  const warnings = findOddities(result.data).map((finding) => ruleProblem(finding, merged));
  return { ok: true, config: result.data, sources: merged.sources, warnings, merged, ...file };
}

/** Keys of the original, in files or in the environment. Shape: nothing of it is loaded where there are none. */
async function readOriginal(input: LoadInput, own: Tree): Promise<OriginalLayers> {
  const path = valueAt(own, ["original_config"]);
  const named = typeof path === "string" && path.trim() !== "" ? path.trim() : undefined;
  if (named === undefined && !Object.keys(input.env).some(isOriginalVariable)) return noOriginal;
  const { originalLayers } = await import("./original/layers.ts");
  const { app, version, properties } = own;
  const pairs = properties === undefined ? {} : readProperties(properties);
  return originalLayers({
    env: input.env,
    readFile: input.readFile,
    own: {
      app: typeof app === "string" ? app : "default",
      ...(typeof version === "string" ? { version } : {}),
      ...(pairs instanceof Refusal ? {} : { properties: pairs }),
    },
    ...(named === undefined ? {} : { path: named }),
  });
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
