/** The paths of all keys, and the one rule that turns a path into a variable or a flag. */
import type * as z from "zod";
import { schema } from "./schema.ts";

/** A plain map of YAML or of the file form of the schema. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Shape = Readonly<Record<string, z.ZodType>>;

/** The keys of a group, undefined for a leaf or a key that does not exist. */
export function shapeAt(path: readonly string[]): Shape | undefined {
  let shape: Shape = schema.shape;
  for (const key of path) {
    const next = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (next === undefined || !("shape" in next)) return undefined;
    shape = next.shape as Shape;
  }
  return shape;
}

function collect(path: readonly string[]): readonly string[] {
  return Object.keys(shapeAt(path) ?? {}).flatMap((key) => {
    const inner = [...path, key];
    return shapeAt(inner) === undefined ? [inner.join(".")] : collect(inner);
  });
}

/** Every path that holds a value, such as `timeouts.connect`, in the order of the schema. */
export const leafPaths: readonly string[] = collect([]);

/** `timeouts.body_idle` is MESHER_TIMEOUTS_BODY_IDLE. */
export function variableOf(path: string): string {
  return `MESHER_${path.replaceAll(".", "_").toUpperCase()}`;
}

/** `timeouts.body_idle` is `--timeouts.body-idle`. */
export function flagOf(path: string): string {
  return `--${path.replaceAll("_", "-")}`;
}

/** Undefined when the tree has nothing there. */
export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
