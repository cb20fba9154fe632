/** Reads a configuration file: YAML to a plain tree, and where in the text a key stands. */
import { isTree, type Tree } from "./paths.ts";
import type { ConfigProblem } from "./problem.ts";

export type ParsedFile =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly problem: ConfigProblem };

/** What the parser complains about, without the piece of the file it quotes: that may be a secret. */
function complaint(message: string): string {
  const firstLine = message.split("\n")[0]!.replace(/:$/, "");
  return firstLine.replace(/ ?at line \d+, column \d+$/, "").replace(/(\S): \S.*$/, "$1");
}

/**
 * Reads the text of a file.
 *
 * Errors: none thrown; a syntax error comes back as a problem with file, line and column. An empty file is an
 * empty tree.
 */
export async function parseFile(text: string, name: string): Promise<ParsedFile> {
  // Loaded only here and for printing, so that a start without a file does not wait for the parser.
  const { parse } = await import("@std/yaml");
  // Some parsers print warnings that quote the file; `object` because the option is not known to all of them.
  const quiet: object = { logLevel: "error" };
  let value: unknown;
  try {
    value = parse(text.replace(/^\uFEFF/, ""), quiet);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const at = /at line (\d+), column (\d+)/.exec(message);
    return {
      ok: false,
      problem: {
        path: name,
        expectation: `is not valid YAML: ${complaint(message)}`,
        source: at ? `${name} line ${at[1]} column ${at[2]}` : name,
      },
    };
  }
  if (value === null || value === undefined) return { ok: true, tree: {} };
  if (isTree(value)) return { ok: true, tree: value };
  return {
    ok: false,
    problem: {
      path: name,
      expectation: "does not hold keys at its top; write for example log: info",
      source: name,
    },
  };
}

/** A key or a list entry that later lines may lie below. */
interface Open {
  readonly step: string | number;
  readonly indent: number;
  entries: number;
}

const keyForm = /^(?:"([^"]*)"|'([^']*)'|([^\s#'"{[&*!|>%@`-][^:#]*?)) *:(?:\s|$)/;

/**
 * The line of a key, or of the nearest key above it that can be found.
 *
 * Shape: counts from 1; undefined when not even the first key is found. Knows block style only; entries of lists
 * are steps by their index.
 */
export function lineOf(text: string, path: readonly PropertyKey[]): number | undefined {
  const open: Open[] = [];
  let best: number | undefined;
  let bestDepth = 0;
  for (const [index, line] of text.split("\n").entries()) {
    for (const step of stepsOf(line, open)) {
      open.push(step);
      const depth = open.length;
      if (depth <= bestDepth || depth > path.length) continue;
      if (open.every(({ step }, level) => step === path[level])) {
        best = index + 1;
        bestDepth = depth;
      }
    }
  }
  return best;
}

/** What begins in a line: list entries, then perhaps a key. Shape: closes in `open` what has ended before each. */
function* stepsOf(line: string, open: Open[]): Generator<Open> {
  let indent = line.length - line.trimStart().length;
  let rest = line.slice(indent);
  while (/^-(?:\s|$)/.test(rest)) {
    // A list may stand as far left as the key it belongs to.
    close(
      open,
      (last) => last.indent > indent || last.indent === indent && typeof last.step === "number",
    );
    const parent = open[open.length - 1];
    yield { step: parent === undefined ? 0 : parent.entries++, indent, entries: 0 };
    const gap = rest.length - rest.slice(1).trimStart().length;
    indent += gap;
    rest = rest.slice(gap);
  }
  const match = keyForm.exec(rest);
  if (!match) return;
  close(open, (last) => last.indent >= indent);
  yield { step: match[1] ?? match[2] ?? match[3]!, indent, entries: 0 };
}

function close(open: Open[], hasEnded: (last: Open) => boolean): void {
  while (open.length > 0 && hasEnded(open[open.length - 1]!)) open.pop();
}
