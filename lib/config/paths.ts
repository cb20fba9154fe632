/** The paths of all keys, and the one rule that turns a path into a variable or a flag. */
import * as z from "zod";
import type { Shape } from "./leaf.ts";
import { schema } from "./schema.ts";

/** A plain map of YAML or of the file form of the schema. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The keys of a group, undefined for a leaf or a key that does not exist. */
function shapeAt(path: readonly string[]): Shape | undefined {
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

/** The keys that a schema names, whatever is wrapped round them. */
function shapeOf(schema: unknown): Shape | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  if ("shape" in schema) return schema.shape as Shape;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return shapeOf(schema.unwrap());
  }
  return schema instanceof z.ZodPipe ? shapeOf(schema.in) ?? shapeOf(schema.out) : undefined;
}

/** The schema of what a list or a map holds. */
function eachOf(schema: unknown, kind: "list" | "map"): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return eachOf(schema.unwrap(), kind);
  }
  if (kind === "list") return schema instanceof z.ZodArray ? schema.element : undefined;
  return schema instanceof z.ZodType && "each" in schema ? schema.each : undefined;
}

function schemaAt(path: readonly PropertyKey[]): unknown {
  let at: unknown = schema;
  for (const step of path) {
    const shape = shapeOf(at);
    if (shape !== undefined) at = Object.hasOwn(shape, step) ? shape[String(step)] : undefined;
    else at = eachOf(at, typeof step === "number" ? "list" : "map");
  }
  return at;
}

/** The keys that may stand below a path, inside lists and maps as well; undefined where none are named. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] | undefined {
  const shape = shapeOf(schemaAt(path));
  return shape && Object.keys(shape);
}

/** Whether sources are laid over each other below a path. A list is a value and replaced whole. */
export function isContainer(path: readonly string[]): boolean {
  const found = schemaAt(path);
  return shapeOf(found) !== undefined || eachOf(found, "map") !== undefined;
}

/** Whether a variable or flag holds the value of a path as JSON. */
export function isJson(path: readonly string[]): boolean {
  const found = schemaAt(path);
  return eachOf(found, "list") !== undefined || eachOf(found, "map") !== undefined;
}

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
