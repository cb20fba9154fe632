/** From the original's files and variables to one flat map of keys. */
import { isTree, type Tree } from "../paths.ts";
import type { FlatValue } from "./sheet.ts";
import { isOriginalVariable, keyOfVariable } from "./variables.ts";

type Env = Readonly<Record<string, string>>;

/**
 * The keys of one file.
 *
 * Shape: maps become dots; a list is one value, as JSON. `${NAME||default}` in a text stands for a variable.
 */
export function flatten(tree: Tree, env: Env): ReadonlyMap<string, FlatValue> {
  const flat = new Map<string, FlatValue>();
  const visit = (value: unknown, key: string) => {
    if (isTree(value)) {
      for (const [step, below] of Object.entries(value)) {
        visit(below, key === "" ? step : `${key}.${step}`);
      }
    } else if (typeof value === "string") flat.set(key, expand(value, env));
    else if (typeof value === "number" || typeof value === "boolean") flat.set(key, value);
    else if (Array.isArray(value)) flat.set(key, JSON.stringify(value));
  };
  visit(tree, "");
  return flat;
}

/** The keys that are set by variables. */
export function flatVariables(env: Env): ReadonlyMap<string, FlatValue> {
  return new Map(
    Object.entries(env)
      .filter(([name, value]) => isOriginalVariable(name) && value.trim() !== "")
      .map(([name, value]) => [keyOfVariable(name), value.trim()]),
  );
}

/** Shape: `${NAME^^||d}` gives capitals, `${NAME,,||d}` small letters; without the variable the default. */
function expand(text: string, env: Env): string {
  return text.replace(
    /\$\{([A-Za-z_][A-Za-z0-9_]*)(\^\^|,,)?\|\|([^}]*)\}/g,
    (_, name: string, letters: string | undefined, fallback: string) => {
      const value = env[name] ?? "";
      if (value === "") return fallback;
      if (letters === undefined) return value;
      return letters === "^^" ? value.toUpperCase() : value.toLowerCase();
    },
  );
}
