/** Reads command line flags: `--key value`, `--key=value`, with the paths of the configuration as keys. */
import { flagOf, leafPaths } from "./paths.ts";
import type { ConfigProblem } from "./problem.ts";
import { switchPaths } from "./schema.ts";
import { closest } from "../core/closest.ts";

/** Flags that belong to a command and are no keys of the configuration; names without dashes. */
export interface OwnFlags {
  /** Without a value. A name of one letter is also taken with one dash. */
  readonly switches?: readonly string[];
  readonly values?: readonly string[];
}

export interface ParsedFlags {
  /** Values by path: `timeouts.connect`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What `--config` names. */
  readonly path?: string;
  /** The command's own flags; a switch is `true`. */
  readonly own: Readonly<Record<string, string>>;
  /** Arguments that are no flags, in order. */
  readonly rest: readonly string[];
  /** What follows `--`; undefined when there is no `--`. */
  readonly command?: readonly string[];
  readonly problems: readonly ConfigProblem[];
}

const pathByFlag = new Map(leafPaths.map((path) => [flagOf(path), path]));

/**
 * Reads the arguments of a command.
 *
 * Shape: pure; the last of two equal flags wins; `_` and `-` in a key are the same. Errors: none thrown, see
 * `problems`.
 */
export function parseFlags(args: readonly string[], ownFlags: OwnFlags = {}): ParsedFlags {
  const { switches = [], values = [] } = ownFlags;
  const flags: Record<string, string> = {};
  const own: Record<string, string> = {};
  const rest: string[] = [];
  const problems: ConfigProblem[] = [];
  let config: string | undefined;
  const end = args.indexOf("--");
  const open = end < 0 ? [...args] : args.slice(0, end);

  while (open.length > 0) {
    const arg = open.shift()!;
    if (!arg.startsWith("-") || arg === "-") {
      rest.push(arg);
      continue;
    }
    const [, flag = arg, given] = /^(-[^=]*)=(.*)$/s.exec(arg) ?? [];
    const spelt = flag.replaceAll("_", "-");
    const name = spelt.replace(/^--?/, "");
    const path = pathByFlag.get(spelt);
    const dashesFit = spelt.startsWith("--") || name.length === 1;

    if (dashesFit && switches.includes(name)) {
      if (given === undefined || given === "true") own[name] = "true";
      else if (given !== "false") {
        problems.push({ path: flag, expectation: "takes no value", source: "the command line" });
      }
      continue;
    }
    const takesValue = spelt.startsWith("--") && (name === "config" || values.includes(name));
    if (path === undefined && !takesValue) {
      const names = [...leafPaths, "config", ...values, ...switches].map((name) => flagOf(name));
      const suggestion = closest(spelt, names);
      problems.push({
        path: flag,
        expectation: "is not a flag of this command",
        source: "the command line",
        ...(suggestion === undefined ? {} : { suggestion }),
      });
      continue;
    }
    const value = given ?? nextValue(open, path !== undefined && switchPaths.has(path));
    if (value === undefined) {
      const expectation = `needs a value; write ${flag}=VALUE`;
      problems.push({ path: flag, expectation, source: "the command line" });
    } else if (path !== undefined) flags[path] = value;
    else if (name === "config") config = value;
    else own[name] = value;
  }
  return {
    flags,
    ...(config === undefined ? {} : { path: config }),
    own,
    rest,
    ...(end < 0 ? {} : { command: args.slice(end + 1) }),
    problems,
  };
}

/** Takes the value of a flag from the arguments that are left. */
function nextValue(open: string[], isSwitch: boolean): string | undefined {
  const next = open[0];
  if (isSwitch && next !== "true" && next !== "false") return "true";
  if (next === undefined || (next.startsWith("-") && next !== "-")) return undefined;
  return open.shift();
}
