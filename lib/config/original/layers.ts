/** Reads what is there of the original's configuration, and makes layers of it that lie below and above the own file. */
import type { ConfigProblem } from "../problem.ts";
import { isTree, type Tree } from "../paths.ts";
import { parseFile } from "../yaml_file.ts";
import { flatten, flatVariables } from "./flatten.ts";
import type { FlatKeys, FlatValue } from "./sheet.ts";
import type { OwnIdentity } from "./rules.ts";
import { translateOriginal } from "./translate.ts";
import type { OriginalLayers } from "./variables.ts";

/** Files of the original that have keys on traffic. */
const originalFiles = [
  "chassis.yaml",
  "load_balancing.yaml",
  "circuit_breaker.yaml",
  "rate_limiting.yaml",
  "router.yaml",
] as const;

export interface OriginalInput {
  readonly env: Readonly<Record<string, string>>;
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** A file, or the folder of several; undefined: variables only. */
  readonly path?: string;
  /** Who calls, as the own configuration says. */
  readonly own: OwnIdentity;
}

interface Read {
  readonly flat: FlatKeys;
  readonly problems: readonly ConfigProblem[];
}

/** Errors: none thrown; a file that cannot be read is a problem, a key without an equal a warning. */
export async function originalLayers(input: OriginalInput): Promise<OriginalLayers> {
  const { env, own, path } = input;
  const { flat, problems } = path === undefined
    ? { flat: new Map<string, FlatValue>(), problems: [] }
    : await readAll(path, input);
  const variables = flatVariables(env);
  const below = translateOriginal(flat, own);
  const whole = variables.size === 0
    ? below
    : translateOriginal(new Map([...flat, ...variables]), own);
  const warnings = whole.warnings.map((warning): ConfigProblem => {
    const end = warning.indexOf(": ");
    const key = warning.slice(0, end);
    // A rule within a key is named behind a comma.
    const source = variables.has(key.split(",")[0]!) ? "the environment" : path;
    return {
      path: key,
      expectation: warning.slice(end + 2),
      ...(source === undefined ? {} : { source }),
    };
  });
  return {
    below: path === undefined
      ? []
      : [{ tree: below.settings, source: { kind: "original", name: path } }],
    above: variables.size === 0 ? [] : [{
      tree: difference(below.settings, whole.settings),
      source: { kind: "original", name: "variables" },
    }],
    warnings,
    problems,
  };
}

async function readAll(path: string, { env, readFile }: OriginalInput): Promise<Read> {
  const isFile = /\.ya?ml$/i.test(path);
  const paths = isFile
    ? [path]
    : originalFiles.map((name) => `${path.replace(/\/+$/, "")}/${name}`);
  const flat = new Map<string, FlatValue>();
  const problems: ConfigProblem[] = [];
  let found = 0;
  for (const file of paths) {
    const text = await readFile(file).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      return { path: "original_config", expectation: `${file} cannot be read: ${reason}` };
    });
    if (text === undefined) continue;
    found++;
    if (typeof text !== "string") {
      problems.push(text);
      continue;
    }
    const parsed = await parseFile(text, file);
    if (!parsed.ok) problems.push(parsed.problem);
    else for (const [key, value] of flatten(parsed.tree, env)) flat.set(key, value);
  }
  if (found === 0) {
    const expectation = isFile
      ? `names ${path}, which does not exist`
      : `names ${path}, which holds none of ${originalFiles.join(", ")}`;
    problems.push({ path: "original_config", expectation });
  }
  return { flat, problems };
}

/** What the second tree says that the first does not, or says otherwise. */
function difference(before: Tree, after: Tree): Tree {
  const entries = Object.entries(after).flatMap(([key, value]): [string, unknown][] => {
    const old = before[key];
    if (isTree(value) && isTree(old)) {
      const inner = difference(old, value);
      return Object.keys(inner).length === 0 ? [] : [[key, inner]];
    }
    return JSON.stringify(value) === JSON.stringify(old) ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}
