/** What is wrong with a configuration, in words for the person who has to mend it. */

/** Where a value came from. `name` is the file, the variable or the flag; `original` are files of the original. */
export interface ConfigSource {
  readonly kind: "admin" | "flag" | "environment" | "file" | "original" | "default";
  readonly name: string;
  /** Set when the variable is one of the original's: the own variable, which wins. */
  readonly aliasOf?: string;
}

export interface ConfigProblem {
  /** `timeouts.connect`, or the variable or flag when no path belongs to it. */
  readonly path: string;
  /** The value as shown: quoted, shortened, masked if secret. */
  readonly value?: string;
  /** Continues the sentence that began with path and value: "is not a duration; write ...". */
  readonly expectation: string;
  /** `mesher.yaml line 3`, `MESHER_LOG`, `--log`. */
  readonly source?: string;
  readonly suggestion?: string;
}

/** One line: `timeouts.connect: "1 second" is not a duration; write ... (from mesher.yaml line 3)`. */
export function formatProblem(problem: ConfigProblem): string {
  const { path, value, expectation, source, suggestion } = problem;
  return [
    `${path}: `,
    value === undefined ? "" : `${value} `,
    expectation,
    suggestion === undefined ? "" : `; did you mean ${suggestion}?`,
    source === undefined ? "" : ` (from ${source})`,
  ].join("");
}

export function formatSource(source: ConfigSource): string {
  return source.aliasOf === undefined
    ? source.name
    : `${source.name}, read as ${source.aliasOf}, which wins when set`;
}

/** What stands in place of a secret. */
export const mask = "********";

/** The value as a message may show it: one line, at most 80 characters, no password of a URL. */
export function showValue(value: unknown): string {
  const plain = plainText(value);
  const safe = plain.replace(/:\/\/[^\s"]*@/g, `://${mask}@`);
  return safe.length <= 80 ? safe : `${safe.slice(0, 77)}...`;
}

function plainText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "(a value that contains itself)";
  }
}
