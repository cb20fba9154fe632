/** Writes a Config back as the file that would give it, without its secrets. */
import * as z from "zod";
import type { Tree } from "./paths.ts";
import { type ConfigSource, formatSource } from "./problem.ts";
import { type Config, schema } from "./schema.ts";
import { withoutSecrets } from "./secrets.ts";

/** The file form of a Config, secrets included. Shape: keys in the order of the schema, none undefined. */
export function toFileForm(config: Config): Tree {
  return z.encode(schema, config) as Tree;
}

/** The file form of a Config with its secrets masked; for printing and for the admin API. */
export function toPublicForm(config: Config): Tree {
  return withoutSecrets(toFileForm(config));
}

/** The effective configuration as YAML; with sources, comments at the end say what set which key. */
export async function printConfig(
  config: Config,
  sources: Readonly<Record<string, ConfigSource>> = {},
): Promise<string> {
  const { stringify } = await import("@std/yaml");
  const outside = Object.entries(sources)
    .filter(([, { kind }]) => kind !== "file" && kind !== "default")
    .map(([path, source]) => `#   ${path}: ${formatSource(source)}\n`);
  const origin = outside.length === 0 ? "" : `# Set outside the file:\n${outside.join("")}`;
  return stringify(toPublicForm(config)) + origin;
}
