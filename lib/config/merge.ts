/** Lays the values of several sources over each other and remembers where each came from. */
import type { LoadedFile } from "./load.ts";
import { isContainer, isJson, isTree, leafPaths, type Tree } from "./paths.ts";
import type { ConfigSource } from "./problem.ts";

/** What one source says, in file form. */
export interface Layer {
  readonly tree: Tree;
  readonly source: ConfigSource;
}

/** The values of all sources in file form, not yet validated; secrets included. */
export interface Merged {
  readonly tree: Tree;
  /** By path: every key that has a variable, and every key below `services`. */
  readonly sources: Readonly<Record<string, ConfigSource>>;
  readonly file?: LoadedFile;
}

const nothing: Merged = { tree: {}, sources: {} };

/**
 * Lays layers over each other, the later ones on top.
 *
 * Shape: keys are replaced one by one, values (lists too) whole. A key without a value is not set. What stands where
 * a group belongs and is none stays, to be reported.
 */
export function mergeLayers(layers: readonly Layer[], base: Merged = nothing): Merged {
  const sources = new Map(Object.entries(base.sources));
  let tree = base.tree;
  for (const layer of layers) {
    tree = layOver(tree, layer.tree, { path: [], source: layer.source, sources });
  }
  for (const path of leafPaths) {
    if (!sources.has(path)) sources.set(path, { kind: "default", name: "default" });
  }
  return { ...base, tree, sources: Object.fromEntries(sources) };
}

interface Place {
  readonly path: readonly string[];
  readonly source: ConfigSource;
  readonly sources: Map<string, ConfigSource>;
}

function layOver(base: Tree, over: Tree, { path, source, sources }: Place): Tree {
  const entries = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    if (value === null) continue;
    const inner = [...path, key];
    const below = entries.get(key);
    const name = inner.join(".");
    if (isTree(value) && isContainer(inner)) {
      if (below !== undefined && !isTree(below)) continue;
      entries.set(key, layOver(below ?? {}, value, { path: inner, source, sources }));
      // `services` has a variable and keys of its own below it.
      if (leafPaths.includes(name)) sources.set(name, source);
    } else {
      entries.set(key, value);
      sources.set(name, source);
    }
  }
  // fromEntries and not assignment: a key called __proto__ has to stay an ordinary, unknown key.
  return Object.fromEntries(entries);
}

/** The layer of one variable or flag. */
export function settingLayer(
  { path, value, source }: {
    readonly path: string;
    readonly value: string;
    readonly source: ConfigSource;
  },
): Layer {
  const keys = path.split(".");
  const inner: unknown = isJson(keys) ? fromJson(value) : value;
  return {
    tree: keys.reduceRight<unknown>((below, key) => ({ [key]: below }), inner) as Tree,
    source,
  };
}

/** Text that is no JSON stays as it is, to be refused by who reads it. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
