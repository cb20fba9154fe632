/** What the tests of the configuration share: a load from texts, and its problems as lines. */
import { loadConfig, type LoadResult } from "../../../lib/config/load.ts";
import { formatProblem } from "../../../lib/config/problem.ts";
import type { Config } from "../../../lib/config/schema.ts";
import { assert } from "@test/assert";

export interface Given {
  readonly flags?: Record<string, string>;
  readonly env?: Record<string, string>;
  /** Text of mesher.yaml; undefined for no file. */
  readonly file?: string;
}

export function load({ flags = {}, env = {}, file }: Given): Promise<LoadResult> {
  return loadConfig({
    flags,
    env,
    readFile: () => Promise.resolve(file),
    ...(file === undefined ? {} : { path: "mesher.yaml" }),
  });
}

export async function loadGood(given: Given): Promise<Config> {
  const result = await load(given);
  assert.ok(result.ok, result.ok ? "" : result.problems.map(formatProblem).join("\n"));
  return result.config;
}

/** The problem lines, or none when the load succeeded. */
export async function problemLines(given: Given): Promise<readonly string[]> {
  const result = await load(given);
  return result.ok ? [] : result.problems.map(formatProblem);
}
